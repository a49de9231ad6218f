// Draws inside the CPU's graph: one custom node does every step for a row (sampler_row.h), rows side by side on ggml's
// threads.
#pragma once

#include "fused_row.h"
#include "row_scratch.h"
#include "sampling_path.h"

#include <memory>
#include <vector>

namespace rast {

// Owns settings, draws and a scratch per thread. The node reads settings and writes draws of its own rows; the engine
// thread touches them between decodes alone.
class cpu_path : public sampling_path {
  public:
    explicit cpu_path(path_context context);

    bool allocate(ggml_backend_buffer_type_t buft) override;
    ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) override;
    void set_row(int32_t row, const row_settings & settings) override;
    void upload() override {}
    row_draw read_row(llama_context * ctx, int32_t row, int32_t output) override;
    std::vector<float> fused_row(int32_t row) override;
    int64_t bytes_per_row() const override { return sizeof(int32_t); }
    bool makes_figures() const override { return true; }
    size_t device_bytes() const override { return 0; }
    size_t host_bytes() const override;

  private:
    static void on_rows(ggml_tensor * out, int thread, int threads, void * self);
    void draw(const float * logits, int32_t row, row_scratch & scratch);
    void figure(row_inputs in, int32_t row, row_scratch & scratch);

    path_context context_;
    std::vector<row_settings> settings_;
    std::vector<row_draw> draws_;
    std::vector<std::shared_ptr<token_figures>> figures_;  // where asked for: made before the node fills them
    std::vector<std::vector<float>> kept_;                 // fused rows, where asked for
    std::vector<row_scratch> scratches_;                   // one per thread
};

}  // namespace rast
