#include "row_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rast {

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

}  // namespace

row_tokens::row_tokens(int32_t n_drawable, const std::vector<int32_t> & masked)
    : counts_(static_cast<size_t>(std::max(0, n_drawable)), 1) {
    for (const int32_t token : masked) {
        if (token >= 0 && token < size()) {
            counts_[static_cast<size_t>(token)] = 0;
        }
    }
}

row_distribution::row_distribution(std::span<const float> logits, const row_tokens & tokens)
    : logits_(logits), tokens_(tokens) {
    double largest = never;
    for (int32_t token = 0; token < tokens.size(); ++token) {
        const double x = value(token);
        if (x > largest) {
            largest = x;
            top_ = token;
        }
    }
    if (top_ < 0) {
        return;
    }
    double sum = 0;
    double weighted = 0;  // of exp(x) * x, both relative to the largest
    for (int32_t token = 0; token < tokens.size(); ++token) {
        const double x = value(token) - largest;
        if (const double p = std::exp(x); p > 0) {
            sum += p;
            weighted += p * x;
        }
    }
    log_sum_ = largest + std::log(sum);
    entropy_ = std::max(0.0, std::log(sum) - weighted / sum);
}

double row_distribution::value(int32_t token) const {
    const auto at = static_cast<size_t>(token);
    if (at >= logits_.size() || !tokens_.counts(token) || !std::isfinite(logits_[at])) {
        return never;
    }
    return logits_[at];
}

double row_distribution::logprob(int32_t token) const {
    return tokens_.counts(token) && top_ >= 0 ? value(token) - log_sum_ : never;
}

int32_t row_distribution::rank(int32_t token) const {
    const double own = tokens_.counts(token) ? value(token) : never;
    int32_t before = 0;
    for (int32_t other = 0; other < tokens_.size(); ++other) {
        const double x = value(other);
        before += x > own || (x == own && x > never && other < token) ? 1 : 0;
    }
    return before;
}

double row_distribution::divergence(const row_distribution & other) const {
    double sum = 0;
    for (int32_t token = 0; token < tokens_.size(); ++token) {
        const double own = logprob(token);
        if (const double p = std::exp(own); p > 0) {
            sum += p * (own - other.logprob(token));
        }
    }
    return std::max(0.0, sum);
}

}  // namespace rast
