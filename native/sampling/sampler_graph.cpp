#include "sampler_graph.h"

#include "device_tensors.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

constexpr float never = -1e30F;  // instead of -infinity: 0 * infinity is NaN

enum parameter : int {
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

// First n rows of a persistent tensor.
ggml_tensor * rows_of(ggml_context * ctx, ggml_tensor * t, int64_t n) {
    return ggml_view_2d(ctx, t, t->ne[0], n, t->nb[1], 0);
}

// [1, n] of element `index` of each row.
ggml_tensor * element_of(ggml_context * ctx, ggml_tensor * t, int64_t index) {
    return ggml_cont(ctx, ggml_view_2d(ctx, t, 1, t->ne[1], t->nb[1], static_cast<size_t>(index) * t->nb[0]));
}

// values[ids[i, r], r] as [n_ids, n].
ggml_tensor * gather(ggml_context * ctx, ggml_tensor * values, ggml_tensor * ids) {
    ggml_tensor * as_rows = ggml_reshape_3d(ctx, values, 1, values->ne[0], values->ne[1]);
    return ggml_reshape_2d(ctx, ggml_get_rows(ctx, as_rows, ids), ids->ne[0], ids->ne[1]);
}

ggml_tensor * one_minus(ggml_context * ctx, ggml_tensor * t) {
    return ggml_scale_bias(ctx, t, -1.0F, 1.0F);
}

// For values 0 and 1.
ggml_tensor * either(ggml_context * ctx, ggml_tensor * x, ggml_tensor * y) {
    return ggml_clamp(ctx, ggml_add(ctx, x, y), 0.0F, 1.0F);
}

ggml_tensor * smaller(ggml_context * ctx, ggml_tensor * x, ggml_tensor * y) {
    return ggml_sub(ctx, x, ggml_relu(ctx, ggml_sub(ctx, x, y)));
}

struct parameters {
    ggml_context * ctx;
    ggml_tensor * tensor;
    int64_t n;

    // [1, n]: one setting of every row
    ggml_tensor * operator[](int which) const {
        return ggml_view_2d(ctx, tensor, 1, n, sizeof(float), static_cast<size_t>(which) * tensor->nb[1]);
    }
};

ggml_tensor * build_adjustments(ggml_context * ctx, ggml_tensor * fused, const graph_tensors & tensors) {
    const int64_t n_vocab = fused->ne[0];
    const int64_t n = fused->ne[1];
    const auto column = [&](ggml_tensor * t) { return ggml_reshape_3d(ctx, rows_of(ctx, t, n), 1, t->ne[0], n); };
    ggml_tensor * as_rows = ggml_reshape_3d(ctx, fused, 1, n_vocab, n);
    ggml_tensor * ids = rows_of(ctx, tensors.adjust_ids, n);
    ggml_tensor * values = ggml_add(ctx, ggml_get_rows(ctx, as_rows, ids), column(tensors.adjust_bias));
    ggml_tensor * positive = ggml_relu(ctx, values);
    ggml_tensor * negative = ggml_sub(ctx, values, positive);
    values = ggml_add(ctx, ggml_mul(ctx, positive, column(tensors.adjust_divide)),
                      ggml_mul(ctx, negative, column(tensors.adjust_multiply)));
    values = ggml_sub(ctx, values, column(tensors.adjust_subtract));
    return ggml_reshape_2d(ctx, ggml_set_rows(ctx, as_rows, values, ids), n_vocab, n);
}

}  // namespace

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

bool graph_settings::set(int32_t row, const row_settings & s) {
    const int32_t candidates = std::min(n_vocab_, graph_candidates);
    const bool greedy = s.temperature <= 0.0F;
    const bool top_k = s.top_k > 0 && s.top_k < n_vocab_;
    const bool fits = s.adjustments.size() <= static_cast<size_t>(graph_adjustments);
    const bool on_device = fits && (greedy || !top_k || s.top_k <= candidates);
    const auto put = [&](parameter which, float value) {
        parameters_[static_cast<size_t>(which) * rows_ + row] = value;
    };
    put(p_lambda0, s.lambda[0]);
    put(p_lambda1, s.lambda[1]);
    put(p_lambda2, s.lambda[2]);
    put(p_inv_temperature, greedy ? 1.0F : 1.0F / s.temperature);
    put(p_u, s.u);
    put(p_top_p, s.top_p < 1.0F ? s.top_p : 2.0F);
    put(p_min_p, s.min_p);
    put(p_top_k, static_cast<float>(top_k ? s.top_k : candidates + 1));
    put(p_top_k_on, top_k ? 1.0F : 0.0F);
    put(p_top_k_off, top_k ? 0.0F : 1.0F);
    put(p_unfiltered, !top_k && s.top_p >= 1.0F && s.min_p <= 0.0F ? 1.0F : 0.0F);
    put(p_greedy, greedy ? 1.0F : 0.0F);
    put(p_sampled, greedy ? 0.0F : 1.0F);
    put(p_on_device, on_device ? 1.0F : 0.0F);

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
        bias_[at] = std::max(a.bias, never);
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

ggml_tensor * build_fusion(ggml_context * ctx, ggml_tensor * logits, const std::vector<graph_pair> & pairs,
                           const graph_tensors & tensors) {
    const int64_t n = logits->ne[1];
    const parameters par{ctx, tensors.parameters, n};
    ggml_tensor * fused = logits;
    for (size_t k = 0; k < pairs.size(); ++k) {
        ggml_tensor * delta = ggml_sub(ctx, rows_of(ctx, pairs[k].expert, n), rows_of(ctx, pairs[k].antiexpert, n));
        fused = ggml_add(ctx, fused, ggml_mul(ctx, delta, par[p_lambda0 + static_cast<int>(k)]));
    }
    return ggml_add(ctx, fused, tensors.mask);
}

void build_fusion_only(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                       const std::vector<graph_pair> & pairs, const graph_tensors & tensors) {
    ggml_tensor * fused = build_fusion(ctx, logits, pairs, tensors);
    ggml_build_forward_expand(graph, ggml_cpy(ctx, fused, rows_of(ctx, tensors.fused, logits->ne[1])));
}

ggml_tensor * build_draw(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                         const std::vector<graph_pair> & pairs, const graph_tensors & tensors) {
    const int64_t n_vocab = logits->ne[0];
    const int64_t n = logits->ne[1];
    const int64_t candidates = std::min<int64_t>(n_vocab, graph_candidates);
    const bool all_are_candidates = candidates == n_vocab;
    const parameters par{ctx, tensors.parameters, n};

    ggml_tensor * fused = build_adjustments(ctx, build_fusion(ctx, logits, pairs, tensors), tensors);
    ggml_build_forward_expand(graph, ggml_cpy(ctx, fused, rows_of(ctx, tensors.fused, n)));

    // probabilities over the whole row, at the row's temperature and at 1
    ggml_tensor * at_temperature = ggml_soft_max(ctx, ggml_mul(ctx, fused, par[p_inv_temperature]));
    ggml_tensor * at_one = ggml_soft_max(ctx, fused);

    // the candidates, largest logit first
    ggml_tensor * sorted = nullptr;  // i32[candidates, n]
    if (all_are_candidates) {
        sorted = ggml_argsort(ctx, fused, GGML_SORT_ORDER_DESC);
    } else {
        ggml_tensor * top = ggml_top_k(ctx, fused, static_cast<int>(candidates));
        ggml_tensor * order = ggml_argsort(ctx, gather(ctx, fused, top), GGML_SORT_ORDER_DESC);
        sorted = gather(ctx, top, order);
    }
    ggml_tensor * p = gather(ctx, at_temperature, sorted);

    // the filters keep prefixes: top-k, then top-p of what top-k kept, then min-p
    ggml_tensor * within_k = ggml_step(ctx, ggml_add(ctx, rows_of(ctx, tensors.rank, n), par[p_top_k]));
    ggml_tensor * p_k = ggml_mul(ctx, p, within_k);
    ggml_tensor * mass_k = ggml_add(ctx, ggml_mul(ctx, ggml_sum_rows(ctx, p_k), par[p_top_k_on]), par[p_top_k_off]);
    ggml_tensor * mass_before = ggml_sub(ctx, ggml_cumsum(ctx, p_k), p_k);
    ggml_tensor * within_p =
        ggml_step(ctx, ggml_add(ctx, ggml_neg(ctx, mass_before), ggml_mul(ctx, mass_k, par[p_top_p])));
    ggml_tensor * least = ggml_mul(ctx, element_of(ctx, p, 0), par[p_min_p]);
    ggml_tensor * within_min = one_minus(ctx, ggml_step(ctx, ggml_neg(ctx, ggml_sub(ctx, p, least))));
    ggml_tensor * kept = ggml_mul(ctx, ggml_mul(ctx, within_k, within_p), within_min);
    ggml_tensor * p_kept = ggml_mul(ctx, p, kept);
    ggml_tensor * mass = ggml_sum_rows(ctx, p_kept);

    // Do the candidates hold all that is kept? If not, only an unfiltered draw that falls among them is decided.
    ggml_tensor * complete = nullptr;
    if (!all_are_candidates) {
        complete = either(ctx, one_minus(ctx, element_of(ctx, kept, candidates - 1)), par[p_top_k_on]);
        mass = ggml_add(ctx, ggml_mul(ctx, complete, mass), one_minus(ctx, complete));
    }

    // the first candidate whose cumulative mass exceeds u
    ggml_tensor * beyond = ggml_step(ctx, ggml_sub(ctx, ggml_cumsum(ctx, p_kept), ggml_mul(ctx, mass, par[p_u])));
    ggml_tensor * n_beyond = ggml_sum_rows(ctx, beyond);
    ggml_tensor * index = ggml_scale_bias(ctx, n_beyond, -1.0F, static_cast<float>(candidates));
    index = smaller(ctx, index, ggml_scale_bias(ctx, ggml_sum_rows(ctx, kept), 1.0F, -1.0F));
    index = ggml_clamp(ctx, ggml_mul(ctx, index, par[p_sampled]), 0.0F, static_cast<float>(candidates - 1));
    ggml_tensor * index_i = ggml_cast(ctx, index, GGML_TYPE_I32);

    ggml_tensor * decided = par[p_on_device];
    if (!all_are_candidates) {
        ggml_tensor * found = ggml_mul(ctx, par[p_unfiltered], ggml_step(ctx, n_beyond));
        decided = ggml_mul(ctx, either(ctx, either(ctx, complete, found), par[p_greedy]), decided);
    }
    ggml_tensor * token = ggml_cast(ctx, gather(ctx, sorted, index_i), GGML_TYPE_F32);
    // token where decided, -1 elsewhere
    token = ggml_scale_bias(ctx, ggml_mul(ctx, ggml_scale_bias(ctx, token, 1.0F, 1.0F), decided), 1.0F, -1.0F);

    // log-probabilities, fetched by the host only when asked for
    const int64_t n_top = std::min<int64_t>(n_vocab, max_top_logprobs);
    ggml_tensor * p_one = gather(ctx, at_one, sorted);
    const auto keep = [&](ggml_tensor * value, ggml_tensor * target) {
        ggml_build_forward_expand(graph, ggml_cpy(ctx, value, rows_of(ctx, target, n)));
    };
    const auto first = [&](ggml_tensor * t) { return ggml_cont(ctx, ggml_view_2d(ctx, t, n_top, n, t->nb[1], 0)); };
    keep(ggml_log(ctx, gather(ctx, p_one, index_i)), tensors.drawn_logprob);
    keep(ggml_log(ctx, first(p_one)), tensors.top_logprobs);
    keep(ggml_view_2d(ctx, sorted, n_top, n, sorted->nb[1], 0), tensors.top_tokens);

    ggml_tensor * tokens = ggml_reshape_1d(ctx, ggml_cast(ctx, token, GGML_TYPE_I32), n);
    ggml_build_forward_expand(graph, tokens);
    return tokens;
}

void build_tap(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, ggml_tensor * store, ggml_tensor * rows) {
    const int64_t n = logits->ne[1];
    const int64_t width = std::min(logits->ne[0], store->ne[0]);
    ggml_tensor * bounded = ggml_clamp(ctx, logits, never, -never);
    ggml_tensor * source = ggml_view_2d(ctx, bounded, width, n, bounded->nb[1], 0);
    ggml_tensor * target = ggml_view_2d(ctx, store, width, store->ne[1], store->nb[1], 0);
    ggml_build_forward_expand(graph, ggml_set_rows(ctx, target, source, ggml_view_1d(ctx, rows, n, 0)));
}

std::string missing_operation(ggml_backend_dev_t device, int32_t n_vocab, int32_t rows, int pairs, bool drawing) {
    const ggml_context_ptr scratch(ggml_init({ggml_tensor_overhead() * 512 + ggml_graph_overhead(), nullptr, true}));
    ggml_context * ctx = scratch.get();
    const graph_tensors tensors = graph_tensors::create(ctx, n_vocab, rows, drawing);
    ggml_tensor * logits = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows);
    std::vector<graph_pair> stores;
    for (int k = 0; k < pairs; ++k) {
        stores.push_back({ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows),
                          ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows)});
    }
    ggml_cgraph * graph = ggml_new_graph(ctx);
    if (drawing) {
        build_draw(ctx, graph, logits, stores, tensors);
    } else {
        build_fusion_only(ctx, graph, logits, stores, tensors);
    }
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        const ggml_tensor * node = ggml_graph_node(graph, i);
        if (!ggml_backend_dev_supports_op(device, node)) {
            return std::string(ggml_op_name(node->op)) + " of " + std::to_string(node->ne[0]) + " columns";
        }
    }
    return "";
}

}  // namespace rast
