#include "token_figures.h"

#include "figure_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>

namespace rast {

namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();

float largest_in(const float * row, const token_stretches & stretches) {
    float largest = minus_infinity;
    for (const auto & [from, to] : stretches) {
        const float value = largest_logit(row + from, to - from);
        largest = value > largest ? value : largest;
    }
    return largest;
}

// Of a softmax over some tokens, from sums against its largest logit.
struct distribution {
    double max = 0;
    double log_mass = 0;
    double entropy = 0;

    distribution(float largest, const row_sums & sums)
        : max(largest), log_mass(std::log(sums.mass)), entropy(std::max(0.0, log_mass - sums.weighted / sums.mass)) {}

    double logprob(float logit) const {
        return logit > lowest_logit ? std::min(0.0, static_cast<double>(logit) - max - log_mass) : impossible;
    }
};

int32_t rank_in(const float * row, const token_stretches & stretches, int32_t token, bool counts) {
    const float value = counts && row[token] > lowest_logit ? row[token] : lowest_logit;
    const bool possible = value > lowest_logit;
    int32_t rank = 0;
    for (const auto & [from, to] : stretches) {
        const int32_t border = possible ? std::clamp(token, from, to) : from;
        rank += count_above(row + from, border - from, value, true);
        rank += count_above(row + border, to - border, value, false);
    }
    return rank;
}

// Log-probability and entropy under a small model, which may have nothing to say.
std::pair<double, double> of_small_model(const float * row, const token_stretches & stretches, int32_t token) {
    const float largest = largest_in(row, stretches);
    if (!can_draw(largest)) {
        return {impossible, 0.0};
    }
    row_sums sums;
    for (const auto & [from, to] : stretches) {
        add_sums(row + from, to - from, largest, sums);
    }
    const distribution all(largest, sums);
    return {in_stretches(stretches, token) ? all.logprob(row[token]) : impossible, all.entropy};
}

int32_t first_at(const float * row, const token_stretches & stretches, float value) {
    for (const auto & [from, to] : stretches) {
        const float * found = std::find(row + from, row + to, value);
        if (found != row + to) {
            return static_cast<int32_t>(found - row);
        }
    }
    return -1;
}

// @param common tokens that mean something in both models
void figure_pair(const host_rows & rows, const token_stretches & drawable, const token_stretches & common,
                 int32_t token, token_figures & out) {
    const float expert_max = largest_in(rows.expert, common);
    const float antiexpert_max = largest_in(rows.antiexpert, common);
    if (!can_draw(expert_max) || !can_draw(antiexpert_max)) {
        std::tie(out.logprob.expert, out.entropy.expert) = of_small_model(rows.expert, common, token);
        std::tie(out.logprob.antiexpert, out.entropy.antiexpert) = of_small_model(rows.antiexpert, common, token);
        return;
    }
    joint_sums sums;
    for (const auto & [from, to] : common) {
        add_sums(rows.antiexpert + from, antiexpert_max, rows.expert + from, expert_max, to - from, sums);
    }
    const distribution expert(expert_max, sums.fused);
    const distribution antiexpert(antiexpert_max, sums.base);
    const bool counts = in_stretches(common, token);
    out.logprob.expert = counts ? expert.logprob(rows.expert[token]) : impossible;
    out.logprob.antiexpert = counts ? antiexpert.logprob(rows.antiexpert[token]) : impossible;
    out.entropy.expert = expert.entropy;
    out.entropy.antiexpert = antiexpert.entropy;
    out.pair_divergence = divergence_of(sums.shift / sums.fused.mass + antiexpert.log_mass - expert.log_mass);
    const int32_t top = first_at(rows.expert, common, expert_max);
    out.expert_top_in_base = rank_in(rows.base, drawable, top, true);
    out.expert_top_in_antiexpert = rank_in(rows.antiexpert, common, top, true);
}

}  // namespace

double divergence_of(double sum) {
    constexpr double most = 1e9;  // as far as sums of logits go that are not bounds
    return sum > most ? std::numeric_limits<double>::infinity() : std::max(0.0, sum);
}

token_stretches stretches_without(int32_t n, std::vector<int32_t> masked) {
    std::sort(masked.begin(), masked.end());
    token_stretches out;
    int32_t from = 0;
    for (const int32_t token : masked) {
        if (token < from || token >= n) {
            continue;
        }
        if (token > from) {
            out.emplace_back(from, token);
        }
        from = token + 1;
    }
    if (from < n) {
        out.emplace_back(from, n);
    }
    return out;
}

bool in_stretches(const token_stretches & stretches, int32_t token) {
    const auto behind = std::upper_bound(stretches.begin(), stretches.end(), token,
                                         [](int32_t id, const auto & stretch) { return id < stretch.first; });
    return behind != stretches.begin() && token < std::prev(behind)->second;
}

figured_tokens::figured_tokens(const drawable_tokens & tokens, int32_t n_vocab,
                               const std::array<std::vector<int32_t>, max_pairs> & lacking) {
    const int32_t n = std::min(tokens.n_drawable, n_vocab);
    drawable = stretches_without(n, tokens.masked);
    for (size_t pair = 0; pair < lacking.size(); ++pair) {
        std::vector<int32_t> masked = tokens.masked;
        masked.insert(masked.end(), lacking[pair].begin(), lacking[pair].end());
        of_pair[pair] = stretches_without(n, std::move(masked));
    }
}

int figured_pair(const row_settings & settings) {
    for (int pair = 0; pair < max_pairs; ++pair) {
        if (settings.lambda[static_cast<size_t>(pair)] != 0.0F) {
            return pair;
        }
    }
    return -1;
}

bool figure_token(const host_rows & rows, const figured_tokens & tokens, int pair, int32_t token, int32_t top,
                  token_figures & out) {
    const token_stretches & all = tokens.drawable;
    const bool adds = rows.fused != nullptr;
    const float * fused = adds ? rows.fused : rows.base;
    const float base_max = largest_in(rows.base, all);
    const float fused_max = adds ? largest_in(fused, all) : base_max;
    if (!can_draw(base_max) || !can_draw(fused_max)) {
        return false;
    }
    joint_sums sums;
    for (const auto & [from, to] : all) {
        if (adds) {
            add_sums(rows.base + from, base_max, fused + from, fused_max, to - from, sums);
        } else {
            add_sums(rows.base + from, to - from, base_max, sums.base);
        }
    }
    const distribution base(base_max, sums.base);
    const distribution rast(fused_max, adds ? sums.fused : sums.base);
    const bool counts = in_stretches(all, token);

    out = {};
    out.logprob.base = counts ? base.logprob(rows.base[token]) : impossible;
    out.logprob.rast = counts ? rast.logprob(fused[token]) : impossible;
    out.entropy.base = base.entropy;
    out.entropy.rast = rast.entropy;
    out.base_rank = rank_in(rows.base, all, token, counts);
    out.rast_rank = adds ? rank_in(fused, all, token, counts) : out.base_rank;
    if (adds) {
        out.divergence = divergence_of(sums.shift / sums.fused.mass + base.log_mass - rast.log_mass);
    }
    if (pair >= 0 && rows.expert != nullptr && rows.antiexpert != nullptr) {
        figure_pair(rows, all, tokens.of_pair[static_cast<size_t>(pair)], token, out);
    }
    const auto list = [&](const float * row, std::array<likely_token, max_top_logprobs> & to) {
        largest_logits largest;
        for (const auto & [from, end] : all) {
            take_largest(row, from, end, static_cast<size_t>(top), largest);
        }
        for (size_t i = 0; i < largest.n; ++i) {
            const int32_t id = largest.of[i].token;
            to[i] = {id, base.logprob(rows.base[id]), rast.logprob(fused[id])};
        }
        return static_cast<int32_t>(largest.n);
    };
    if (top > 0) {
        out.n_top_base = list(rows.base, out.top_base);
        out.n_top_rast = list(fused, out.top_rast);
    }
    return true;
}

}  // namespace rast
