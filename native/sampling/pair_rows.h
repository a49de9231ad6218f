// The rows of logits of experts and antiexperts, E and A, that a context's own rows are fused with. Row i of each
// belongs to row i of the batch.
#pragma once

#include "fused_row.h"
#include "row_store.h"
#include "sampler_graph.h"
#include "sampler_settings.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace rast {

// Owns them from allocate() on; the contexts of the small models write into them. Engine thread only, but for
// point_to().
class pair_rows {
  public:
    // @returns false when the device has not enough memory
    bool allocate(ggml_backend_buffer_type_t buft, int pairs, int32_t n_vocab, int32_t rows);

    int count() const { return static_cast<int>(stores_.size() / 2); }

    row_store & expert(int pair) const { return *stores_[static_cast<size_t>(pair) * 2]; }

    row_store & antiexpert(int pair) const { return *stores_[static_cast<size_t>(pair) * 2 + 1]; }

    // Zeroes a row of those pairs that add nothing to it: what is left of an earlier round may be infinite, and a
    // device multiplies it by 0, which is NaN.
    void clear_unused(int32_t row, const row_settings & settings);

    // For a graph. With `probe` tensors of the width and row that llama.cpp's probe has.
    std::vector<graph_pair> tensors(ggml_context * ctx, ggml_tensor * logits, bool probe) const;

    // For the CPU. Any thread.
    void point_to(int32_t row, row_inputs & in) const;

    size_t bytes() const;

  private:
    std::vector<std::unique_ptr<row_store>> stores_;  // expert 0, antiexpert 0, expert 1, ...
};

}  // namespace rast
