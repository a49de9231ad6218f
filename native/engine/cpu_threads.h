// Threads of the CPU backend, shared by all contexts of an engine: ggml's threads spin at barriers, and two pools on
// the same cores slow each other a hundredfold.
#pragma once

#include "../llama/api.h"

namespace rast {

class cpu_threads {
  public:
    explicit cpu_threads(int count);
    ~cpu_threads();
    cpu_threads(const cpu_threads &) = delete;
    cpu_threads & operator=(const cpu_threads &) = delete;

    // Where there is no pool, llama.cpp makes one of its own.
    void attach(llama_context * ctx) const;

  private:
    ggml_threadpool_t pool_ = nullptr;
};

}  // namespace rast
