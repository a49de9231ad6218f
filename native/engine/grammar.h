// A GBNF grammar along one text, over llama.cpp's own, and draws that keep to it.
#pragma once

#include "sampler_settings.h"

#include "../llama/api.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rast {

class grammar_state {
  public:
    // Throws ERR_GRAMMAR if the text does not parse.
    grammar_state(const llama_vocab * vocab, const std::string & gbnf);
    grammar_state(const grammar_state & other);
    grammar_state & operator=(const grammar_state &) = delete;

    // Whether the token may come next.
    bool allows(llama_token token) const;

    // The token, which must be allowed, came.
    void accept(llama_token token);

    // Of these tokens, those that may come next.
    std::vector<llama_token> allowed(const std::vector<llama_token> & tokens) const;

  private:
    struct deleter {
        void operator()(llama_sampler * sampler) const { llama_sampler_free(sampler); }
    };

    std::unique_ptr<llama_sampler, deleter> sampler_;
};

// Draws again after the grammar has refused a row's token. The filters have chosen a set; refused tokens leave it, and
// what is left is drawn from in proportion: the distribution over the set, given that the grammar allows the token. If
// it allows nothing of the set, the filters choose anew among the allowed tokens.
// @param logits f32[n], fused, masked and adjusted: what is below -1e29 is never drawn. Changed
// @param next_number gives one random number in [0, 1) after the other
// @returns the token, or row_invalid if the grammar allows none
int32_t draw_allowed(std::vector<float> & logits, const row_settings & settings, llama_token refused,
                     const grammar_state & grammar, const std::function<float()> & next_number);

// Log-probability of a token at temperature 1.
float logprob_of(const std::vector<float> & logits, llama_token token);

}  // namespace rast
