// A group of tensors in one buffer of a device, alive until the group is destroyed.
#pragma once

#include "../llama/api.h"

#include <memory>
#include <vector>

namespace rast {

struct ggml_context_deleter {
    void operator()(ggml_context * ctx) const { ggml_free(ctx); }
};

using ggml_context_ptr = std::unique_ptr<ggml_context, ggml_context_deleter>;

struct ggml_buffer_deleter {
    void operator()(ggml_backend_buffer * buffer) const { ggml_backend_buffer_free(buffer); }
};

using ggml_buffer_ptr = std::unique_ptr<ggml_backend_buffer, ggml_buffer_deleter>;

class device_tensors {
  public:
    // Room for `capacity` tensors, views included.
    explicit device_tensors(size_t capacity);

    ggml_context * context() const { return ctx_.get(); }

    // Gives every tensor made in context() memory of `buft`, zeroed. False when the device has not enough.
    bool allocate(ggml_backend_buffer_type_t buft);

    size_t bytes() const;

  private:
    ggml_context_ptr ctx_;
    ggml_buffer_ptr buffer_;  // after ctx_: freed first
};

}  // namespace rast
