// The steps of a draw (sampling_steps.h) as nodes of a compute graph, for devices that are not the CPU. Functions of
// nothing but tensors: who owns them, and when the graph is built, is the paths' business.
#pragma once

#include "../llama/api.h"
#include "graph_tensors.h"

#include <cstdint>
#include <string>
#include <vector>

namespace rast {

struct graph_pair {
    ggml_tensor * expert = nullptr;      // f32[n_vocab, rows]
    ggml_tensor * antiexpert = nullptr;  // f32[n_vocab, rows]
};

// All steps: the fused and adjusted rows of `logits` (f32[n_vocab, n]) are kept in tensors.fused, log-probabilities in
// their tensors.
// @returns i32[n]: the tokens, row_fallback where the host must finish the row
ggml_tensor * build_draw(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                         const std::vector<graph_pair> & pairs, const graph_tensors & tensors);

// Fuse and mask alone, into tensors.fused: for the host's path.
void build_fusion_only(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                       const std::vector<graph_pair> & pairs, const graph_tensors & tensors);

// Writes rows of `logits` (any width), kept within logit_bound, into `store` (f32[width, rows]) at the rows that `rows`
// (i64[n]) names.
void build_sink(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, ggml_tensor * store, ggml_tensor * rows);

// The first operation that `device` lacks for the whole sampler, empty when it has all.
std::string missing_operation(ggml_backend_dev_t device, int32_t n_vocab, int32_t rows, int pairs, bool drawing);

}  // namespace rast
