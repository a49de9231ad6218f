// How many tokens to draft, and by whom: from what rows cost, and from how often drafts are what the ensemble draws.
#pragma once

#include "draft_costs.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

struct draft_candidate {
    double agreement = 0;  // of expert and ensemble
    int most = 0;          // tokens that may be drafted
    int useful = 1 << 30;  // tokens after which the text ends: more drafts are for nothing, unless rows get cheaper
    int found = 0;         // tokens that follow in the text itself, should it repeat itself
    double repeats = 0;    // how often such tokens are what the ensemble draws
};

// Most drafts in the round of a prompt, which come with the first token and delay it: few, so that a text begins soon,
// unless it is so short that it is waited for as a whole, and nobody else waits.
// @param most in any other round
// @param wanted tokens that the text may have, negative where there is no limit
// @param together whether the round has other requests
size_t most_drafts_at_first(size_t most, int32_t wanted, bool together);

struct draft_choice {
    int drafts = 0;
    bool found = false;  // they are those of the text itself, and the expert has nothing to draft
};

// Chooses the drafts of a round that give the most tokens per millisecond, equally many for all candidates as far as
// each may draft; none unless they gain 2%. A candidate that is alone keeps to numbers of rows that kernels like.
//
// What is not chosen is not measured, and may have been measured at a bad time. So lengths that have not been used for
// some rounds are tried now and then: they may lose no more than 0.5% of the time.
class draft_lengths {
  public:
    // @param most rows of a decode
    explicit draft_lengths(size_t most);

    // @param rows_left outputs of one decode beyond the one of each candidate
    // @param other_rows rows of the base that belong to sequences without drafts of choice
    std::vector<draft_choice> choose(const std::vector<draft_candidate> & candidates, size_t rows_left,
                                     size_t other_rows);

    // Whether the expert decodes accepted drafts again after one that was not, together with the next token.
    void expert_decodes_again(bool again) { decodes_again_ = again; }

    draft_costs & costs() { return costs_; }
    const draft_costs & costs() const { return costs_; }

  private:
    // Of rounds of one request, and of several.
    struct trials {
        double credit_ms = 0;
        size_t rounds = 0;
        std::vector<size_t> used;  // by rows: the last round with so many
    };

    draft_costs costs_;
    bool decodes_again_ = false;
    std::array<trials, 2> trials_;
};

}  // namespace rast
