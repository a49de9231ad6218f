#include "sampler_graph.h"

#include "device_tensors.h"
#include "sampling_steps.h"

#include <algorithm>

namespace rast {

namespace {

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

// ---- fuse, mask, adjust

ggml_tensor * build_fuse(ggml_context * ctx, ggml_tensor * logits, const std::vector<graph_pair> & pairs,
                         const parameters & par) {
    ggml_tensor * fused = logits;
    for (size_t k = 0; k < pairs.size(); ++k) {
        ggml_tensor * delta =
            ggml_sub(ctx, rows_of(ctx, pairs[k].expert, par.n), rows_of(ctx, pairs[k].antiexpert, par.n));
        fused = ggml_add(ctx, fused, ggml_mul(ctx, delta, par[p_lambda0 + static_cast<int>(k)]));
    }
    return fused;
}

ggml_tensor * build_mask(ggml_context * ctx, ggml_tensor * fused, const graph_tensors & tensors) {
    return ggml_add(ctx, fused, tensors.mask);
}

// adjusted_logit() without branches: the positive and the negative part of each, one of them 0.
ggml_tensor * build_adjust(ggml_context * ctx, ggml_tensor * fused, const graph_tensors & tensors) {
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

// ---- the candidates: the largest logits, in order

struct candidates_of_rows {
    int64_t n = 0;  // at most graph_candidates
    bool whole_vocabulary = true;
    ggml_tensor * ids = nullptr;  // i32[n, rows]: largest logit first
};

candidates_of_rows build_candidates(ggml_context * ctx, ggml_tensor * fused) {
    candidates_of_rows out;
    out.n = std::min<int64_t>(fused->ne[0], graph_candidates);
    out.whole_vocabulary = out.n == fused->ne[0];
    if (out.whole_vocabulary) {
        out.ids = ggml_argsort(ctx, fused, GGML_SORT_ORDER_DESC);
    } else {
        ggml_tensor * top = ggml_top_k(ctx, fused, static_cast<int>(out.n));
        ggml_tensor * order = ggml_argsort(ctx, gather(ctx, fused, top), GGML_SORT_ORDER_DESC);
        out.ids = gather(ctx, top, order);
    }
    return out;
}

// ---- the filters: prefixes of the candidates, as masks of 0 and 1

struct filters {
    ggml_context * ctx;
    const parameters & par;
    ggml_tensor * p;              // f32[candidates, n]: probabilities over the whole row
    ggml_tensor * p_k = nullptr;  // those within top-k

    ggml_tensor * top_k(ggml_tensor * rank) {
        ggml_tensor * within = ggml_step(ctx, ggml_add(ctx, rows_of(ctx, rank, par.n), par[p_top_k]));
        p_k = ggml_mul(ctx, p, within);
        return within;
    }

    // Over what top-k kept: those that have less than top-p of its mass in front of them.
    ggml_tensor * top_p() const {
        ggml_tensor * mass_k = ggml_add(ctx, ggml_mul(ctx, ggml_sum_rows(ctx, p_k), par[p_top_k_on]), par[p_top_k_off]);
        ggml_tensor * mass_before = ggml_sub(ctx, ggml_cumsum(ctx, p_k), p_k);
        return ggml_step(ctx, ggml_add(ctx, ggml_neg(ctx, mass_before), ggml_mul(ctx, mass_k, par[p_top_p])));
    }

    ggml_tensor * min_p() const {
        ggml_tensor * least = ggml_mul(ctx, element_of(ctx, p, 0), par[p_min_p]);
        return one_minus(ctx, ggml_step(ctx, ggml_neg(ctx, ggml_sub(ctx, p, least))));
    }
};

// ---- the draw

struct pick {
    ggml_tensor * index = nullptr;    // i32[1, n]: which candidate
    ggml_tensor * decided = nullptr;  // f32[1, n]: 1, or 0 where the host must finish the row
};

pick build_pick(ggml_context * ctx, ggml_tensor * p, ggml_tensor * kept, const parameters & par,
                const candidates_of_rows & candidates) {
    ggml_tensor * p_kept = ggml_mul(ctx, p, kept);
    ggml_tensor * mass = ggml_sum_rows(ctx, p_kept);

    // Do the candidates hold all that is kept? If not, only an unfiltered draw that falls among them is decided.
    ggml_tensor * complete = nullptr;
    if (!candidates.whole_vocabulary) {
        complete = either(ctx, one_minus(ctx, element_of(ctx, kept, candidates.n - 1)), par[p_top_k_on]);
        mass = ggml_add(ctx, ggml_mul(ctx, complete, mass), one_minus(ctx, complete));
    }

    // the first candidate whose cumulative mass exceeds u, and none behind the last that is kept; at temperature 0 the
    // first of all
    ggml_tensor * beyond = ggml_step(ctx, ggml_sub(ctx, ggml_cumsum(ctx, p_kept), ggml_mul(ctx, mass, par[p_u])));
    ggml_tensor * n_beyond = ggml_sum_rows(ctx, beyond);
    ggml_tensor * index = ggml_scale_bias(ctx, n_beyond, -1.0F, static_cast<float>(candidates.n));
    index = smaller(ctx, index, ggml_scale_bias(ctx, ggml_sum_rows(ctx, kept), 1.0F, -1.0F));
    index = ggml_clamp(ctx, ggml_mul(ctx, index, par[p_sampled]), 0.0F, static_cast<float>(candidates.n - 1));

    pick out;
    out.index = ggml_cast(ctx, index, GGML_TYPE_I32);
    out.decided = par[p_on_device];
    if (!candidates.whole_vocabulary) {
        ggml_tensor * found = ggml_mul(ctx, par[p_unfiltered], ggml_step(ctx, n_beyond));
        out.decided = ggml_mul(ctx, either(ctx, either(ctx, complete, found), par[p_greedy]), out.decided);
    }
    return out;
}

// f32[1, n]: the token where it is decided, row_fallback elsewhere.
ggml_tensor * token_or_fallback(ggml_context * ctx, const candidates_of_rows & candidates, const pick & drawn) {
    static_assert(row_fallback == -1, "(token + 1) * decided - 1");
    ggml_tensor * token = ggml_cast(ctx, gather(ctx, candidates.ids, drawn.index), GGML_TYPE_F32);
    return ggml_scale_bias(ctx, ggml_mul(ctx, ggml_scale_bias(ctx, token, 1.0F, 1.0F), drawn.decided), 1.0F, -1.0F);
}

// Log-probabilities at temperature 1, before the filters; fetched by the host only when asked for.
void build_logprobs(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * at_one,
                    const candidates_of_rows & candidates, ggml_tensor * index, const graph_tensors & tensors) {
    const int64_t n = at_one->ne[1];
    const int64_t n_top = std::min<int64_t>(at_one->ne[0], max_top_logprobs);
    ggml_tensor * p_one = gather(ctx, at_one, candidates.ids);
    const auto keep = [&](ggml_tensor * value, ggml_tensor * target) {
        ggml_build_forward_expand(graph, ggml_cpy(ctx, value, rows_of(ctx, target, n)));
    };
    const auto first = [&](ggml_tensor * t) { return ggml_cont(ctx, ggml_view_2d(ctx, t, n_top, n, t->nb[1], 0)); };
    keep(ggml_log(ctx, gather(ctx, p_one, index)), tensors.drawn_logprob);
    keep(ggml_log(ctx, first(p_one)), tensors.top_logprobs);
    keep(ggml_view_2d(ctx, candidates.ids, n_top, n, candidates.ids->nb[1], 0), tensors.top_tokens);
}

}  // namespace

void build_fusion_only(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                       const std::vector<graph_pair> & pairs, const graph_tensors & tensors) {
    const int64_t n = logits->ne[1];
    const parameters par{ctx, tensors.parameters, n};
    ggml_tensor * fused = build_mask(ctx, build_fuse(ctx, logits, pairs, par), tensors);
    ggml_build_forward_expand(graph, ggml_cpy(ctx, fused, rows_of(ctx, tensors.fused, n)));
}

ggml_tensor * build_draw(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits,
                         const std::vector<graph_pair> & pairs, const graph_tensors & tensors) {
    const int64_t n = logits->ne[1];
    const parameters par{ctx, tensors.parameters, n};

    ggml_tensor * fused = build_adjust(ctx, build_mask(ctx, build_fuse(ctx, logits, pairs, par), tensors), tensors);
    ggml_build_forward_expand(graph, ggml_cpy(ctx, fused, rows_of(ctx, tensors.fused, n)));

    // temperature: probabilities over the whole row, at the row's temperature and at 1
    ggml_tensor * at_temperature = ggml_soft_max(ctx, ggml_mul(ctx, fused, par[p_inv_temperature]));
    ggml_tensor * at_one = ggml_soft_max(ctx, fused);

    const candidates_of_rows candidates = build_candidates(ctx, fused);
    ggml_tensor * p = gather(ctx, at_temperature, candidates.ids);
    filters keeps{ctx, par, p};
    ggml_tensor * within_k = keeps.top_k(tensors.rank);
    ggml_tensor * within_p = keeps.top_p();
    ggml_tensor * within_min = keeps.min_p();
    ggml_tensor * kept = ggml_mul(ctx, ggml_mul(ctx, within_k, within_p), within_min);

    const pick drawn = build_pick(ctx, p, kept, par, candidates);
    ggml_tensor * token = token_or_fallback(ctx, candidates, drawn);
    build_logprobs(ctx, graph, at_one, candidates, drawn.index, tensors);
    ggml_tensor * tokens = ggml_reshape_1d(ctx, ggml_cast(ctx, token, GGML_TYPE_I32), n);
    ggml_build_forward_expand(graph, tokens);
    return tokens;
}

void build_sink(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, ggml_tensor * store,
                ggml_tensor * rows) {
    const int64_t n = logits->ne[1];
    const int64_t width = std::min(logits->ne[0], store->ne[0]);
    ggml_tensor * bounded = ggml_clamp(ctx, logits, -logit_bound, logit_bound);
    ggml_tensor * source = ggml_view_2d(ctx, bounded, width, n, bounded->nb[1], 0);
    ggml_tensor * target = ggml_view_2d(ctx, store, width, store->ne[1], store->nb[1], 0);
    ggml_build_forward_expand(graph, ggml_set_rows(ctx, target, source, ggml_view_1d(ctx, rows, n, 0)));
}

std::string missing_operation(ggml_backend_dev_t device, int32_t n_vocab, int32_t rows, int pairs, bool drawing) {
    constexpr size_t most_nodes = 512;  // a draw has some 120, views included
    const ggml_context_ptr scratch(
        ggml_init({ggml_tensor_overhead() * most_nodes + ggml_graph_overhead(), nullptr, true}));
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
