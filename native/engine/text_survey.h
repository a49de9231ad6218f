// Runs a given text through all models and says of every position what their rows are like: nothing is drawn, and the
// text is not changed. What a pair is judged by (`rast check --deep`).
//
// survey() may be called on any thread but the engine's, and waits for it; it runs between two steps. It decodes in a
// slot without a request, which is empty afterwards.
#pragma once

#include "../sampling/row_figures.h"
#include "batch_decoder.h"
#include "inbox.h"
#include "role_contexts.h"
#include "slot_caches.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace rast {

// Of one model at one position.
struct model_figures {
    int32_t top = -1;    // the likeliest token; -1 where the row has none
    double entropy = 0;  // nats
    double logprob = 0;  // of the token that the text has next
    int32_t rank = 0;    // tokens likelier than that
};

// Behind a token of the text.
struct position_figures {
    model_figures base;  // with nothing added
    model_figures expert;
    model_figures antiexpert;
    double divergence = 0;           // KL(expert || antiexpert), nats
    int32_t expert_top_in_base = 0;  // rank there of the expert's likeliest token
    int32_t expert_top_in_antiexpert = 0;
};

class text_survey {
  public:
    // All must outlive it.
    text_survey(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                batch_decoder & decoder, inbox & inbox);

    // @param tokens of the base, two and more, at most a context's
    // @param from positions from this one on are wanted: the first gives the token at `from` + 1
    // @returns figures of positions `from` to the last but one. Throws ERR_INVALID_ARGUMENT for other tokens, or a pair
    // that the engine has not; ERR_QUEUE_FULL if every slot has a request; ERR_DECODE, ERR_DISPOSED.
    std::vector<position_figures> survey(const std::vector<llama_token> & tokens, size_t from, size_t pair);

  private:
    void check(const std::vector<llama_token> & tokens, size_t from, size_t pair) const;
    std::vector<position_figures> run(const std::vector<llama_token> & tokens, size_t from, size_t pair);
    // Positions of `tokens` in one decode, with a row of each where they are asked for.
    void decode(size_t context, size_t slot, std::span<const llama_token> tokens, size_t position, bool rows);
    void prepare_rows(size_t expert, size_t count) const;
    std::vector<position_figures> read_rows(std::span<const llama_token> next, size_t pair,
                                            const row_tokens & counted) const;
    row_tokens counted_tokens(size_t pair) const;

    const engine_config & config_;
    const role_contexts & contexts_;
    slot_caches & caches_;
    batch_decoder & decoder_;
    inbox & inbox_;
};

}  // namespace rast
