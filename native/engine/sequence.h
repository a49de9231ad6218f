// A request while it is being worked on.
#pragma once

#include "engine_types.h"
#include "text_stream.h"

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace rast {

using engine_clock = std::chrono::steady_clock;

class sequence {
  public:
    sequence(uint32_t id, request && wanted, engine_clock::time_point submitted, const llama_vocab * vocab,
             size_t contexts);

    uint32_t id() const { return id_; }

    const request & wanted() const { return wanted_; }

    // Prompt and completion so far.
    const std::vector<llama_token> & history() const { return history_; }

    // Tokens that context c has in its cache.
    std::vector<llama_pos> n_past;

    // The slot's sequence id in every context; -1 while queued.
    llama_seq_id slot = -1;
    request_result result;
    bool started = false;  // a token has been drawn

    void begin(llama_seq_id at_slot);

    // Settings of the next draw.
    row_settings settings(bool with_lambda) const;

    // Takes a drawn token. @returns true when the sequence is finished
    bool accept(const row_draw & draw, uint32_t context_size, step_event & out);

    void finish(stop_reason reason, step_event & out);

  private:
    void count(llama_token token, int by);
    bool stops_here(llama_token token) const;

    uint32_t id_;
    request wanted_;
    const llama_vocab * vocab_;
    engine_clock::time_point submitted_;
    engine_clock::time_point begun_;
    engine_clock::time_point first_token_;
    std::vector<llama_token> history_;
    text_stream text_;
    std::unordered_map<llama_token, int32_t> counts_;  // within the penalty window
    std::unordered_map<llama_token, float> bias_;
};

// The bytes of a token; control tokens are empty unless `special`.
std::string token_piece(const llama_vocab * vocab, llama_token token, bool special);

}  // namespace rast
