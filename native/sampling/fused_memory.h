// The fused rows F of a device, which its graph keeps for the host, and what the host needs to finish one: settings,
// scratch. What device_path and host_path have in common.
#pragma once

#include "device_tensors.h"
#include "graph_tensors.h"
#include "row_scratch.h"
#include "sampler_row.h"
#include "sampling_path.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace rast {

// Owns the tensors' memory and the settings of all rows. Engine thread only.
class fused_memory {
  public:
    // @param drawing whether the graph draws; else it only fuses, and bias and penalties are the host's as well
    fused_memory(const path_context & context, bool drawing);

    // @returns false when the device has not enough memory
    bool allocate(ggml_backend_buffer_type_t buft);

    const graph_tensors & tensors() const { return tensors_; }

    // For a graph: these tensors, or with `probe` some of the width and row that llama.cpp's probe has.
    graph_tensors tensors_for(ggml_context * ctx, ggml_tensor * logits, bool probe) const;

    void set_row(int32_t row, const row_settings & settings);
    void upload() { uploaded_->upload(tensors_); }

    const row_settings & settings(int32_t row) const { return rows_[static_cast<size_t>(row)]; }

    // Reads a fused row, and draws from it as the CPU does.
    row_draw draw_on_host(int32_t row, row_traffic & traffic);

    // Reads a fused row, and masks and adjusts what the graph has not.
    std::vector<float> fused_row(int32_t row, row_traffic & traffic);

    size_t bytes() const { return memory_.bytes(); }

  private:
    row_inputs read(int32_t row, row_traffic & traffic);

    path_context context_;
    bool drawing_;
    device_tensors memory_;
    graph_tensors tensors_;
    std::optional<graph_settings> uploaded_;
    std::vector<row_settings> rows_;
    std::vector<bool> adjusted_;  // rows that the graph adjusts
    std::vector<float> read_;     // the row that is being finished
    row_scratch scratch_;
};

}  // namespace rast
