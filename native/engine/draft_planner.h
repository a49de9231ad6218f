// How many tokens the expert drafts for each request of a round: whether it may at all, what rows cost, how often
// expert and ensemble agree. docs/speculation.md has the formula.
//
// Engine thread only.
#pragma once

#include "agreement.h"
#include "batch_decoder.h"
#include "draft_length.h"
#include "participant.h"
#include "role_contexts.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace rast {

class draft_planner {
  public:
    // @param config must outlive it
    explicit draft_planner(const engine_config & config);

    // Once the contexts are there: whether drafts can be taken back in all of them, and how many.
    void decide(const role_contexts & contexts);

    // Most tokens that any request may draft; 0 when there are no drafts in this engine, for `reason`.
    int32_t max_draft() const { return max_draft_; }
    const std::string & reason() const { return reason_; }

    // Takes what an earlier engine has learned, or times decodes of some numbers of rows. Nothing to do without drafts.
    void calibrate(const role_contexts & contexts, batch_builder & batch, const std::atomic<bool> & stopping);

    // Whether calibrate() had nothing to measure.
    bool costs_remembered() const { return remembered_; }

    // What decodes cost and how often drafts are right, as numbers that only an engine with the same configuration
    // understands; empty without drafts.
    std::vector<double> learned() const;

    // Whether the expert's own draws are of use for a request: as drafts, or to see how often they agree.
    bool compares(const request & wanted) const;

    // Fills in `compared`, `most`, `useful` and what is drafted from the text, of each participant. Engine thread, at
    // the beginning of a round.
    void plan(std::vector<participant> & round, const role_contexts & contexts, const batch_decoder & decoder);

    // What decodes of the current round took: of the expert, and of all other models together. Learned only where it
    // says what a round of drafts costs: not with somebody's prompt in it, nor with requests that the expert does not
    // draw for, as in mode "base" or without drafts.
    // @param rows tokens: those that were decoded again count as the others
    void expert_took(size_t rows, double ms);
    void verify_took(size_t rows, double ms);

    // What was drawn where the text might have repeated itself, whether that was drafted or not.
    void observe_repeat(const participant & one, std::span<const llama_token> drawn);
    // Expert and ensemble drew at one position: the same token or not.
    void observe(sequence & seq, bool same);
    // A request begins with what others have shown, when it has shown nothing itself.
    void inherit_agreement(sequence & seq) const;

    // No drafts for some rounds, for lack of cache space. @returns false if there are none anyway
    bool pause();
    void round_ended() { paused_rounds_ -= paused_rounds_ > 0 ? 1 : 0; }

  private:
    bool restore(std::span<const double> learned);
    static void look_for_repeat(participant & one, size_t most);
    size_t plan_given(std::vector<participant> & round, size_t & left) const;
    size_t rows_left(const std::vector<participant> & round, const role_contexts & contexts,
                     const batch_decoder & decoder) const;

    bool decodes_one_each(const sequence & seq, const role_contexts & contexts, const batch_decoder & decoder) const;

    const engine_config & config_;
    int32_t max_draft_ = 0;
    bool alone_only_ = false;  // a context decodes several tokens of one sequence only
    std::string reason_;
    draft_lengths lengths_;
    bool remembered_ = false;
    bool learning_ = false;  // from the current round
    bool together_ = false;  // it has several requests
    size_t paused_rounds_ = 0;
    agreement agrees_;                  // over all requests
    std::array<agreement, 2> repeats_;  // of texts with their own repeats: of few tokens, of many
};

}  // namespace rast
