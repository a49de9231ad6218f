// What one context remembers of its sequences, under every kind of memory that llama.cpp has: the sequence ids of
// slots, what may be copied, cut back and saved, and which batches llama.cpp decodes in one piece.
//
// Engine thread only. Knows positions, not tokens: slot_caches does.
#pragma once

#include "../llama/api.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace rast {

enum class memory_kind {
    none,       // cannot generate: an encoder, or a model of diffusion
    attention,  // a cell per token
    windowed,   // the same, with layers that look at a window only
    hybrid,     // cells beside a state per sequence
    recurrent,  // a state per sequence alone
    blockwise,  // attention over blocks of cells or compressed ones, which holds one sequence at a time
};

memory_kind memory_kind_of(const llama_model * model);

// As the subject of a sentence goes on: "is recurrent".
const char * describe(memory_kind kind);

// What a context whose memory is a state per sequence has beside the latest states, so that drafts can be taken back.
struct draft_memory {
    bool checkpoint = false;  // room for one state, of a sequence that drafts token by token
    uint32_t snapshots = 0;   // earlier states of every sequence, where llama.cpp can write them
};

class sequence_memory {
  public:
    // Whether it is a state per sequence, with or without cells beside it.
    static bool has_states(memory_kind kind) { return kind == memory_kind::hybrid || kind == memory_kind::recurrent; }

    // Decodes two tokens to see what the memory can do, and clears it.
    // @param ctx must outlive it
    // @param drafts what it was made with; with a checkpoint it has one sequence id more than slots
    sequence_memory(llama_context * ctx, memory_kind kind, size_t slots, draft_memory drafts = {});

    memory_kind kind() const { return kind_; }

    // Whether any end of a sequence can be taken back, so that drafts and kept beginnings are possible.
    bool can_cut_back() const { return can_cut_back_; }

    // Most tokens that may be drafted: so many can be taken back, if drafted after checkpoint() or all in one decode.
    int32_t most_drafts() const { return can_cut_back_ || checkpoints_ ? unlimited : snapshots_; }
    static constexpr int32_t unlimited = std::numeric_limits<int32_t>::max();

    // Whether a decode with outputs may hold one token of each sequence only: llama.cpp splits any other, and rows are
    // numbered anew in each part.
    bool one_token_each() const { return kind_ != memory_kind::attention && kind_ != memory_kind::windowed; }

    // Whether, beyond that, the sequence ids of such a decode must ascend without a gap.
    bool adjacent_ids() const { return kind_ == memory_kind::recurrent; }

    // Whether a slot has a second sequence id, for requests whose graphs must not be those of others. A state per
    // sequence exists for as many ids as there are slots.
    bool second_ids() const { return !one_token_each(); }

    // The sequence id of a slot.
    llama_seq_id id(size_t slot, bool second_id) const {
        return static_cast<llama_seq_id>(second_id && second_ids() ? slot + slots_ : slot);
    }

    // Positions [from, to) of the slot were decoded, in one decode.
    void extended(size_t slot, bool second_id, llama_pos from, llama_pos to);

    // The longest beginning of at most `keep` positions that a request can go on from: `keep` or nothing.
    llama_pos usable(size_t slot, llama_pos keep) const { return keep >= shortest_[slot] ? keep : 0; }

    // The slot `to`, which must be empty, begins with the first `keep` positions of another.
    void copy(size_t from, bool from_second_id, size_t to, bool to_second_id, llama_pos keep);

    // A state cannot be shortened: remembers it as it is after `held` positions, for cut_back(). One slot has the
    // checkpoint at a time. Nothing where everything can be cut back anyway.
    void checkpoint(size_t slot, llama_pos held);
    void drop_checkpoint(size_t slot);

    // Forgets what the slot, which has `held` positions, has from position `keep` on; a state that cannot be had of
    // just there is that of the checkpoint, or of no position at all.
    // @returns the positions that are left, at most `keep`; -1 when the memory holds anything else, or not all that
    // going on from there needs
    llama_pos cut_back(size_t slot, bool second_id, llama_pos held, llama_pos keep);

    // Forgets everything of a slot.
    void forget(size_t slot);

    // The first `keep` positions of a slot that uses its first id, for load(). Empty when llama.cpp does not give them.
    std::vector<uint8_t> save(size_t slot, llama_pos keep);

    // Puts them into an empty slot. False when llama.cpp does not take them: the slot must then be forgotten.
    bool load(size_t slot, std::span<const uint8_t> bytes, llama_pos keep);

  private:
    // llama.cpp overwrites a cell that no token of its one sequence will look at again in layers with a window, be it
    // kept for a later request or needed after drafts are cut back. It overwrites none that belongs to two sequences,
    // so each slot has a guard beside its own id, with the same cells.
    bool guarded() const { return kind_ == memory_kind::windowed; }
    llama_seq_id guard(size_t slot) const { return static_cast<llama_seq_id>(2 * slots_ + slot); }
    void probe_cut_back();
    llama_seq_id checkpoint_id() const { return static_cast<llama_seq_id>(slots_); }
    bool roll_back(size_t slot, llama_pos count, llama_pos keep);
    bool restore_checkpoint(size_t slot);

    // llama.cpp writes the states before the last tokens of a decode beside the latest one, as far as it has tokens,
    // and gives older ones of earlier decodes without a word: what may be asked for is kept here.
    struct rollback {
        size_t slot = 0;
        llama_pos positions = 0;
    };
    struct saved_state {
        size_t slot = 0;
        llama_pos held = -1;  // none
    };

    llama_context * ctx_;
    llama_memory_t memory_;
    memory_kind kind_;
    size_t slots_;
    llama_pos window_;
    bool checkpoints_;
    int32_t snapshots_;  // states of earlier positions that llama.cpp keeps of each sequence
    bool can_cut_back_ = false;
    rollback latest_;
    saved_state checkpoint_;
    std::vector<llama_pos>
        shortest_;  // beginning that can be gone on from, by slot: loaded states lack cells before it
};

}  // namespace rast
