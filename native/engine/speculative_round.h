// A round: the expert drafts, all other models verify the drafts, and every token that the ensemble draws as drafted is
// accepted, with the first that is not. Without drafts it is a plain step.
//
// Engine thread only. What goes wrong before the draws ends every request of the round (the caller's attempt), what
// goes wrong with one request's draws ends that one.
#pragma once

#include "batch_decoder.h"
#include "draft_planner.h"
#include "participant.h"
#include "row_reader.h"
#include "scheduler.h"

#include <cstddef>
#include <span>
#include <vector>

namespace rast {

class speculative_round {
  public:
    // All must outlive it.
    speculative_round(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                      batch_decoder & decoder, row_reader & reader, draft_planner & planner, scheduler & scheduler);

    // Gives each request at least one token, if its grammar has decided on it. Throws no_room, ERR_DECODE,
    // ERR_INTERNAL.
    void run(std::span<sequence * const> requests, std::vector<step_event> & events);

    // Goes on with draws that grammars had not decided on in earlier rounds.
    void resume_undecided(std::vector<step_event> & events);

  private:
    std::vector<logits_row> draft(std::span<participant> round);
    std::vector<logits_row> add_rows(std::span<participant> round, size_t depth, std::vector<logits_row> & base_rows);
    void set_drafter_row(const logits_row & row, size_t index);
    bool draft_next(participant & one, llama_token token, size_t depth);
    void verify(size_t context, std::span<const logits_row> base_rows);
    void accept(participant & one, std::vector<step_event> & events);
    bool accept_at(participant & one, const row_draw & draw, size_t depth, step_event & event);
    bool accept_draw(sequence & seq, const row_draw & draw, draft_source draft, step_event & event) const;
    void emit(sequence & seq, step_event && event, std::vector<step_event> & events);

    const engine_config & config_;
    const role_contexts & contexts_;
    slot_caches & caches_;
    batch_decoder & decoder_;
    row_reader & reader_;
    draft_planner & planner_;
    scheduler & scheduler_;
    bool expert_steps_back_ = false;  // to a checkpoint, when a draft fails
};

}  // namespace rast
