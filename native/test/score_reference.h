// What figures of a token must be: an independent reference in double precision, over whole rows.
#pragma once

#include "../sampling/token_figures.h"
#include "harness.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace rast::test {

inline constexpr double never = -std::numeric_limits<double>::infinity();

// A row as doubles, with nothing but what counts.
struct wide_distribution {
    std::vector<double> logits;
    double largest = 0;
    double log_mass = 0;  // against the largest
    double entropy = 0;

    explicit wide_distribution(std::vector<double> row) : logits(std::move(row)) {
        largest = *std::max_element(logits.begin(), logits.end());
        double total = 0;
        for (const double x : logits) {
            total += std::exp(x - largest);
        }
        log_mass = std::log(total);
        for (size_t i = 0; i < logits.size(); ++i) {
            const double own = logprob(static_cast<int32_t>(i));
            entropy -= own > -700 ? std::exp(own) * own : 0;
        }
    }

    double logprob(int32_t token) const { return logits[static_cast<size_t>(token)] - largest - log_mass; }

    // Whether so many tokens can be likelier, where logits this close may change places.
    bool can_rank(int32_t token, int32_t rank, double slack) const {
        const double own = logits[static_cast<size_t>(token)];
        int32_t least = 0;
        int32_t most = 0;
        for (size_t i = 0; i < logits.size(); ++i) {
            if (static_cast<int32_t>(i) == token || logits[i] == never) {
                continue;
            }
            const bool before = logits[i] > own || (logits[i] == own && static_cast<int32_t>(i) < token);
            const bool close = std::fabs(logits[i] - own) <= slack && (slack > 0 || logits[i] == own);
            least += before && !(close && slack > 0) ? 1 : 0;
            most += before || (close && slack > 0) ? 1 : 0;
        }
        return rank >= least && rank <= most;
    }
};

struct position {
    wide_distribution base;
    wide_distribution rast;
    std::vector<wide_distribution> pair;  // expert and antiexpert, or nothing

    double divergence() const { return divergence(rast, base); }

    static double divergence(const wide_distribution & of, const wide_distribution & from) {
        double sum = 0;
        for (int32_t i = 0; i < static_cast<int32_t>(of.logits.size()); ++i) {
            const double own = of.logprob(i);
            sum += own > -700 ? std::exp(own) * (own - from.logprob(i)) : 0;
        }
        return sum;
    }
};

inline std::vector<double> counted(const float * row, const std::vector<bool> & counts) {
    std::vector<double> out(counts.size(), never);
    for (size_t i = 0; i < counts.size(); ++i) {
        out[i] = counts[i] && std::isfinite(row[i]) && row[i] > lowest_logit ? static_cast<double>(row[i]) : never;
    }
    return out;
}

// @param pairs rows of expert and antiexpert each
inline position position_of(const float * base, const std::vector<std::pair<const float *, const float *>> & pairs,
                            const std::array<float, max_pairs> & lambda, const std::vector<bool> & counts,
                            const std::vector<bool> & counts_of_pair) {
    row_settings settings;
    settings.lambda = lambda;
    std::vector<double> wide = counted(base, counts);
    std::vector<double> fused = wide;
    for (size_t i = 0; i < fused.size(); ++i) {
        for (size_t k = 0; fused[i] != never && k < pairs.size(); ++k) {
            if (lambda[k] != 0.0F) {
                fused[i] += static_cast<double>(lambda[k]) *
                            (static_cast<double>(pairs[k].first[i]) - static_cast<double>(pairs[k].second[i]));
            }
        }
        fused[i] = fused[i] > static_cast<double>(lowest_logit) ? fused[i] : never;
    }
    position out{wide_distribution(std::move(wide)), wide_distribution(std::move(fused)), {}};
    const int pair = pairs.empty() ? -1 : figured_pair(settings);
    if (pair >= 0) {
        const auto & [expert, antiexpert] = pairs[static_cast<size_t>(pair)];
        out.pair.emplace_back(counted(expert, counts_of_pair));
        out.pair.emplace_back(counted(antiexpert, counts_of_pair));
    }
    return out;
}

struct comparison {
    double within = 1e-4;     // of figures, in nats, or in proportion where they are large
    double logit_slack = 0;   // logits so close may change places
    bool ties_at_end = true;  // the list of alternatives ends by id among equal ones
    double worst = 0;

    void near(double value, double wanted, const std::string & what) {
        if (wanted == never) {
            check(value == never, what + " is " + std::to_string(value) + " for a token that never comes");
            return;
        }
        const double off = std::fabs(value - wanted) / std::max(1.0, std::fabs(wanted));
        worst = std::max(worst, off);
        check(off <= within, what + " is " + std::to_string(value) + ", expected " + std::to_string(wanted));
    }

    // Of the first's likeliest token, or one that may be.
    bool top_can_rank(const wide_distribution & of, const wide_distribution & in, int32_t rank) const {
        for (size_t i = 0; i < of.logits.size(); ++i) {
            if (of.largest - of.logits[i] <= logit_slack && in.can_rank(static_cast<int32_t>(i), rank, logit_slack)) {
                return true;
            }
        }
        return false;
    }

    void list(const std::array<likely_token, max_top_logprobs> & top, int32_t n, int32_t wanted,
              const wide_distribution & by, const position & all, const std::string & what) {
        std::vector<int32_t> order;
        for (size_t i = 0; i < by.logits.size(); ++i) {
            if (by.logits[i] != never) {
                order.push_back(static_cast<int32_t>(i));
            }
        }
        std::stable_sort(order.begin(), order.end(), [&](int32_t x, int32_t y) {
            return by.logits[static_cast<size_t>(x)] > by.logits[static_cast<size_t>(y)];
        });
        check(n == std::min(wanted, static_cast<int32_t>(order.size())),
              what + " has " + std::to_string(n) + " alternatives");
        for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
            const int32_t token = top[i].token;
            check(token >= 0 && static_cast<size_t>(token) < by.logits.size(), what + ": an id");
            const double apart =
                std::fabs(by.logits[static_cast<size_t>(order[i])] - by.logits[static_cast<size_t>(token)]);
            check(token == order[i] || apart <= (ties_at_end ? logit_slack : std::max(logit_slack, 1e-30)),
                  what + ": alternative " + std::to_string(i) + " is " + std::to_string(token) + ", expected " +
                      std::to_string(order[i]));
            near(top[i].base, all.base.logprob(token), what + ": an alternative under the base");
            near(top[i].rast, all.rast.logprob(token), what + ": an alternative under the ensemble");
        }
    }

    void all(const token_figures & got, const position & wanted, int32_t token, int32_t top, const std::string & at) {
        near(got.logprob.base, wanted.base.logprob(token), at + ": the base's log-probability");
        near(got.logprob.rast, wanted.rast.logprob(token), at + ": the ensemble's log-probability");
        near(got.entropy.base, wanted.base.entropy, at + ": the base's entropy");
        near(got.entropy.rast, wanted.rast.entropy, at + ": the ensemble's entropy");
        near(got.divergence, wanted.divergence(), at + ": KL");
        check(wanted.base.can_rank(token, got.base_rank, logit_slack),
              at + ": rank " + std::to_string(got.base_rank) + " in the base");
        check(wanted.rast.can_rank(token, got.rast_rank, logit_slack),
              at + ": rank " + std::to_string(got.rast_rank) + " in the ensemble");
        if (wanted.pair.empty()) {
            check(std::isnan(got.logprob.expert) && std::isnan(got.entropy.antiexpert) && got.expert_top_in_base < 0,
                  at + ": figures of no pair");
        } else {
            near(got.logprob.expert, wanted.pair[0].logprob(token), at + ": the expert's log-probability");
            near(got.logprob.antiexpert, wanted.pair[1].logprob(token), at + ": the antiexpert's log-probability");
            near(got.entropy.expert, wanted.pair[0].entropy, at + ": the expert's entropy");
            near(got.entropy.antiexpert, wanted.pair[1].entropy, at + ": the antiexpert's entropy");
            near(got.pair_divergence, position::divergence(wanted.pair[0], wanted.pair[1]), at + ": KL of the pair");
            check(top_can_rank(wanted.pair[0], wanted.base, got.expert_top_in_base),
                  at + ": the expert's likeliest has rank " + std::to_string(got.expert_top_in_base) + " in the base");
            check(top_can_rank(wanted.pair[0], wanted.pair[1], got.expert_top_in_antiexpert),
                  at + ": the expert's likeliest has rank " + std::to_string(got.expert_top_in_antiexpert) +
                      " in the antiexpert");
        }
        list(got.top_base, got.n_top_base, top, wanted.base, wanted, at + ": top of the base");
        list(got.top_rast, got.n_top_rast, top, wanted.rast, wanted, at + ": top of the ensemble");
    }
};

}  // namespace rast::test
