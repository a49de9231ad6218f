// Draws inside a device's graph (sampler_graph.h). The token comes back; log-probabilities are fetched where asked for,
// and a row that the device could not decide (row_fallback) is finished on the host.
#pragma once

#include "fused_memory.h"
#include "sampling_path.h"

#include <cstdint>
#include <vector>

namespace rast {

class device_path : public sampling_path {
  public:
    explicit device_path(const path_context & context);

    bool allocate(ggml_backend_buffer_type_t buft) override { return memory_.allocate(buft); }

    ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) override;

    void set_row(int32_t row, const row_settings & settings) override { memory_.set_row(row, settings); }

    void upload() override { memory_.upload(); }

    row_draw read_row(llama_context * ctx, int32_t row, int32_t output) override;

    std::vector<float> fused_row(int32_t row) override { return memory_.fused_row(row, last_); }

    int64_t bytes_per_row() const override { return sizeof(int32_t); }

    size_t device_bytes() const override { return memory_.bytes(); }

    size_t host_bytes() const override { return 0; }

  private:
    void read_logprobs(int32_t row, row_draw & draw);

    int32_t n_vocab_;
    pair_rows & pairs_;
    fused_memory memory_;
};

}  // namespace rast
