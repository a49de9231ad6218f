#include "scheduler.h"

#include "../error.h"

#include <algorithm>

namespace rast {

namespace {

// Tokens of a prompt that another request is about to decode: fewer are decoded as quickly as they are copied.
constexpr size_t worth_waiting_for = 8;

void abort_one(sequence & seq, std::vector<step_event> & events) {
    events.push_back({seq.id(), {}, "", {}, std::nullopt, std::nullopt});
    seq.finish(stop_reason::abort, events.back());
}

size_t common_prefix(const std::vector<llama_token> & prompt, const std::vector<llama_token> & other) {
    // the last token of a prompt is always decoded
    const auto end = std::mismatch(prompt.begin(), prompt.end() - 1, other.begin(), other.end()).first;
    return static_cast<size_t>(end - prompt.begin());
}

}  // namespace

scheduler::scheduler(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                     batch_decoder & decoder, draft_planner & planner, prefill_budget & budget, const inbox & inbox)
    : config_(config),
      contexts_(contexts),
      caches_(caches),
      decoder_(decoder),
      planner_(planner),
      budget_(budget),
      inbox_(inbox),
      slots_(config.slots),
      most_at_once_(config.slots) {}

// ---- from arrival to end

bool scheduler::any_running() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const auto & seq) { return seq != nullptr; });
}

void scheduler::take_in(inbox::delivery && delivery, std::vector<step_event> & events) {
    for (auto & arrived : delivery.requests) {
        try {
            waiting_.push_back(std::make_unique<sequence>(arrived.id, std::move(arrived.wanted), arrived.at,
                                                          contexts_.base().vocab()));
        } catch (const rast_error & error) {
            events.push_back({arrived.id, {}, "", {}, std::nullopt, request_error{error.code(), error.what()}});
        } catch (const std::bad_alloc &) {
            const request_error error{"ERR_INSUFFICIENT_MEMORY", "Not enough memory for the request"};
            events.push_back({arrived.id, {}, "", {}, std::nullopt, error});
        }
    }
    const auto is_cancelled = [&](const std::unique_ptr<sequence> & seq) {
        const auto & ids = delivery.cancelled;
        return seq && std::find(ids.begin(), ids.end(), seq->id()) != ids.end();
    };
    for (auto & seq : slots_) {
        if (is_cancelled(seq)) {
            abort_one(*seq, events);
            retire(*seq);
        }
    }
    std::erase_if(waiting_, [&](const auto & seq) {
        if (!is_cancelled(seq)) {
            return false;
        }
        abort_one(*seq, events);
        return true;
    });
    admit();
}

// The base, or the drafter for mode "expert".
size_t scheduler::first_context(const request & wanted) const {
    return role_contexts::uses(wanted, role_contexts::base_index) ? role_contexts::base_index
                                                                  : role_contexts::drafter_index;
}

void scheduler::admit() {
    auto running = static_cast<size_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const auto & seq) { return seq != nullptr; }));
    for (; !waiting_.empty() && running < most_at_once_; ++running) {
        std::unique_ptr<sequence> seq = std::move(waiting_.front());
        waiting_.pop_front();
        sequence & admitted = *seq;
        const request & wanted = admitted.wanted();
        const bool second_id = contexts_.wants_second_id(wanted);
        const shared_prefix prefix = caches_.best_prefix(admitted.history(), contexts_.used_by(wanted), second_id);
        const size_t slot = caches_.idle_slot(prefix.slot);
        const auto held = caches_.begin(slot, admitted.history(), second_id, prefix);
        slots_[slot] = std::move(seq);
        const auto cached = static_cast<size_t>(held[first_context(wanted)]);
        admitted.begin(slot, cached);
        planner_.inherit_agreement(admitted);
        await_prefix(admitted, cached);
    }
}

// Somebody may be about to decode the same beginning: then it waits for that.
void scheduler::await_prefix(sequence & admitted, size_t held) const {
    const bool second_id = contexts_.wants_second_id(admitted.wanted());
    for (size_t slot = 0; caches_.reusable() && slot < slots_.size(); ++slot) {
        if (slot == admitted.slot || !slots_[slot] || contexts_.wants_second_id(slots_[slot]->wanted()) != second_id) {
            continue;
        }
        const sequence & source = *slots_[slot];
        const size_t common = common_prefix(admitted.history(), source.history());
        bool will_hold = common > held + worth_waiting_for && common > admitted.awaited.tokens;
        for (size_t c = 0; c < contexts_.size(); ++c) {
            will_hold =
                will_hold && (!role_contexts::uses(admitted.wanted(), c) || role_contexts::uses(source.wanted(), c));
        }
        if (will_hold) {
            admitted.awaited = {slot, source.id(), common};
        }
    }
}

// Whether the one it waits for is still at work on what both begin with.
bool scheduler::still_awaits_prefix(const sequence & seq) const {
    const sequence * source = seq.awaits_prefix() ? slots_[seq.awaited.slot].get() : nullptr;
    if (source == nullptr || source->id() != seq.awaited.request) {
        return false;
    }
    for (size_t c = 0; c < contexts_.size(); ++c) {
        if (role_contexts::uses(seq.wanted(), c) &&
            static_cast<size_t>(caches_.held(source->slot, c)) < seq.awaited.tokens) {
            return true;
        }
    }
    return false;
}

// Takes the beginning that it has waited for, or what is kept of it where the one it waited for has ended.
void scheduler::take_prefix(sequence & seq) {
    const auto & source = slots_[seq.awaited.slot];
    const bool there = source && source->id() == seq.awaited.request;
    const bool second_id = contexts_.wants_second_id(seq.wanted());
    const shared_prefix prefix = there ? shared_prefix{seq.awaited.slot, seq.awaited.tokens, seq.awaited.tokens}
                                       : caches_.best_prefix(seq.history(), contexts_.used_by(seq.wanted()), second_id);
    const auto own = static_cast<size_t>(seq.result.cached_tokens);
    seq.awaited = {};
    if (there || prefix.held > own) {
        const auto held = caches_.begin(seq.slot, seq.history(), second_id, prefix);
        seq.result.cached_tokens = held[first_context(seq.wanted())];
    }
}

void scheduler::free_slot(size_t slot) {
    slots_[slot].reset();
    most_at_once_ = std::min(slots_.size(), most_at_once_ + 1);
}

void scheduler::retire(sequence & seq) {
    const size_t slot = seq.slot;
    caches_.retire(slot);
    free_slot(slot);
}

void scheduler::abort_all(std::vector<step_event> & events) {
    for (auto & seq : slots_) {
        if (seq) {
            abort_one(*seq, events);
            seq.reset();
        }
    }
    for (auto & seq : waiting_) {
        abort_one(*seq, events);
    }
    waiting_.clear();
}

bool scheduler::attempt(std::span<sequence * const> whom, std::vector<step_event> & events,
                        const std::function<void()> & work) {
    members ids;  // the work may end them
    for (const sequence * seq : whom) {
        ids.emplace_back(seq->slot, seq->id());
    }
    try {
        work();
        return true;
    } catch (const no_room &) {
        throw;
    } catch (const rast_error & error) {
        fail(ids, error.code(), error.what(), events);
    } catch (const std::bad_alloc &) {
        fail(ids, "ERR_INSUFFICIENT_MEMORY", "Not enough memory for the next step", events);
    } catch (const std::exception & error) {
        fail(ids, "ERR_INTERNAL", error.what(), events);
    }
    return false;
}

// Ends those of them that are still at work. After a decode that failed their caches are not what they should be.
void scheduler::fail(const members & whom, const std::string & code, const std::string & message,
                     std::vector<step_event> & events) {
    if (inbox_.stopping()) {
        return;  // the abort callback ended the decode: requests end with "abort"
    }
    for (const auto & [slot, id] : whom) {
        if (slots_[slot] && slots_[slot]->id() == id) {
            events.push_back({id, {}, "", {}, std::nullopt, request_error{code, message}});
            caches_.forget(slot);
            free_slot(slot);
        }
    }
}

void scheduler::fail_all(const std::string & code, const std::string & message, std::vector<step_event> & events) {
    members everybody;
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot]) {
            everybody.emplace_back(slot, slots_[slot]->id());
        }
    }
    fail(everybody, code, message, events);
    if (!inbox_.stopping()) {
        caches_.forget_all();
    }
}

void scheduler::lose_all() {
    for (auto & seq : slots_) {
        seq.reset();
    }
    waiting_.clear();
    caches_.forget_all();
    most_at_once_ = slots_.size();
}

// ---- a step

// Those who generate first, then by how much they have to decode, so that a short prompt does not wait for a long one.
std::vector<sequence *> scheduler::by_pending() const {
    std::vector<sequence *> out;
    for (const auto & seq : slots_) {
        if (seq && !seq->awaits_prefix() && !seq->undecided_draw) {
            out.push_back(seq.get());
        }
    }
    std::stable_sort(out.begin(), out.end(), [&](const sequence * one, const sequence * other) {
        return decoder_.pending(*one) < decoder_.pending(*other);
    });
    return out;
}

scheduler::step_plan scheduler::plan_step() {
    for (const auto & seq : slots_) {
        if (seq && seq->awaits_prefix() && !still_awaits_prefix(*seq)) {
            take_prefix(*seq);
        }
    }
    step_plan plan;
    const std::vector<sequence *> everybody = by_pending();
    const auto drafts = static_cast<size_t>(planner_.max_draft());
    const bool generating = std::any_of(everybody.begin(), everybody.end(), [&](const sequence * seq) {
        const size_t pending = decoder_.pending(*seq);
        return pending == 1 || (seq->started && pending <= drafts);  // drafts that the expert decodes again
    });
    const size_t budget = budget_.tokens(generating);
    size_t left = budget;
    std::vector<size_t> room(contexts_.size(), config_.batch_size);
    for (sequence * seq : everybody) {
        const std::vector<bool> used = contexts_.used_by(seq->wanted());
        bool fits = decoder_.pending(*seq) - 1 <= left;
        for (size_t c = 0; c < contexts_.size(); ++c) {
            fits = fits && (!used[c] || decoder_.pending(*seq, c) <= room[c]);
        }
        if (!fits) {
            plan.behind = seq;
            // at least half of the budget, whatever the short ones took
            plan.chunk = std::max<size_t>({left, budget / 2, 1});
            break;
        }
        for (size_t c = 0; c < contexts_.size(); ++c) {
            room[c] -= used[c] ? decoder_.pending(*seq, c) : 0;
        }
        left -= decoder_.pending(*seq) - 1;
        plan.ready.push_back(seq);
    }
    return plan;
}

std::vector<std::vector<sequence *>> scheduler::one_piece_groups(std::vector<sequence *> ready) const {
    std::vector<std::vector<sequence *>> groups;
    std::sort(ready.begin(), ready.end(), [](const sequence * a, const sequence * b) { return a->slot < b->slot; });
    for (sequence * seq : ready) {
        bool fits = !groups.empty();
        for (size_t c = 0; c < contexts_.size() && fits; ++c) {
            const sequence & last = *groups.back().back();
            const bool same_use = role_contexts::uses(last.wanted(), c) == role_contexts::uses(seq->wanted(), c);
            fits = !contexts_[c].memory().adjacent_ids() || (last.slot + 1 == seq->slot && same_use);
        }
        if (!fits) {
            groups.emplace_back();
        }
        groups.back().push_back(seq);
    }
    return groups;
}

void scheduler::make_room(std::vector<step_event> & events) {
    std::vector<sequence *> live;
    for (const auto & seq : slots_) {
        if (seq) {
            // drafts that were decoded before the room ran out
            const auto length = static_cast<llama_pos>(seq->history().size());
            if (!caches_.cut_back(seq->slot, length - (seq->undecided_draw ? 0 : 1))) {
                throw rast_error("ERR_INTERNAL", "A cache could not be cut back to the accepted tokens");
            }
            live.push_back(seq.get());
        }
    }
    if (caches_.evict_oldest() || planner_.pause()) {
        return;
    }
    if (live.size() == 1) {
        events.push_back({live[0]->id(), {}, "", {}, std::nullopt, std::nullopt});
        live[0]->finish(stop_reason::context_full, events.back());
        retire(*live[0]);
        return;
    }
    const auto came_before = [](const sequence * one, const sequence * other) { return one->id() < other->id(); };
    preempt(**std::max_element(live.begin(), live.end(), came_before));
    most_at_once_ = live.size() - 1;
}

void scheduler::preempt(sequence & seq) {
    const size_t slot = seq.slot;
    caches_.forget(slot);
    seq.preempt();
    waiting_.push_front(std::move(slots_[slot]));
}

}  // namespace rast
