// What the sampler's graph reads and writes beside logits: persistent tensors, a column per row, and the host's copy of
// the settings in them. No graph inputs, so that settings change without a new graph.
#pragma once

#include "../llama/api.h"
#include "sampler_settings.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

// Sorted on the device: CUDA without CUB sorts no more in one block (ggml-cuda/argsort.cu). What is kept lies beyond
// them on flat rows alone, which the host finishes.
inline constexpr int32_t graph_candidates = 1024;
// Tokens with bias or penalty that a row may have on the device. Gathered and scattered for every row, used or not, so
// that the graph stays the same; a row with more is finished on the host.
inline constexpr int32_t graph_adjustments = 256;

// Rows of graph_tensors::parameters.
enum graph_parameter : int {
    p_lambda0,
    p_lambda1,
    p_lambda2,
    p_inv_temperature,
    p_u,
    p_top_p,  // 2 = off
    p_min_p,
    p_top_k,       // more than there are candidates = off
    p_top_k_on,    // 1 = the kept mass is that of the top-k tokens
    p_top_k_off,   // 1 - top_k_on
    p_unfiltered,  // 1 = no filter at all
    p_greedy,
    p_sampled,    // 1 - greedy
    p_on_device,  // 0 = the host finishes this row
    parameter_count
};

// Borrowed: whoever owns the ggml context and its memory owns these.
struct graph_tensors {
    ggml_tensor * parameters = nullptr;   // f32[rows, parameter_count]
    ggml_tensor * mask = nullptr;         // f32[n_vocab]: 0, or never_logit_on_device for ids that are never drawn
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

    // Makes the tensors, without memory of their own. `drawing`: false keeps only what a graph that fuses needs.
    static graph_tensors create(ggml_context * ctx, int32_t n_vocab, int32_t rows, bool drawing);

    // Once there is memory: what never changes.
    void fill_mask(const drawable_tokens & drawable) const;
    void fill_rank() const;
};

// The host's copy of the settings, uploaded before each decode. Engine thread only.
class graph_settings {
  public:
    graph_settings(int32_t n_vocab, int32_t rows);

    // @returns whether bias and penalties of this row are applied on the device
    bool set(int32_t row, const row_settings & settings);
    void upload(const graph_tensors & tensors);

  private:
    void set_parameters(int32_t row, const row_settings & settings, bool adjusts);
    bool set_adjustments(int32_t row, const row_settings & settings);

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

}  // namespace rast
