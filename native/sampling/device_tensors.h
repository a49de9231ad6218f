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

// Rows of logits that one context writes and another reads: f32[width, rows + 1], the last row a spare one.
class row_store {
  public:
    // Throws nothing; ok() tells whether the device had the memory.
    row_store(ggml_backend_buffer_type_t buft, int32_t width, int32_t rows);

    bool ok() const { return ok_; }

    ggml_backend_buffer_type_t buffer_type() const { return buft_; }

    ggml_tensor * tensor() const { return tensor_; }

    int32_t width() const { return static_cast<int32_t>(tensor_->ne[0]); }

    int32_t spare_row() const { return static_cast<int32_t>(tensor_->ne[1]) - 1; }

    // Zeroes a row unless it is zero already.
    void clear_row(int32_t row);
    void mark_written(int32_t row) { written_[static_cast<size_t>(row)] = true; }

    // Device to device.
    void copy_row_to(row_store & target, int32_t from, int32_t to);

    size_t bytes() const { return tensors_.bytes(); }

  private:
    ggml_backend_buffer_type_t buft_;
    device_tensors tensors_;
    ggml_tensor * tensor_ = nullptr;
    std::vector<ggml_tensor *> rows_;
    std::vector<bool> written_;
    bool ok_ = false;
};

}  // namespace rast
