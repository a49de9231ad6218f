#include "score_graph.h"

#include "sampling_steps.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

// Of one distribution, against its largest logit.
enum distribution_figure : int {
    f_token_logit,
    f_largest_logit,
    f_largest_share,  // softmax of the largest: 1 / mass
    f_weighted,       // mean of what logits are below the largest
    f_above,          // tokens with larger logits
    f_ties_before,    // of equal logits, those with smaller ids
    distribution_figures
};

// Rows of tensors::figures.
constexpr int base_figures = 0;
constexpr int rast_figures = base_figures + distribution_figures;
constexpr int expert_figures = rast_figures + distribution_figures;
constexpr int antiexpert_figures = expert_figures + distribution_figures;
constexpr int f_shift = antiexpert_figures + distribution_figures;  // see joint_sums
constexpr int f_pair_shift = f_shift + 1;
constexpr int f_expert_top_in_base = f_pair_shift + 1;  // two lines, as f_above has
constexpr int f_expert_top_in_antiexpert = f_expert_top_in_base + 2;
constexpr int figure_count = f_expert_top_in_antiexpert + 2;

constexpr size_t most_score_nodes = 512;
constexpr int64_t most_values_at_once = 1 << 20;  // of a row's width times rows: 4 MiB an intermediate tensor
constexpr int64_t fully_sorted = 1024;            // as in build_candidates

struct score_builder {
    ggml_context * ctx;
    ggml_cgraph * graph;
    int64_t first;  // row
    int64_t n;      // rows

    ggml_tensor * rows_at(ggml_tensor * t, int64_t from) const {
        return ggml_view_2d(ctx, t, t->ne[0], n, t->nb[1], static_cast<size_t>(from) * t->nb[1]);
    }

    // values[ids[i, r], r] as [n_ids, n].
    ggml_tensor * at(ggml_tensor * values, ggml_tensor * ids) const {
        ggml_tensor * as_rows = ggml_reshape_3d(ctx, values, 1, values->ne[0], values->ne[1]);
        return ggml_reshape_2d(ctx, ggml_get_rows(ctx, as_rows, ids), ids->ne[0], ids->ne[1]);
    }

    void keep(ggml_tensor * value, ggml_tensor * target) const {
        ggml_build_forward_expand(graph, ggml_cpy(ctx, value, target));
    }

    // [1, n] of a persistent tensor, whose lines are as long as there are rows.
    ggml_tensor * line(ggml_tensor * t, int which) const {
        return ggml_view_2d(ctx, t, 1, n, sizeof(float), static_cast<size_t>(which * n) * sizeof(float));
    }
};

struct softmax_nodes {
    ggml_tensor * row = nullptr;
    ggml_tensor * largest_id = nullptr;  // i32[1, n]
    ggml_tensor * share = nullptr;
    ggml_tensor * below = nullptr;  // the largest, 0 and less
};

softmax_nodes build_distribution(const score_builder & b, ggml_tensor * x, ggml_tensor * tokens, ggml_tensor * figures,
                                 int to) {
    ggml_context * ctx = b.ctx;
    softmax_nodes out;
    out.row = x;
    out.largest_id = ggml_reshape_2d(ctx, ggml_argmax(ctx, x), 1, b.n);
    ggml_tensor * largest = b.at(x, out.largest_id);
    out.share = ggml_soft_max(ctx, x);
    out.below = ggml_sub(ctx, x, largest);
    b.keep(b.at(x, tokens), b.line(figures, to + f_token_logit));
    b.keep(largest, b.line(figures, to + f_largest_logit));
    b.keep(b.at(out.share, out.largest_id), b.line(figures, to + f_largest_share));
    b.keep(ggml_sum_rows(ctx, ggml_mul(ctx, out.share, out.below)), b.line(figures, to + f_weighted));
    return out;
}

// Two lines: tokens with larger logits, and of equal ones those with smaller ids.
// @param earlier f32[n_vocab, n]: 1 for ids below the token's
void build_rank(const score_builder & b, ggml_tensor * x, ggml_tensor * tokens, ggml_tensor * earlier,
                ggml_tensor * figures, int line) {
    ggml_context * ctx = b.ctx;
    // what never comes is behind all that may, and not in any order
    ggml_tensor * own = ggml_clamp(ctx, b.at(x, tokens), lowest_logit, std::numeric_limits<float>::max());
    ggml_tensor * over = ggml_sub(ctx, x, own);
    ggml_tensor * above = ggml_step(ctx, over);
    ggml_tensor * under = ggml_step(ctx, ggml_neg(ctx, over));
    ggml_tensor * equal = ggml_scale_bias(ctx, ggml_add(ctx, above, under), -1.0F, 1.0F);
    b.keep(ggml_sum_rows(ctx, above), b.line(figures, line));
    b.keep(ggml_sum_rows(ctx, ggml_mul(ctx, equal, earlier)), b.line(figures, line + 1));
}

// The largest of `by`, in any order: ids, and their logits in both rows.
void build_likeliest(const score_builder & b, ggml_tensor * by, ggml_tensor * base, ggml_tensor * rast,
                     ggml_tensor * const * to) {
    ggml_context * ctx = b.ctx;
    const int64_t n_top = to[0]->ne[0];
    ggml_tensor * ids = by->ne[0] > fully_sorted ? ggml_top_k(ctx, by, static_cast<int>(n_top))
                                                 : ggml_argsort(ctx, by, GGML_SORT_ORDER_DESC);
    const auto first = [&](ggml_tensor * t) { return ggml_view_2d(ctx, t, n_top, b.n, t->nb[1], 0); };
    const auto target = [&](ggml_tensor * t) { return ggml_view_2d(ctx, t, n_top, b.n, t->nb[1], 0); };
    b.keep(first(ids), target(to[0]));
    b.keep(first(b.at(base, ids)), target(to[1]));
    b.keep(first(b.at(rast, ids)), target(to[2]));
}

// What came to the host of one distribution of a row.
struct device_distribution {
    double token_logit, largest, log_mass, entropy;
    int32_t rank;

    device_distribution(const std::vector<float> & values, size_t rows, size_t row, int from) {
        const auto value = [&](int which) { return values[static_cast<size_t>(from + which) * rows + row]; };
        token_logit = value(f_token_logit);
        largest = value(f_largest_logit);
        log_mass = -std::log(static_cast<double>(value(f_largest_share)));
        entropy = std::max(0.0, log_mass - static_cast<double>(value(f_weighted)));
        const float ties = token_logit > lowest_logit ? value(f_ties_before) : 0.0F;
        rank = static_cast<int32_t>(value(f_above) + ties);
    }

    bool drawable() const { return can_draw(static_cast<float>(largest)); }

    double logprob(double logit) const {
        return drawable() && logit > lowest_logit ? std::min(0.0, logit - largest - log_mass)
                                                  : -std::numeric_limits<double>::infinity();
    }
};

}  // namespace

score_graph::score_graph(const path_context & context, const figured_tokens & tokens, ggml_backend_buffer_type_t buft)
    : context_(context),
      tokens_(tokens),
      buft_(buft),
      most_rows_(static_cast<int32_t>(std::clamp<int64_t>(most_values_at_once / context.n_vocab, 1, 16))),
      n_top_(std::min(context.n_vocab, max_top_logprobs)),
      memory_(32) {}

score_graph::tensors score_graph::make(ggml_context * ctx) const {
    const int32_t n_vocab = context_.n_vocab;
    tensors t;
    t.mask = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, n_vocab);
    for (int pair = 0; pair < context_.pairs->count(); ++pair) {
        t.pair_masks[static_cast<size_t>(pair)] = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, n_vocab);
    }
    t.ids = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, n_vocab);
    t.tokens = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, 1, most_rows_);
    t.token = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, 1, most_rows_);
    t.lambdas = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, most_rows_, max_pairs);
    t.figures = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, most_rows_, figure_count);
    for (ggml_tensor *& one : t.likeliest) {
        one = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_top_, most_rows_);
    }
    return t;
}

std::string score_graph::prepare() {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(buft_);
    t_ = make(memory_.context());
    if (const std::string missing = missing_operation(); !missing.empty()) {
        return std::string(ggml_backend_dev_name(device)) + " lacks " + missing;
    }
    backend_.reset(ggml_backend_dev_init(device, nullptr));
    if (!backend_ || !memory_.allocate(buft_)) {
        return std::string(ggml_backend_dev_name(device)) + " has no memory for it";
    }
    allocator_.reset(ggml_gallocr_new(buft_));
    const auto fill = [&](ggml_tensor * mask, const token_stretches & stretches) {
        std::vector<float> values(static_cast<size_t>(context_.n_vocab), never_logit_on_device);
        for (const auto & [from, to] : stretches) {
            std::fill(values.begin() + from, values.begin() + to, 0.0F);
        }
        ggml_backend_tensor_set(mask, values.data(), 0, values.size() * sizeof(float));
    };
    fill(t_.mask, tokens_.drawable);
    for (int pair = 0; pair < context_.pairs->count(); ++pair) {
        fill(t_.pair_masks[static_cast<size_t>(pair)], tokens_.of_pair[static_cast<size_t>(pair)]);
    }
    std::vector<float> ids(static_cast<size_t>(context_.n_vocab));
    for (size_t i = 0; i < ids.size(); ++i) {
        ids[i] = static_cast<float>(i);
    }
    ggml_backend_tensor_set(t_.ids, ids.data(), 0, ids.size() * sizeof(float));
    return "";
}

void score_graph::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, int32_t first, int64_t n,
                        int pair, bool top) const {
    const score_builder b{ctx, graph, first, n};
    ggml_tensor * tokens = ggml_view_2d(ctx, t_.tokens, 1, n, t_.tokens->nb[1], 0);
    ggml_tensor * token = ggml_view_2d(ctx, t_.token, 1, n, t_.token->nb[1], 0);
    // not in place: the rows are llama.cpp's
    ggml_tensor * base =
        ggml_clamp(ctx, ggml_add(ctx, b.rows_at(logits, first), t_.mask), never_logit_on_device, logit_bound);
    ggml_tensor * rast = base;
    for (int k = 0; pair >= 0 && k < context_.pairs->count(); ++k) {
        ggml_tensor * delta = ggml_sub(ctx, b.rows_at(context_.pairs->expert(k).tensor(), first),
                                       b.rows_at(context_.pairs->antiexpert(k).tensor(), first));
        rast = ggml_add(ctx, rast, ggml_mul(ctx, delta, b.line(t_.lambdas, k)));
    }
    const softmax_nodes of_base = build_distribution(b, base, tokens, t_.figures, base_figures);
    ggml_tensor * ids = ggml_add(ctx, ggml_scale_bias(ctx, of_base.share, 0.0F, 0.0F), t_.ids);
    const auto ids_below = [&](ggml_tensor * id) { return ggml_step(ctx, ggml_neg(ctx, ggml_sub(ctx, ids, id))); };
    ggml_tensor * earlier = ids_below(token);
    build_rank(b, base, tokens, earlier, t_.figures, base_figures + f_above);
    if (pair >= 0) {
        const softmax_nodes of_rast = build_distribution(b, rast, tokens, t_.figures, rast_figures);
        build_rank(b, rast, tokens, earlier, t_.figures, rast_figures + f_above);
        ggml_tensor * moved = ggml_mul(ctx, of_rast.share, ggml_sub(ctx, of_rast.below, of_base.below));
        b.keep(ggml_sum_rows(ctx, moved), b.line(t_.figures, f_shift));
        ggml_tensor * mask = t_.pair_masks[static_cast<size_t>(pair)];
        const auto of_small = [&](const row_store & store, int to) {
            return build_distribution(b, ggml_add(ctx, b.rows_at(store.tensor(), first), mask), tokens, t_.figures, to);
        };
        const softmax_nodes of_expert = of_small(context_.pairs->expert(pair), expert_figures);
        const softmax_nodes of_antiexpert = of_small(context_.pairs->antiexpert(pair), antiexpert_figures);
        ggml_tensor * apart = ggml_mul(ctx, of_expert.share, ggml_sub(ctx, of_expert.below, of_antiexpert.below));
        b.keep(ggml_sum_rows(ctx, apart), b.line(t_.figures, f_pair_shift));
        ggml_tensor * top = of_expert.largest_id;
        ggml_tensor * before_top = ids_below(ggml_cast(ctx, top, GGML_TYPE_F32));
        build_rank(b, base, top, before_top, t_.figures, f_expert_top_in_base);
        build_rank(b, of_antiexpert.row, top, before_top, t_.figures, f_expert_top_in_antiexpert);
    }
    if (top) {
        build_likeliest(b, base, base, rast, t_.likeliest.data());
        if (pair >= 0) {
            build_likeliest(b, rast, base, rast, t_.likeliest.data() + 3);
        }
    }
}

std::string score_graph::missing_operation() const {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(buft_);
    const ggml_context_ptr scratch(
        ggml_init({ggml_tensor_overhead() * most_score_nodes + ggml_graph_overhead(), nullptr, true}));
    ggml_tensor * logits = ggml_new_tensor_2d(scratch.get(), GGML_TYPE_F32, context_.n_vocab, most_rows_);
    ggml_cgraph * graph = ggml_new_graph(scratch.get());
    build(scratch.get(), graph, logits, 0, std::min(most_rows_, context_.rows), context_.pairs->count() > 0 ? 0 : -1,
          true);
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        const ggml_tensor * node = ggml_graph_node(graph, i);
        if (!ggml_backend_dev_supports_op(device, node)) {
            return std::string(ggml_op_name(node->op)) + " of " + std::to_string(node->ne[0]) + " columns";
        }
    }
    return "";
}

void score_graph::upload(std::span<const graph_row> rows) const {
    std::vector<int32_t> tokens(rows.size());
    std::vector<float> numbers(rows.size());
    std::vector<float> lambdas(rows.size() * max_pairs, 0.0F);
    for (size_t i = 0; i < rows.size(); ++i) {
        tokens[i] = rows[i].token;
        numbers[i] = static_cast<float>(rows[i].token);
        for (size_t k = 0; k < rows[i].lambda.size(); ++k) {
            lambdas[k * rows.size() + i] = rows[i].lambda[k];
        }
    }
    ggml_backend_tensor_set(t_.tokens, tokens.data(), 0, tokens.size() * sizeof(int32_t));
    ggml_backend_tensor_set(t_.token, numbers.data(), 0, numbers.size() * sizeof(float));
    ggml_backend_tensor_set(t_.lambdas, lambdas.data(), 0, lambdas.size() * sizeof(float));
}

std::vector<std::shared_ptr<const token_figures>> score_graph::run(ggml_tensor * logits, int32_t first,
                                                                   std::span<const graph_row> rows, int32_t top,
                                                                   int64_t & bytes) {
    row_settings settings;
    settings.lambda = rows[0].lambda;
    const int pair = context_.pairs->count() > 0 ? figured_pair(settings) : -1;
    const ggml_context_ptr made(
        ggml_init({ggml_tensor_overhead() * most_score_nodes + ggml_graph_overhead(), nullptr, true}));
    // the rows without how they came about
    ggml_tensor * source = ggml_new_tensor_2d(made.get(), GGML_TYPE_F32, logits->ne[0], logits->ne[1]);
    source->buffer = logits->buffer;
    source->data = logits->data;
    std::copy_n(logits->nb, GGML_MAX_DIMS, source->nb);
    ggml_cgraph * graph = ggml_new_graph(made.get());
    const size_t n = rows.size();
    build(made.get(), graph, source, first, static_cast<int64_t>(n), pair, top > 0);
    upload(rows);
    if (!ggml_gallocr_alloc_graph(allocator_.get(), graph) ||
        ggml_backend_graph_compute(backend_.get(), graph) != GGML_STATUS_SUCCESS) {
        return {};
    }
    const auto fetch = [&](ggml_tensor * from, size_t count) {
        std::vector<float> values(count);
        ggml_backend_tensor_get(from, values.data(), 0, count * sizeof(float));
        bytes += static_cast<int64_t>(count * sizeof(float));
        return values;
    };
    const std::vector<float> values = fetch(t_.figures, n * figure_count);
    std::array<std::vector<float>, 6> likeliest;
    for (size_t i = 0; top > 0 && i < (pair >= 0 ? 6U : 3U); ++i) {
        likeliest[i] = fetch(t_.likeliest[i], static_cast<size_t>(n_top_) * n);
    }

    std::vector<std::shared_ptr<const token_figures>> out(n);
    for (size_t row = 0; row < n; ++row) {
        const int32_t token = rows[row].token;
        const device_distribution base(values, n, row, base_figures);
        const device_distribution rast = pair >= 0 ? device_distribution(values, n, row, rast_figures) : base;
        if (!base.drawable() || !rast.drawable()) {
            continue;
        }
        const auto made_of = std::make_shared<token_figures>();
        token_figures & f = *made_of;
        f.logprob.base = base.logprob(base.token_logit);
        f.logprob.rast = rast.logprob(rast.token_logit);
        f.entropy.base = base.entropy;
        f.entropy.rast = rast.entropy;
        f.base_rank = base.rank;
        f.rast_rank = rast.rank;
        if (pair >= 0) {
            const auto line = [&](int which) { return values[static_cast<size_t>(which) * n + row]; };
            f.divergence = divergence_of(line(f_shift) + base.log_mass - rast.log_mass);
            const bool known = in_stretches(tokens_.of_pair[static_cast<size_t>(pair)], token);
            const device_distribution expert(values, n, row, expert_figures);
            const device_distribution antiexpert(values, n, row, antiexpert_figures);
            const auto of_small = [&](const device_distribution & one, double & logprob, double & entropy) {
                logprob = known ? one.logprob(one.token_logit) : -std::numeric_limits<double>::infinity();
                entropy = one.drawable() ? one.entropy : 0.0;
            };
            of_small(expert, f.logprob.expert, f.entropy.expert);
            of_small(antiexpert, f.logprob.antiexpert, f.entropy.antiexpert);
            if (expert.drawable() && antiexpert.drawable()) {
                f.pair_divergence = divergence_of(line(f_pair_shift) + antiexpert.log_mass - expert.log_mass);
                f.expert_top_in_base =
                    static_cast<int32_t>(line(f_expert_top_in_base) + line(f_expert_top_in_base + 1));
                f.expert_top_in_antiexpert =
                    static_cast<int32_t>(line(f_expert_top_in_antiexpert) + line(f_expert_top_in_antiexpert + 1));
            }
        }
        const auto list = [&](size_t from, size_t by, std::array<likely_token, max_top_logprobs> & to) {
            struct candidate {
                float logit;
                likely_token token;
            };
            std::vector<candidate> found;
            for (size_t i = 0; i < static_cast<size_t>(n_top_); ++i) {
                const size_t at = row * static_cast<size_t>(n_top_) + i;
                const float logit = likeliest[from + by][at];
                if (logit > lowest_logit) {
                    found.push_back({logit,
                                     {static_cast<int32_t>(likeliest[from][at]), base.logprob(likeliest[from + 1][at]),
                                      rast.logprob(likeliest[from + 2][at])}});
                }
            }
            std::sort(found.begin(), found.end(), [](const candidate & x, const candidate & y) {
                return x.logit != y.logit ? x.logit > y.logit : x.token.token < y.token.token;
            });
            const size_t count = std::min(found.size(), static_cast<size_t>(top));
            for (size_t i = 0; i < count; ++i) {
                to[i] = found[i].token;
            }
            return static_cast<int32_t>(count);
        };
        if (top > 0) {
            f.n_top_base = list(0, 1, f.top_base);
            if (pair >= 0) {
                f.n_top_rast = list(3, 2, f.top_rast);
            } else {
                f.n_top_rast = f.n_top_base;
                f.top_rast = f.top_base;
            }
        }
        out[row] = made_of;
    }
    return out;
}

size_t score_graph::device_bytes() const {
    return memory_.bytes() + (allocator_ ? ggml_gallocr_get_buffer_size(allocator_.get(), 0) : 0);
}

}  // namespace rast
