// What one request does in a round, and the rows of logits it asks for. Both live as long as the round.
#pragma once

#include "../grammar/grammar_matcher.h"
#include "sequence.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rast {

struct participant {
    sequence * seq = nullptr;
    size_t most = 0;                         // tokens to draft
    size_t useful = 0;                       // of those, before the text has all it may have
    bool compared = false;                   // the expert draws for it: drafts, or to see how often they agree
    std::vector<llama_token> repeat;         // what follows, should the text repeat itself
    size_t repeat_kind = 0;                  // how much of it is alike
    bool from_text = false;                  // its drafts are of `repeat`, and the expert only verifies
    std::vector<llama_token> drafts;         // decoded by every model it needs
    std::vector<llama_token> expert_draws;   // by depth: the drafts, and one more that is only compared
    std::vector<size_t> base_rows;           // by depth, in the base's batch
    std::optional<grammar_matcher> grammar;  // after the drafts
    row_draw drawn;                          // in mode "expert"

    llama_pos length() const { return static_cast<llama_pos>(seq->history().size()); }
};

// One row of logits that a decode gives: after `depth` drafts of a participant.
struct logits_row {
    participant * of = nullptr;
    size_t depth = 0;
    int64_t base_row = -1;  // the base's row that its logits belong to; -1 = none
};

}  // namespace rast
