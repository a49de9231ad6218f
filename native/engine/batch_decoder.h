// Decodes what requests lack in a context: chunks of prompts, and the rows of a round. Keeps the caches' positions and
// the requests' times in step with what was decoded.
//
// Engine thread only. A decode that fails changes nothing that is kept here, but what the context then holds of its
// sequences is not known: whoever catches the error forgets them (scheduler::fail).
#pragma once

#include "batch_builder.h"
#include "participant.h"
#include "prefill_budget.h"
#include "role_contexts.h"
#include "slot_caches.h"
#include "thread_choice.h"

#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

namespace rast {

// Thrown when a cache has no room for a batch. Nothing of the batch was decoded.
struct no_room {};

class batch_decoder {
  public:
    // All must outlive it.
    batch_decoder(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                  prefill_budget & budget, thread_choice & threads);

    // Tokens of the request that a context has yet to decode, and the most that any context it uses has.
    size_t pending(const sequence & seq, size_t context) const;
    size_t pending(const sequence & seq) const;

    // Decodes up to `count` tokens of a prompt in every context that lacks them; the last token is left to a round.
    // Returns early, with less decoded, when the engine stops. Throws no_room, ERR_DECODE.
    void prefill(sequence & seq, size_t count, const std::atomic<bool> & stopping);

    // All but the last token, in contexts whose decodes with outputs may hold one token of each sequence.
    // @param alone in the round: then only a prompt is decoded, as several tokens of one sequence are one piece
    void prefill_for_single_tokens(sequence & seq, bool alone, const std::atomic<bool> & stopping);

    // Decodes what is pending of every row: a request's new tokens for depth 0, the latest draft for those after it.
    // The sampler's settings of the rows must be set. Throws no_room, ERR_DECODE, ERR_INTERNAL.
    void decode_rows(size_t context, std::span<const logits_row> rows);

    // Tokens of the last decode.
    size_t tokens() const { return batch_.size(); }

    // Where the last decode_rows() put a row: the index in its batch.
    int32_t output_of(size_t row) const { return outputs_[row]; }

    // Whether decodes take what they take otherwise: no number of threads is being tried.
    bool is_steady() const { return !threads_.trying(); }

    // For decodes that belong to no request. Overwritten by the next call of any of the above.
    batch_builder & scratch_batch() { return batch_; }

  private:
    void prefill_in(size_t context, sequence & seq, size_t count);
    void decode(size_t context, const char * what);
    void count_rows(size_t context, std::span<const logits_row> rows, double ms, const network_use & network);

    const engine_config & config_;
    const role_contexts & contexts_;
    slot_caches & caches_;
    prefill_budget & budget_;
    thread_choice & threads_;
    batch_builder batch_;
    std::vector<int32_t> outputs_;
    std::vector<llama_pos> fresh_;  // by slot: tokens of the last decode_rows()
};

}  // namespace rast
