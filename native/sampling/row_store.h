// Rows of logits that one context writes and another reads, in memory of the reader's output device.
#pragma once

#include "../llama/api.h"
#include "device_tensors.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

// f32[width, rows + 1], the last row a spare one: graphs write there what nobody reads. Engine thread only.
class row_store {
  public:
    // Throws nothing; ok() tells whether the device had the memory.
    row_store(ggml_backend_buffer_type_t buft, int32_t width, int32_t rows);

    bool ok() const { return ok_; }

    ggml_backend_buffer_type_t buffer_type() const { return buft_; }

    ggml_tensor * tensor() const { return tensor_; }

    int32_t width() const { return static_cast<int32_t>(tensor_->ne[0]); }

    int32_t spare_row() const { return static_cast<int32_t>(tensor_->ne[1]) - 1; }

    // For backends whose memory is the host's: f32[width].
    float * host_row(int64_t row) const { return static_cast<float *>(tensor_->data) + row * tensor_->ne[0]; }

    // Copies a row to the host: f32[width].
    void read_row(int32_t row, std::vector<float> & out) const;

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
