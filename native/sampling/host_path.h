// Rows that a device fuses and the host finishes: where it lacks an operation of the draw, or for comparison.
#pragma once

#include "fused_memory.h"
#include "sampling_path.h"

#include <cstdint>
#include <vector>

namespace rast {

class host_path : public sampling_path {
  public:
    // @param on_cpu whether the "device" is the CPU: then rows in its graph are the host's memory as well
    host_path(const path_context & context, bool on_cpu);

    bool allocate(ggml_backend_buffer_type_t buft) override { return memory_.allocate(buft); }

    ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) override;

    void set_row(int32_t row, const row_settings & settings) override { memory_.set_row(row, settings); }

    void upload() override { memory_.upload(); }

    row_draw read_row(llama_context *, int32_t row, int32_t) override { return memory_.draw_on_host(row, last_); }

    std::vector<float> fused_row(int32_t row) override { return memory_.fused_row(row, last_); }

    bool on_host() const override { return true; }

    // Rows are read one by one, and counted as such.
    int64_t bytes_per_row() const override { return 0; }

    size_t device_bytes() const override { return memory_.bytes(); }

    size_t host_bytes() const override;

  private:
    path_context context_;
    bool on_cpu_;
    fused_memory memory_;
};

}  // namespace rast
