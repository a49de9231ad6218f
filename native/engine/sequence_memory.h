// What one context remembers of its sequences, under every kind of memory that llama.cpp has: the sequence ids of
// slots, what may be copied, cut back and saved, and which batches llama.cpp decodes in one piece.
//
// Engine thread only. Knows positions, not tokens: slot_caches does.
#pragma once

#include "../llama/api.h"

#include <cstddef>
#include <cstdint>
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

class sequence_memory {
  public:
    // @param ctx must outlive it, and have all ids up to those of ids_needed(). Decodes two tokens to see what the
    // memory can do, and clears it.
    sequence_memory(llama_context * ctx, memory_kind kind, size_t slots);

    memory_kind kind() const { return kind_; }

    // Whether the end of a sequence can be taken back, so that drafts and kept beginnings are possible.
    bool can_cut_back() const { return can_cut_back_; }

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

    // Positions [from, to) of the slot were decoded.
    void extended(size_t slot, bool second_id, llama_pos from, llama_pos to);

    // The longest beginning of at most `keep` positions that a request can go on from: `keep` or nothing.
    llama_pos usable(size_t slot, llama_pos keep) const { return keep >= shortest_[slot] ? keep : 0; }

    // The slot `to`, which must be empty, begins with the first `keep` positions of another.
    void copy(size_t from, bool from_second_id, size_t to, bool to_second_id, llama_pos keep);

    // Forgets what the slot has from position `keep` on. False when the memory then holds anything else than the
    // positions before it, or not all that going on from there needs.
    bool cut_back(size_t slot, bool second_id, llama_pos keep);

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
    bool probe_cut_back();

    llama_context * ctx_;
    llama_memory_t memory_;
    memory_kind kind_;
    size_t slots_;
    llama_pos window_;
    bool can_cut_back_;
    std::vector<llama_pos>
        shortest_;  // beginning that can be gone on from, by slot: loaded states lack cells before it
};

}  // namespace rast
