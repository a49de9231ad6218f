// What the caches of all contexts hold for every slot: the one owner of positions, copies and cut-backs.
//
// A slot keeps what it holds when its request ends, so that a later one with the same beginning need not decode it
// again. Engine thread only.
#pragma once

#include "../files/state_file.h"
#include "role_contexts.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rast {

// A beginning that a slot shares with a prompt.
struct shared_prefix {
    static constexpr size_t nowhere = static_cast<size_t>(-1);

    size_t slot = nowhere;
    size_t tokens = 0;  // in common
    size_t held = 0;    // of those, in every cache that counts
};

class slot_caches {
  public:
    // @param contexts must outlive it; filled when reset() is called
    slot_caches(const role_contexts & contexts, size_t slots);

    // After the contexts were made.
    // @param reusable whether beginnings may be shared and kept: no cache may refuse to be cut back
    // @param context_size of a sequence; room for as many tokens is made here, so that retire() needs no memory
    void reset(bool reusable, size_t context_size);

    bool reusable() const { return reusable_; }

    // Tokens of the slot that a context has in its cache.
    llama_pos held(size_t slot, size_t context) const { return slots_[slot].held[context]; }

    // The slot's sequence id in a context.
    llama_seq_id id(size_t slot, size_t context) const { return memory(context).id(slot, second_id(slot, context)); }

    // The longest beginning that a slot shares with the prompt, in caches marked as needed.
    shared_prefix best_prefix(std::span<const llama_token> prompt, const std::vector<bool> & needed,
                              bool second_id) const;

    // The slot without a request whose content is worth least: nothing, then what was used longest ago.
    // @param taking the slot whose content is to be taken over if it has no request; nowhere for none
    size_t idle_slot(size_t taking) const;
    bool idle(size_t slot) const { return slots_[slot].live == nullptr; }

    // Gives the slot to a request; its caches begin with what `from` holds, without the prompt's last token.
    // @param history of the request: must stay where it is until retire()
    // @returns tokens that need not be decoded, by context
    std::vector<llama_pos> begin(size_t slot, const std::vector<llama_token> & history, bool second_id,
                                 const shared_prefix & from);

    // `count` tokens more were decoded, in one decode.
    void grow(size_t slot, size_t context, llama_pos count);

    // What a context holds now can be gone back to by the next cut_back() of the slot.
    void checkpoint(size_t slot, size_t context) { memory(context).checkpoint(slot, held(slot, context)); }

    // Keeps the positions before `keep`; a memory that cannot do that keeps fewer or none, and the rest is then decoded
    // anew. False when a cache holds anything else afterwards.
    bool cut_back(size_t slot, llama_pos keep);

    // Its request has ended; what the caches hold of it is kept for others. Allocates nothing.
    void retire(size_t slot);
    // Allocates nothing.
    void forget(size_t slot);
    void forget_all();

    // Evicts the kept content that was used longest ago. False when there is none.
    bool evict_oldest();

    // The longest beginning of the tokens that a slot holds in the base's cache.
    // Throws ERR_STATE_FILE if there is none.
    sequence_state snapshot(std::span<const llama_token> tokens) const;

    // Puts it into a slot without a request. Throws ERR_STATE_FILE, ERR_QUEUE_FULL if there is no such slot.
    void restore(const sequence_state & state);

    // Throws what restore() throws whatever the state.
    void require_room_for_state() const;

  private:
    struct slot_content {
        std::vector<llama_pos> held;                      // by context
        const std::vector<llama_token> * live = nullptr;  // history of its request
        std::vector<llama_token> kept;                    // of the last one
        bool second_id = false;  // its request has the slot's second sequence ids in the small contexts
        uint64_t used = 0;

        std::span<const llama_token> tokens() const { return live != nullptr ? *live : kept; }
    };

    sequence_memory & memory(size_t context) const { return contexts_[context].memory(); }
    bool second_id(size_t slot, size_t context) const {
        return context != role_contexts::base_index && slots_[slot].second_id;
    }
    // @returns the positions that are left, -1 for others than those
    llama_pos cut_back(size_t slot, size_t context, llama_pos keep) {
        return memory(context).cut_back(slot, second_id(slot, context), held(slot, context), keep);
    }
    std::string refused_state(const char * what) const;

    const role_contexts & contexts_;
    std::vector<slot_content> slots_;
    bool reusable_ = false;
    uint64_t clock_ = 0;
};

}  // namespace rast
