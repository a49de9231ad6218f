// Who runs and what a step does: requests come in, prompts are decoded in chunks, all others take part in a round.
#include "engine.h"
#include "error.h"

#include <algorithm>

namespace rast {

namespace {

constexpr double longest_stall_ms = 200;  // of those who generate, by somebody's prompt
constexpr size_t smallest_chunk = 32;
constexpr size_t worth_waiting_for = 8;  // tokens of a prompt that another request is about to decode
constexpr size_t rounds_without_drafts = 16;
constexpr double inherited_weight = 8;  // in positions, of the agreement that other requests have shown

double ms_since(engine_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(engine_clock::now() - start).count();
}

role_times & times_of(sequence & seq, const role_context & context) {
    return seq.result.roles[static_cast<size_t>(context.which())];
}

// A cache had no room for a batch. Nothing of the batch was decoded.
struct no_room {};

}  // namespace

// Whether a request uses a context at all.
bool engine::uses(const request & wanted, size_t context) {
    if (context == 0) {
        return wanted.mode != request_mode::expert;
    }
    const size_t pair = (context - 1) / 2;
    if (wanted.mode == request_mode::expert) {
        return context == expert_of(0);
    }
    return wanted.mode == request_mode::rast && wanted.sampling.lambda[pair] != 0.0F;
}

bool engine::needs(const sequence & seq, size_t context) const {
    return uses(seq.wanted(), context);
}

// Work for some requests: what goes wrong in it ends those, and nobody else. @returns whether all went well
bool engine::attempt(const members & whom, std::vector<step_event> & events, const std::function<void()> & work) {
    try {
        work();
        return true;
    } catch (const no_room &) {
        throw;
    } catch (const rast_error & error) {
        fail(whom, error.code(), error.what(), events);
    } catch (const std::bad_alloc &) {
        fail(whom, "ERR_INSUFFICIENT_MEMORY", "Not enough memory for the next step", events);
    } catch (const std::exception & error) {
        fail(whom, "ERR_INTERNAL", error.what(), events);
    }
    return false;
}

// Whether the request has sequence ids of its own in the small contexts: there only the expert draws.
bool engine::apart(const sequence & seq) const {
    return !expert_always_draws_ && seq.wanted().mode == request_mode::expert;
}

// Whether the expert's own draws are of use: as drafts, or to see how often they agree.
bool engine::drafts(const sequence & seq) const {
    return max_draft_ > 0 && seq.wanted().mode == request_mode::rast && seq.wanted().draft != 0 &&
           needs(seq, expert_of(0));
}

// Tokens that a context has yet to decode.
size_t engine::pending(const sequence & seq, size_t context) const {
    return seq.history().size() - static_cast<size_t>(caches_.held(seq.slot, context));
}

size_t engine::pending(const sequence & seq) const {
    size_t most = 0;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        most = needs(seq, c) ? std::max(most, pending(seq, c)) : most;
    }
    return most;
}

// ---- coming in

// Free slots go to those who wait, in the order they came.
void engine::admit() {
    auto live =
        static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto & s) { return s != nullptr; }));
    for (; !waiting_.empty() && live < most_at_once_; ++live) {
        std::unique_ptr<sequence> seq = std::move(waiting_.front());
        waiting_.pop_front();
        sequence & admitted = *seq;
        std::vector<bool> needed(contexts_.size());
        for (size_t c = 0; c < contexts_.size(); ++c) {
            needed[c] = needs(admitted, c);
        }
        const shared_prefix prefix = caches_.best_prefix(admitted.history(), needed, apart(admitted));
        const size_t slot = caches_.idle_slot(prefix.slot);
        const auto keep = caches_.begin(slot, admitted.history(), apart(admitted), prefix);
        slots_[slot] = std::move(seq);
        const size_t first = needed[0] ? 0 : expert_of(0);
        admitted.begin(slot, static_cast<size_t>(keep[first]));
        if (admitted.agrees.evidence() == 0 && agrees_.evidence() > 0) {
            admitted.agrees = agrees_.successor(inherited_weight, sequence::agreement_memory);
        }

        // somebody may be about to decode the same beginning
        for (size_t other = 0; caches_.reusable() && other < slots_.size(); ++other) {
            if (other == slot || !slots_[other] || apart(*slots_[other]) != apart(admitted)) {
                continue;
            }
            const sequence & source = *slots_[other];
            const auto & theirs = source.history();
            const auto & own = admitted.history();
            const auto end = std::mismatch(own.begin(), own.end() - 1, theirs.begin(), theirs.end()).first;
            const auto common = static_cast<size_t>(end - own.begin());
            bool will_hold =
                common > static_cast<size_t>(keep[first]) + worth_waiting_for && common > admitted.follows.tokens;
            for (size_t c = 0; c < contexts_.size(); ++c) {
                will_hold = will_hold && (!needed[c] || needs(source, c));
            }
            if (will_hold) {
                admitted.follows = {other, source.id(), common};
            }
        }
    }
}

// Whether the one it follows is still at work on what both begin with.
bool engine::waits_for_prefix(const sequence & seq) const {
    const sequence * source = seq.follows.slot != sequence::queued ? slots_[seq.follows.slot].get() : nullptr;
    if (source == nullptr || source->id() != seq.follows.request) {
        return false;
    }
    for (size_t c = 0; c < contexts_.size(); ++c) {
        if (needs(seq, c) && static_cast<size_t>(caches_.held(source->slot, c)) < seq.follows.tokens) {
            return true;
        }
    }
    return false;
}

// Takes the beginning that it has waited for.
void engine::settle_in(sequence & seq) {
    const shared_prefix prefix{seq.follows.slot, seq.follows.tokens, seq.follows.tokens};
    const auto & source = slots_[seq.follows.slot];
    const bool there = source && source->id() == seq.follows.request;
    seq.follows = {};
    if (there) {
        const auto keep = caches_.begin(seq.slot, seq.history(), apart(seq), prefix);
        seq.result.cached_tokens = keep[needs(seq, 0) ? 0 : expert_of(0)];
    }
}

// ---- a step

// Everybody at work: those who generate first, then by how much they have to decode, so that a short prompt does not
// wait for a long one.
std::vector<sequence *> engine::by_work() const {
    std::vector<sequence *> out;
    for (const auto & seq : slots_) {
        if (seq && seq->follows.slot == sequence::queued && !seq->undecided_draw) {
            out.push_back(seq.get());
        }
    }
    std::stable_sort(out.begin(), out.end(),
                     [&](const sequence * one, const sequence * other) { return pending(*one) < pending(*other); });
    return out;
}

// Prompt tokens that one step may decode.
size_t engine::prefill_budget(bool generating) const {
    if (!generating) {
        return config_.batch_size;
    }
    if (config_.prefill_chunk > 0) {
        return std::min(config_.prefill_chunk, config_.batch_size);
    }
    if (prefill_token_ms_ <= 0) {
        return std::min<size_t>(2 * smallest_chunk, config_.batch_size);
    }
    const auto affordable = static_cast<size_t>(longest_stall_ms / prefill_token_ms_);
    return std::clamp<size_t>(affordable, std::min<size_t>(smallest_chunk, config_.batch_size), config_.batch_size);
}

void engine::step(std::vector<step_event> & events) {
    allow_work();
    decide_draws(events);
    try {
        for (const auto & seq : slots_) {
            if (seq && seq->follows.slot != sequence::queued && !waits_for_prefix(*seq)) {
                settle_in(*seq);
            }
        }
        const std::vector<sequence *> everybody = by_work();
        const bool generating =
            std::any_of(everybody.begin(), everybody.end(), [&](const sequence * seq) { return pending(*seq) == 1; });
        const size_t budget = prefill_budget(generating);
        size_t left = budget;
        std::vector<size_t> room(contexts_.size(), config_.batch_size);
        std::vector<sequence *> ready;
        sequence * behind = nullptr;
        for (sequence * seq : everybody) {
            bool fits = pending(*seq) - 1 <= left;
            for (size_t c = 0; c < contexts_.size(); ++c) {
                fits = fits && (!needs(*seq, c) || pending(*seq, c) <= room[c]);
            }
            if (!fits) {
                behind = seq;
                break;
            }
            for (size_t c = 0; c < contexts_.size(); ++c) {
                room[c] -= needs(*seq, c) ? pending(*seq, c) : 0;
            }
            left -= pending(*seq) - 1;
            ready.push_back(seq);
        }
        if (behind != nullptr) {
            // at least half of the budget, whatever the short ones took
            attempt(members_of({behind}), events, [&] {
                decode_chunk(*behind, std::max<size_t>({left, budget / 2, 1}));
            });
        }
        std::erase_if(ready, [&](sequence * seq) {
            return !attempt(members_of({seq}), events, [&] { decode_all_but_last(*seq); });
        });
        for (const auto & group : one_piece_groups(std::move(ready))) {
            if (!stopping_) {
                attempt(members_of(group), events, [&] { draw(group, events); });
            }
        }
        plain_rounds_ -= plain_rounds_ > 0 ? 1 : 0;
    } catch (const no_room &) {
        make_room(events);
    }
}

// Decodes up to so many tokens of a prompt in every context that lacks them; the last is left to the round.
void engine::decode_chunk(sequence & seq, size_t count) {
    const auto start = engine_clock::now();
    size_t most = 0;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        const size_t lacking = needs(seq, c) ? pending(seq, c) - 1 : 0;
        const size_t n = std::min<size_t>({count, lacking, config_.batch_size});
        if (n > 0 && !stopping_) {
            decode_chunk(c, seq, n);
            most = std::max(most, n);
        }
    }
    if (most >= smallest_chunk) {
        const double ms = ms_since(start) / static_cast<double>(most);
        prefill_token_ms_ = prefill_token_ms_ <= 0 ? ms : prefill_token_ms_ + 0.3 * (ms - prefill_token_ms_);
    }
}

void engine::decode_chunk(size_t context, sequence & seq, size_t count) {
    const auto start = engine_clock::now();
    const llama_pos from = caches_.held(seq.slot, context);
    batch_.clear();
    for (size_t i = 0; i < count; ++i) {
        const llama_pos pos = from + static_cast<llama_pos>(i);
        batch_.add(seq.history()[static_cast<size_t>(pos)], pos, caches_.id(seq.slot, context), false);
    }
    decode_batch(context, "Prefill");
    caches_.grow(seq.slot, context, static_cast<llama_pos>(count));
    role_times & times = times_of(seq, *contexts_[context]);
    times.prefill_ms += ms_since(start);
    times.prefill_tokens += static_cast<int64_t>(count);
}

void engine::decode_batch(size_t context, const char * what) {
    role_context & target = *contexts_[context];
    const int status = target.decode(batch_.view());
    if (status == 1) {
        throw no_room{};
    }
    if (status != 0) {
        throw rast_error("ERR_DECODE", std::string(what) + " failed in the " + role_name(target.which()) +
                                           " model (llama_decode returned " + std::to_string(status) + ")");
    }
}

// ---- batches that llama.cpp leaves in one piece

// In the order of slots, one group unless a context wants sequence ids without a gap between those it decodes.
std::vector<std::vector<sequence *>> engine::one_piece_groups(std::vector<sequence *> ready) const {
    std::vector<std::vector<sequence *>> groups;
    std::sort(ready.begin(), ready.end(), [](const sequence * a, const sequence * b) { return a->slot < b->slot; });
    for (sequence * seq : ready) {
        bool fits = !groups.empty();
        for (size_t c = 0; c < contexts_.size() && fits; ++c) {
            const sequence & last = *groups.back().back();
            fits = !contexts_[c]->memory().adjacent_ids() ||
                   (last.slot + 1 == seq->slot && needs(last, c) == needs(*seq, c));
        }
        if (!fits) {
            groups.emplace_back();
        }
        groups.back().push_back(seq);
    }
    return groups;
}

// Where a decode with outputs may hold one token of each sequence.
void engine::decode_all_but_last(sequence & seq) {
    for (size_t c = 0; c < contexts_.size(); ++c) {
        while (contexts_[c]->memory().one_token_each() && needs(seq, c) && pending(seq, c) > 1 && !stopping_) {
            decode_chunk(c, seq, std::min<size_t>(pending(seq, c) - 1, config_.batch_size));
        }
    }
}

// A decode found no room in a cache that is smaller than all slots might need. Kept beginnings go first, then drafts;
// then whoever came last gives way, and comes back when another has ended, with the same text.
void engine::make_room(std::vector<step_event> & events) {
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
    if (caches_.give_up_oldest()) {
        return;
    }
    if (max_draft_ > 0 && plain_rounds_ == 0) {
        plain_rounds_ = rounds_without_drafts;
        return;
    }
    if (live.size() > 1) {
        sequence * last = *std::max_element(live.begin(), live.end(), [](const sequence * one, const sequence * other) {
            return one->id() < other->id();
        });
        const size_t slot = last->slot;
        caches_.forget(slot);
        last->give_way();
        waiting_.push_front(std::move(slots_[slot]));
        most_at_once_ = live.size() - 1;
        return;
    }
    events.push_back({live[0]->id(), {}, "", {}, std::nullopt, std::nullopt});
    live[0]->finish(stop_reason::context_full, events.back());
    end(*live[0]);
}

}  // namespace rast
