// The baseline of benchmarks: times decodes of one model with nothing beside them, in a second context over the loaded
// weights, between the steps of requests.
//
// measure() may be called on any thread but the engine's, and waits for it. A context is made when first asked for and
// kept until release().
#pragma once

#include "bare_decoder.h"
#include "inbox.h"
#include "role_contexts.h"

#include <memory>
#include <vector>

namespace rast {

struct bare_decodes {
    model_place model;
    uint32_t sequences = 1;  // at most the slots
    uint32_t depth = 0;      // tokens that each of them holds before
    uint32_t tokens = 1;     // steps, or tokens of a prompt
    bool prompt = false;
};

class baseline_timer {
  public:
    // All must outlive it.
    baseline_timer(const engine_config & config, const role_contexts & contexts, inbox & inbox);

    // Milliseconds of each step; with `prompt` one number, that of a prompt of so many tokens.
    // Throws ERR_DISPOSED, ERR_INVALID_ARGUMENT, ERR_INSUFFICIENT_MEMORY, ERR_CONTEXT_CREATE, ERR_DECODE.
    std::vector<double> measure(const bare_decodes & wanted);

    // Engine thread, before the contexts go.
    void release() { decoders_.clear(); }

  private:
    void require_valid(const bare_decodes & wanted) const;
    void require_memory(size_t context) const;

    const engine_config & config_;
    const role_contexts & contexts_;
    inbox & inbox_;
    std::vector<std::unique_ptr<bare_decoder>> decoders_;  // by context
};

}  // namespace rast
