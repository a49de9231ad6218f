// Decodes of one model with nothing beside them: no sampler, no other model. The baseline of benchmarks.
#pragma once

#include "batch_builder.h"
#include "engine_config.h"
#include "role_context.h"

#include <atomic>
#include <memory>
#include <vector>

namespace rast {

class bare_decoder {
  public:
    // A context of its own over a loaded model. Throws ERR_CONTEXT_CREATE.
    bare_decoder(const role_context & of, const engine_config & engine, const cpu_threads & threads,
                 const std::atomic<bool> & stopping);

    // As many as decode from now on, at most those of the engine.
    void set_threads(int32_t threads);

    // Milliseconds of each of `steps` decodes, one token per sequence, after `depth` tokens in every sequence.
    // Throws ERR_DECODE, ERR_INVALID_ARGUMENT when that is more than the cache holds.
    std::vector<double> steps(uint32_t sequences, uint32_t depth, uint32_t steps);

    // Milliseconds of decoding a prompt of so many tokens in every sequence, after `depth` others, in full batches with
    // one output each.
    double prompt(uint32_t sequences, uint32_t depth, uint32_t tokens);

  private:
    void fill(uint32_t sequences, uint32_t depth);
    void decode(const char * what);
    llama_token next_token();

    uint32_t slots_;
    int32_t n_vocab_;
    uint32_t random_ = 1;
    std::vector<uint32_t> held_;  // tokens of each sequence
    batch_builder batch_;
    std::unique_ptr<llama_context, llama_context_deleter> ctx_;
};

}  // namespace rast
