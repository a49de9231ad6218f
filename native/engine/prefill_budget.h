// How many prompt tokens a step may decode: as many as its batch holds, or, while others generate, as many as do not
// hold them up for long.
#pragma once

#include "engine_config.h"

#include <cstddef>

namespace rast {

class prefill_budget {
  public:
    // @param config must outlive it
    explicit prefill_budget(const engine_config & config);

    // A chunk of so many tokens took so long, in all models together.
    void observe(size_t tokens, double ms);

    // Tokens, from 1 to the size of a batch.
    size_t tokens(bool others_generate) const;

  private:
    const engine_config & config_;
    double token_ms_ = 0;  // lately; 0 = not known
};

}  // namespace rast
