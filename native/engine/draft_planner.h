// How many tokens the expert drafts for each request of a round: whether it may at all, what rows cost, how often
// expert and ensemble agree. docs/speculation.md has the formula.
//
// Engine thread only.
#pragma once

#include "batch_decoder.h"
#include "draft_length.h"
#include "participant.h"
#include "role_contexts.h"

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

namespace rast {

class draft_planner {
  public:
    // @param config must outlive it
    explicit draft_planner(const engine_config & config);

    // Once the contexts are there: whether drafts can be taken back in all of them.
    void decide(const role_contexts & contexts);

    // Most tokens that any request may draft; 0 when there are no drafts in this engine, for `reason`.
    int32_t max_draft() const { return max_draft_; }
    const std::string & reason() const { return reason_; }

    // Times decodes of some numbers of rows, for about a second in all. Nothing to do without drafts.
    void calibrate(const role_contexts & contexts, batch_builder & batch, const std::atomic<bool> & stopping);

    // Whether the expert's own draws are of use for a request: as drafts, or to see how often they agree.
    bool compares(const request & wanted) const;

    // Fills in `compared`, `most` and `useful` of each participant.
    void plan(std::vector<participant> & round, const role_contexts & contexts, const batch_decoder & decoder);

    // What rows took in the current round. Learned only if `tells` was true, as a round with somebody's prompt in it
    // says nothing of it.
    void begin_round(bool tells) { learning_ = tells; }
    void expert_took(size_t rows, double ms) { learn(costs_.expert, rows, ms); }
    void others_took(size_t rows, double ms) { learn(costs_.others, rows, ms); }
    void base_took(size_t rows, double ms) { learn(costs_.base, rows, ms); }

    // Expert and ensemble drew at one position: the same token or not.
    void observe(sequence & seq, bool same);
    // A request begins with what others have shown, if it has shown nothing itself.
    void inherit_agreement(sequence & seq) const;

    // No drafts for some rounds, for lack of cache space. @returns false if there are none anyway
    bool pause();
    void round_ended() { paused_rounds_ -= paused_rounds_ > 0 ? 1 : 0; }

  private:
    size_t rows_left(const std::vector<participant> & round, const role_contexts & contexts,
                     const batch_decoder & decoder) const;
    void learn(row_costs & costs, size_t rows, double ms);

    const engine_config & config_;
    int32_t max_draft_ = 0;
    std::string reason_;
    round_costs costs_;
    draft_probe probe_;
    bool learning_ = false;
    size_t paused_rounds_ = 0;
    agreement agrees_;  // over all requests
};

}  // namespace rast
