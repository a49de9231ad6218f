// A draw that keeps to a grammar.
//
// The filters have chosen a set; refused tokens leave it, and what is left is drawn from in proportion: the
// distribution over the set, given that the grammar allows the token. If it allows nothing of the set, the filters
// choose anew among the allowed tokens. First one token after the other is drawn, which is quick where a few tokens
// hold nearly everything; after many refusals the grammar looks at all of the set, or of the vocabulary.
//
// May be done in parts, as the work that a matcher is allowed lasts; what is drawn does not depend on the parts.
#pragma once

#include "../sampling/row_kernels.h"
#include "../sampling/sampler_row.h"
#include "../sampling/sampler_settings.h"
#include "grammar_matcher.h"
#include "token_trie.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace rast {

// Owns the row and its work space; borrows matcher and tokens for a call. Engine thread only.
class constrained_draw {
  public:
    // @param logits f32[n], fused, masked and adjusted (sampling_steps.h): what is not above lowest_logit is never
    // drawn
    // @param drawn the row's token: the first to be looked at
    // @param number random numbers in [0, 1), by how many were used before
    constrained_draw(std::vector<float> logits, row_settings settings, int32_t drawn,
                     std::function<float(uint32_t)> number);

    // Goes on for as long as the work lasts that the matcher is allowed.
    // @returns whether it is done
    bool go_on(grammar_matcher & matcher, const token_trie & tokens);

    // When done: the token, or row_invalid if the grammar allows none.
    int32_t token() const { return token_; }

    // Whether the row's own token was refused.
    bool refused() const { return refused_; }

    // f32[n] as given; log-probabilities are of these.
    const std::vector<float> & logits() const { return logits_; }

  private:
    enum class stage { one_by_one, rest_of_set, whole_vocabulary, done };

    void remove(int32_t token);
    void choose_set();
    std::optional<int32_t> draw_from_set();
    std::optional<size_t> largest_place() const;
    std::optional<size_t> drawn_place();
    void weigh_block(size_t block);
    bool look_at_set(grammar_matcher & matcher, const token_trie & tokens);
    bool look_at_all(grammar_matcher & matcher, const token_trie & tokens);
    void finish(int32_t token);

    std::vector<float> logits_;
    row_settings settings_;
    std::function<float(uint32_t)> number_;
    uint32_t numbers_ = 0;  // used
    stage stage_ = stage::one_by_one;
    int32_t trying_;
    int32_t token_ = row_invalid;
    bool refused_ = false;
    int tries_ = 0;  // draws from what refusals left

    // What is drawn from, in blocks; without filters token i is number i.
    bool chosen_ = false;
    bool listed_ = false;
    std::vector<row_candidate> set_;
    std::vector<float> weights_;
    std::vector<float> block_mass_;
    size_t last_ = 0;  // number of the token that was drawn last
    size_t looked_at_ = 0;
    std::optional<grammar_matcher::look> look_;
    row_scratch scratch_;
};

// Log-probability of a token at temperature 1.
float logprob_of(const std::vector<float> & logits, int32_t token);

}  // namespace rast
