#include "graph_tensors.h"

#include "sampling_steps.h"

#include <algorithm>

namespace rast {

graph_tensors graph_tensors::create(ggml_context * ctx, int32_t n_vocab, int32_t rows, bool drawing) {
    graph_tensors t;
    t.parameters = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, rows, parameter_count);
    t.mask = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, n_vocab);
    t.fused = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows);
    if (drawing) {
        t.rank = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, std::min(n_vocab, graph_candidates), rows);
        t.adjust_ids = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, graph_adjustments, rows);
        t.adjust_bias = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, graph_adjustments, rows);
        t.adjust_multiply = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, graph_adjustments, rows);
        t.adjust_divide = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, graph_adjustments, rows);
        t.adjust_subtract = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, graph_adjustments, rows);
        t.drawn_logprob = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, 1, rows);
        t.top_tokens = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, std::min(n_vocab, max_top_logprobs), rows);
        t.top_logprobs = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, std::min(n_vocab, max_top_logprobs), rows);
    }
    return t;
}

void graph_tensors::fill_mask(const drawable_tokens & drawable) const {
    const auto n_vocab = static_cast<int32_t>(mask->ne[0]);
    std::vector<float> values(static_cast<size_t>(n_vocab), 0.0F);
    std::fill(values.begin() + std::min(drawable.n_drawable, n_vocab), values.end(), never_logit_on_device);
    for (const int32_t token : drawable.masked) {
        values[static_cast<size_t>(token)] = never_logit_on_device;
    }
    ggml_backend_tensor_set(mask, values.data(), 0, values.size() * sizeof(float));
}

void graph_tensors::fill_rank() const {
    const int64_t candidates = rank->ne[0];
    std::vector<float> values(static_cast<size_t>(candidates * rank->ne[1]));
    for (size_t i = 0; i < values.size(); ++i) {
        values[i] = -static_cast<float>(static_cast<int64_t>(i) % candidates);
    }
    ggml_backend_tensor_set(rank, values.data(), 0, values.size() * sizeof(float));
}

graph_settings::graph_settings(int32_t n_vocab, int32_t rows)
    : n_vocab_(n_vocab),
      rows_(rows),
      parameters_(static_cast<size_t>(rows) * parameter_count, 0.0F),
      ids_(static_cast<size_t>(rows) * graph_adjustments, 0),
      bias_(ids_.size(), 0.0F),
      multiply_(ids_.size(), 1.0F),
      divide_(ids_.size(), 1.0F),
      subtract_(ids_.size(), 0.0F),
      adjusted_(static_cast<size_t>(rows), false) {
    for (int32_t row = 0; row < rows; ++row) {
        set(row, row_settings{});
    }
}

bool graph_settings::set(int32_t row, const row_settings & settings) {
    const bool adjusts = set_adjustments(row, settings);
    set_parameters(row, settings, adjusts);
    return adjusts;
}

void graph_settings::set_parameters(int32_t row, const row_settings & s, bool adjusts) {
    const int32_t candidates = std::min(n_vocab_, graph_candidates);
    const bool greedy = is_greedy(s);
    const bool top_k = has_top_k(s, n_vocab_);
    const bool on_device = adjusts && (greedy || !top_k || s.top_k <= candidates);
    const auto put = [&](graph_parameter which, float value) {
        parameters_[static_cast<size_t>(which) * rows_ + row] = value;
    };
    put(p_lambda0, s.lambda[0]);
    put(p_lambda1, s.lambda[1]);
    put(p_lambda2, s.lambda[2]);
    put(p_inv_temperature, greedy ? 1.0F : 1.0F / s.temperature);
    put(p_u, s.u);
    put(p_top_p, has_top_p(s) ? s.top_p : 2.0F);
    put(p_min_p, s.min_p);
    put(p_top_k, static_cast<float>(top_k ? s.top_k : candidates + 1));
    put(p_top_k_on, top_k ? 1.0F : 0.0F);
    put(p_top_k_off, top_k ? 0.0F : 1.0F);
    put(p_unfiltered, has_filters(s, n_vocab_) ? 0.0F : 1.0F);
    put(p_greedy, greedy ? 1.0F : 0.0F);
    put(p_sampled, greedy ? 0.0F : 1.0F);
    put(p_on_device, on_device ? 1.0F : 0.0F);
}

// @returns whether they fit; neutral ones are left where they do not
bool graph_settings::set_adjustments(int32_t row, const row_settings & s) {
    const bool fits = s.adjustments.size() <= static_cast<size_t>(graph_adjustments);
    const size_t used = fits ? s.adjustments.size() : 0;
    const auto at_row = static_cast<size_t>(row);
    if (used == 0 && !adjusted_[at_row]) {
        return fits;
    }
    // Free columns repeat the first: equal ids must write equal values.
    for (size_t i = 0; i < static_cast<size_t>(graph_adjustments); ++i) {
        const logit_adjustment neutral{};
        const logit_adjustment & a = used == 0 ? neutral : s.adjustments[i < used ? i : 0];
        const size_t at = at_row * graph_adjustments + i;
        ids_[at] = a.token;
        bias_[at] = std::max(a.bias, never_logit_on_device);
        multiply_[at] = a.repetition;
        divide_[at] = 1.0F / a.repetition;
        subtract_[at] = a.subtract;
    }
    adjusted_[at_row] = used > 0;
    adjustments_changed_ = true;
    return fits;
}

void graph_settings::upload(const graph_tensors & t) {
    const auto send = [](ggml_tensor * tensor, const auto & values) {
        ggml_backend_tensor_set(tensor, values.data(), 0, values.size() * sizeof(values[0]));
    };
    send(t.parameters, parameters_);
    if (adjustments_changed_ && t.adjust_ids != nullptr) {
        send(t.adjust_ids, ids_);
        send(t.adjust_bias, bias_);
        send(t.adjust_multiply, multiply_);
        send(t.adjust_divide, divide_);
        send(t.adjust_subtract, subtract_);
        adjustments_changed_ = false;
    }
}

}  // namespace rast
