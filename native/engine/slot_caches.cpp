#include "slot_caches.h"

#include "../error.h"
#include "../llama/libraries.h"

#include <algorithm>

namespace rast {

slot_caches::slot_caches(const role_contexts & contexts, size_t slots) : contexts_(contexts), slots_(slots) {}

void slot_caches::reset(bool reusable, size_t context_size) {
    reusable_ = reusable;
    for (slot_content & slot : slots_) {
        slot = {};
        slot.held.assign(contexts_.size(), 0);
        slot.kept.reserve(reusable ? context_size : 0);
    }
}

shared_prefix slot_caches::best_prefix(std::span<const llama_token> prompt, const std::vector<bool> & needed,
                                       bool second_id) const {
    shared_prefix best;
    if (!reusable_) {
        return best;
    }
    for (size_t i = 0; i < slots_.size(); ++i) {
        const slot_content & slot = slots_[i];
        if (slot.second_id != second_id) {
            continue;
        }
        const auto tokens = slot.tokens();
        const auto end = std::mismatch(prompt.begin(), prompt.end(), tokens.begin(), tokens.end()).first;
        const auto common = static_cast<size_t>(end - prompt.begin());
        size_t held = common;
        for (size_t c = 0; c < contexts_.size(); ++c) {
            const auto most = static_cast<llama_pos>(std::min(common, static_cast<size_t>(slot.held[c])));
            held = needed[c] ? std::min(held, static_cast<size_t>(memory(c).usable(i, most))) : held;
        }
        if (held > best.held || (held == best.held && common > best.tokens)) {
            best = {i, common, held};
        }
    }
    return best;
}

size_t slot_caches::idle_slot(size_t taking) const {
    size_t best = shared_prefix::nowhere;
    const auto better = [&](size_t one, size_t other) {
        return slots_[one].kept.empty() != slots_[other].kept.empty() ? slots_[one].kept.empty()
                                                                      : slots_[one].used < slots_[other].used;
    };
    for (size_t i = 0; i < slots_.size(); ++i) {
        if (i != taking && idle(i) && (best == shared_prefix::nowhere || better(i, best))) {
            best = i;
        }
    }
    const bool can_take = taking != shared_prefix::nowhere && idle(taking);
    // an empty slot beside it: keep both beginnings
    if (can_take && (best == shared_prefix::nowhere || !slots_[best].kept.empty())) {
        return taking;
    }
    return best;
}

std::vector<llama_pos> slot_caches::begin(size_t slot, const std::vector<llama_token> & history, bool second_id,
                                          const shared_prefix & from) {
    slot_content & to = slots_[slot];
    std::vector<llama_pos> keep(contexts_.size(), 0);
    if (from.slot != shared_prefix::nowhere) {
        const size_t most = std::min(from.tokens, history.size() - 1);
        for (size_t c = 0; c < contexts_.size(); ++c) {
            keep[c] = std::min(slots_[from.slot].held[c], static_cast<llama_pos>(most));
            keep[c] = memory(c).usable(from.slot, keep[c]);
        }
    }
    if (from.slot != slot) {
        forget(slot);
        to.second_id = second_id;
        for (size_t c = 0; c < contexts_.size(); ++c) {
            if (keep[c] > 0) {
                memory(c).copy(from.slot, this->second_id(from.slot, c), slot, this->second_id(slot, c), keep[c]);
            }
        }
    }
    to.held = keep;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        if (keep[c] > 0 && cut_back(slot, c, keep[c]) != keep[c]) {
            forget(slot);
            keep.assign(contexts_.size(), 0);
            break;
        }
        if (keep[c] == 0) {
            memory(c).forget(slot);
        }
    }
    to.second_id = second_id;
    to.live = &history;
    to.kept.clear();
    to.used = ++clock_;
    if (from.slot != shared_prefix::nowhere) {
        slots_[from.slot].used = clock_;
    }
    return keep;
}

void slot_caches::grow(size_t slot, size_t context, llama_pos count) {
    llama_pos & held = slots_[slot].held[context];
    memory(context).extended(slot, second_id(slot, context), held, held + count);
    held += count;
}

bool slot_caches::cut_back(size_t slot, llama_pos keep) {
    for (size_t c = 0; c < contexts_.size(); ++c) {
        llama_pos & held = slots_[slot].held[c];
        if (held > keep) {
            const llama_pos left = cut_back(slot, c, keep);
            if (left < 0) {
                return false;
            }
            held = left;
        }
        memory(c).drop_checkpoint(slot);
    }
    return true;
}

void slot_caches::retire(size_t slot) {
    slot_content & content = slots_[slot];
    if (!reusable_ || content.live == nullptr || !cut_back(slot, static_cast<llama_pos>(content.live->size()) - 1)) {
        forget(slot);
        return;
    }
    const llama_pos longest = *std::max_element(content.held.begin(), content.held.end());
    content.kept.assign(content.live->begin(), content.live->begin() + longest);
    content.live = nullptr;
    content.used = ++clock_;
}

void slot_caches::forget(size_t slot) {
    for (size_t c = 0; c < contexts_.size(); ++c) {
        memory(c).forget(slot);
    }
    slot_content & content = slots_[slot];
    std::fill(content.held.begin(), content.held.end(), 0);
    content.live = nullptr;
    content.kept.clear();
    content.second_id = false;
    content.used = 0;
}

void slot_caches::forget_all() {
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
        forget(slot);
    }
}

bool slot_caches::evict_oldest() {
    size_t oldest = shared_prefix::nowhere;
    for (size_t i = 0; i < slots_.size(); ++i) {
        if (idle(i) && !slots_[i].kept.empty() &&
            (oldest == shared_prefix::nowhere || slots_[i].used < slots_[oldest].used)) {
            oldest = i;
        }
    }
    if (oldest == shared_prefix::nowhere) {
        return false;
    }
    forget(oldest);
    return true;
}

std::string slot_caches::refused_state(const char * what) const {
    if (const role_context * context = contexts_.without_cut_back()) {
        return std::string("States cannot be ") + what + ": the " + role_name(context->which()) + " model " +
               describe(context->memory().kind()) + ", and what it remembers cannot be cut back";
    }
    return std::string("States cannot be ") + what + ": beginnings are not reused in this engine";
}

sequence_state slot_caches::snapshot(std::span<const llama_token> tokens) const {
    if (!reusable_) {
        throw rast_error("ERR_STATE_FILE", refused_state("saved"));
    }
    std::vector<bool> base_only(contexts_.size(), false);
    base_only[role_contexts::base_index] = true;
    const shared_prefix found = best_prefix(tokens, base_only, false);
    if (found.held == 0) {
        throw rast_error("ERR_STATE_FILE", "No cache holds anything of these tokens: generate with them first");
    }
    sequence_state state;
    state.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(found.held));
    for (size_t c = 0; c < contexts_.size(); ++c) {
        sequence_state::context_state one;
        const llama_pos most = std::min(held(found.slot, c), static_cast<llama_pos>(found.held));
        one.held = static_cast<uint32_t>(memory(c).usable(found.slot, most));
        if (one.held > 0) {
            one.bytes = memory(c).save(found.slot, static_cast<llama_pos>(one.held));
            if (one.bytes.empty()) {
                throw rast_error("ERR_STATE_FILE", "llama.cpp did not give the state of the " +
                                                       std::string(role_name(contexts_[c].which())) + " model");
            }
        }
        state.contexts.push_back(std::move(one));
    }
    return state;
}

void slot_caches::require_room_for_state() const {
    if (!reusable_) {
        throw rast_error("ERR_STATE_FILE", refused_state("loaded"));
    }
    if (idle_slot(shared_prefix::nowhere) == shared_prefix::nowhere) {
        throw rast_error("ERR_QUEUE_FULL", "Every slot has a generation: none is free for the state");
    }
}

void slot_caches::restore(const sequence_state & state) {
    require_room_for_state();
    const size_t slot = idle_slot(shared_prefix::nowhere);
    forget(slot);
    slot_content & content = slots_[slot];
    const llama::log_capture log;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        const auto & one = state.contexts[c];
        const auto keep = static_cast<llama_pos>(one.held);
        if (keep > 0 && !memory(c).load(slot, one.bytes, keep)) {
            forget(slot);
            throw rast_error("ERR_STATE_FILE", "llama.cpp did not take the state of the " +
                                                   std::string(role_name(contexts_[c].which())) +
                                                   " model: " + log.problems());
        }
        content.held[c] = keep;
    }
    content.kept = state.tokens;
    content.used = ++clock_;
}

}  // namespace rast
