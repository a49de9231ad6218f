// A worker's threads.
#pragma once

#include <ggml-backend.h>
#include <ggml-cpu.h>

namespace rast::rpc {

// Threads of the processor for one client; they sleep while it does.
class processor_threads {
  public:
    processor_threads(ggml_backend_t backend, int count);
    ~processor_threads();
    processor_threads(const processor_threads &) = delete;
    processor_threads & operator=(const processor_threads &) = delete;

  private:
    ggml_backend_dev_t device_;
    ggml_threadpool_t pool_ = nullptr;
};

}  // namespace rast::rpc
