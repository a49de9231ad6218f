// The ensemble sampler as nodes of a compute graph, for devices that are not the CPU.
#pragma once

#include "../llama/api.h"
#include "sampler_settings.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rast {

inline constexpr int32_t graph_candidates = 1024;  // sorted on the device; CUDA sorts no more without CUB
inline constexpr int32_t graph_adjustments = 256;  // tokens with bias or penalty that a row may have on the device

// The persistent tensors that hold settings and results; a column per row, one column spare.
struct graph_tensors {
    ggml_tensor * parameters = nullptr;   // f32[rows, parameter_count]
    ggml_tensor * mask = nullptr;         // f32[n_vocab]: 0, or -1e30 for ids that are never drawn
    ggml_tensor * rank = nullptr;         // f32[candidates, rows]: 0, -1, -2, ...
    ggml_tensor * adjust_ids = nullptr;   // i32[adjustments, rows]
    ggml_tensor * adjust_bias = nullptr;  // f32[adjustments, rows], the next three likewise
    ggml_tensor * adjust_multiply = nullptr;
    ggml_tensor * adjust_divide = nullptr;  // 1 / repetition
    ggml_tensor * adjust_subtract = nullptr;
    ggml_tensor * fused = nullptr;          // f32[n_vocab, rows]: for rows that the host finishes
    ggml_tensor * drawn_logprob = nullptr;  // f32[1, rows]
    ggml_tensor * top_tokens = nullptr;     // f32[max_top_logprobs, rows]: ids, exact in float
    ggml_tensor * top_logprobs = nullptr;   // f32[max_top_logprobs, rows]

    static constexpr size_t count = 12;

    // Makes the tensors, without memory of their own. `drawing`: false keeps only what the host path needs.
    static graph_tensors create(ggml_context * ctx, int32_t n_vocab, int32_t rows, bool drawing);
};

struct graph_pair {
    ggml_tensor * expert = nullptr;      // f32[n_vocab, rows]
    ggml_tensor * antiexpert = nullptr;  // f32[n_vocab, rows]
};

// Host copies of the settings, uploaded before each decode.
class graph_settings {
  public:
    graph_settings(int32_t n_vocab, int32_t rows);

    // @returns whether bias and penalties of this row are applied on the device
    bool set(int32_t row, const row_settings & settings);
    void upload(const graph_tensors & tensors);

  private:
    int32_t n_vocab_;
    int32_t rows_;
    std::vector<float> parameters_;
    std::vector<int32_t> ids_;
    std::vector<float> bias_;
    std::vector<float> multiply_;
    std::vector<float> divide_;
    std::vector<float> subtract_;
    std::vector<bool> adjusted_;  // rows whose columns are not neutral on the device
    bool adjustments_changed_ = true;
};

// Fuses the rows of `logits` (f32[n_vocab, n]) and keeps them in tensors.fused.
// @returns the fused rows, padding masked
ggml_tensor * build_fusion(ggml_context * ctx, ggml_tensor * logits, const std::vector<graph_pair> & pairs,
                           const graph_tensors & tensors);

// All of it: fuse, mask, adjust, keep, filter, draw, log-probabilities.
// @returns i32[n]: the tokens, -1 where the host must finish the row
ggml_tensor * build_draw(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                         const std::vector<graph_pair> & pairs, const graph_tensors & tensors);

// Fusion alone, for the host path.
void build_fusion_only(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                       const std::vector<graph_pair> & pairs, const graph_tensors & tensors);

// Writes rows of `logits` (any width) into `store` (f32[width, rows]) at the rows that `rows` (i64[n]) names.
void build_tap(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, ggml_tensor * store, ggml_tensor * rows);

// The first operation that `device` lacks for the whole sampler, empty when it has all.
std::string missing_operation(ggml_backend_dev_t device, int32_t n_vocab, int32_t rows, int pairs, bool drawing);

}  // namespace rast
