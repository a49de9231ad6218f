// Brings a few columns of rows of logits into another order, at the beginning of a graph: the rows of a small model
// whose special tokens have other ids than the base's.
#pragma once

#include "../llama/api.h"
#include "device_tensors.h"

#include <cstdint>
#include <vector>

namespace rast {

struct column_move {
    int32_t from = -1;  // -1: the column becomes 0
    int32_t to = 0;
};

// Works in place, where rows need not become wider. The same nodes on the CPU and on devices. Engine thread only.
class token_columns {
  public:
    // @param moves no column twice in `to`; not empty
    // @param width columns afterwards
    token_columns(std::vector<column_move> moves, int32_t width, int32_t rows);

    // @returns false when the device has not enough memory
    bool allocate(ggml_backend_buffer_type_t buft);

    // @returns f32[width, rows of `logits`], within logit_bound in the columns that were moved
    ggml_tensor * build(ggml_context * ctx, ggml_tensor * logits, bool probe) const;

    size_t device_bytes() const { return memory_.bytes(); }

  private:
    struct tensors {
        ggml_tensor * from = nullptr;  // i32[moves, rows]
        ggml_tensor * to = nullptr;    // i32[moves, rows]
        ggml_tensor * keep = nullptr;  // f32[moves, rows]: 1, or 0 for columns that become 0
    };

    tensors make(ggml_context * ctx, int64_t rows) const;

    std::vector<column_move> moves_;
    int32_t width_;
    int32_t rows_;
    device_tensors memory_;
    tensors tensors_;
};

}  // namespace rast
