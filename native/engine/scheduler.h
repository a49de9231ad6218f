// Who runs and where: requests wait for slots, a free slot goes to the one that waits longest with what any cache holds
// of its prompt, and a step's prompt tokens are divided. Owns every request from its arrival to its end.
//
// Engine thread only. Each request ends exactly once, with a result or an error in `events`. After an error in work for
// some requests those are ended and their caches forgotten; the others are as they were.
#pragma once

#include "batch_decoder.h"
#include "draft_planner.h"
#include "inbox.h"
#include "prefill_budget.h"
#include "role_contexts.h"
#include "sequence.h"
#include "slot_caches.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rast {

class scheduler {
  public:
    // What a step does. Requests that await a prefix or have an undecided draw are in neither.
    struct step_plan {
        std::vector<sequence *> ready;  // take part in a round, with all that they lack
        sequence * behind = nullptr;    // its prompt gets a chunk
        size_t chunk = 0;               // tokens
    };

    // All must outlive it.
    scheduler(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
              batch_decoder & decoder, draft_planner & planner, prefill_budget & budget, const inbox & inbox);

    // ---- from arrival to end

    // New and cancelled requests; then free slots go to those who wait, in the order they came.
    void take_in(inbox::delivery && delivery, std::vector<step_event> & events);

    bool any() const { return any_running() || !waiting_.empty(); }

    // By slot; null where there is none.
    std::span<const std::unique_ptr<sequence>> running() const { return slots_; }

    // Its last event is in `events`: what the caches hold of it is kept for others.
    void retire(sequence & seq);
    void abort_all(std::vector<step_event> & events);

    // Runs work for some requests: what goes wrong in it ends those that still run, and nobody else. no_room passes.
    // @returns whether all went well
    bool attempt(std::span<sequence * const> whom, std::vector<step_event> & events,
                 const std::function<void()> & work);
    // Ends all that run, and forgets all caches.
    void fail_all(const std::string & code, const std::string & message, std::vector<step_event> & events);
    // All that were taken in end without an event, and all caches are forgotten. Allocates nothing.
    void lose_all();

    // ---- a step

    step_plan plan_step();

    // Requests that may share decodes, in the order of slots: one group unless a context wants sequence ids without a
    // gap between those that it decodes.
    std::vector<std::vector<sequence *>> one_piece_groups(std::vector<sequence *> ready) const;

    // After no_room: kept beginnings go first, then drafts; then whoever came last is preempted, and comes back with
    // the same text when another has ended. One that is alone ends with "contextFull".
    void make_room(std::vector<step_event> & events);

  private:
    using members = std::vector<std::pair<size_t, uint32_t>>;  // slot and request

    bool any_running() const;
    void admit();
    void await_prefix(sequence & admitted, size_t held) const;
    bool still_awaits_prefix(const sequence & seq) const;
    void take_prefix(sequence & seq);
    size_t first_context(const request & wanted) const;
    std::vector<sequence *> by_pending() const;
    void fail(const members & whom, const std::string & code, const std::string & message,
              std::vector<step_event> & events);
    void free_slot(size_t slot);
    void preempt(sequence & seq);

    const engine_config & config_;
    const role_contexts & contexts_;
    slot_caches & caches_;
    batch_decoder & decoder_;
    draft_planner & planner_;
    prefill_budget & budget_;
    const inbox & inbox_;
    std::deque<std::unique_ptr<sequence>> waiting_;
    std::vector<std::unique_ptr<sequence>> slots_;
    size_t most_at_once_;  // requests: fewer than slots after one was preempted, one more with each that ends
};

}  // namespace rast
