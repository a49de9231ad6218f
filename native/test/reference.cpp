#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

namespace rast::test {

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// Length of the kept prefix, every bound moved by `slack` (positive keeps more).
size_t kept_prefix(const reference_row & row, const row_settings & s, const tolerance & slack, double sign) {
    const size_t n = row.order.size();
    size_t kept = n;
    double total = 1.0;
    const double temperature = s.temperature;
    const auto moved = [&](size_t i) { return row.logits[static_cast<size_t>(row.order[i])]; };
    if (s.top_k > 0 && static_cast<size_t>(s.top_k) < n) {
        kept = static_cast<size_t>(s.top_k);
        // a tie at the border may exchange members; the number kept is the same
        total = std::accumulate(row.mass.begin(), row.mass.begin() + static_cast<std::ptrdiff_t>(kept), 0.0);
    }
    if (s.top_p < 1.0F) {
        double before = 0.0;
        for (size_t i = 0; i < kept; ++i) {
            if (before >= static_cast<double>(s.top_p) * total + sign * slack.probability) {
                kept = i;
                break;
            }
            before += row.mass[i];
        }
    }
    if (s.min_p > 0.0F) {
        const double bound = moved(0) + std::log(static_cast<double>(s.min_p)) * temperature - sign * slack.logit;
        for (size_t i = 0; i < kept; ++i) {
            if (moved(i) < bound) {
                kept = i;
                break;
            }
        }
    }
    return std::max<size_t>(kept, 1);
}

double mass_of(const reference_row & row, size_t n) {
    return std::accumulate(row.mass.begin(), row.mass.begin() + static_cast<std::ptrdiff_t>(n), 0.0);
}

}  // namespace

std::vector<double> reference_fuse(const float * base,
                                   const std::vector<std::pair<const float *, const float *>> & pairs,
                                   const row_settings & settings, int32_t n_vocab, int32_t n_drawable,
                                   const std::vector<int32_t> & masked) {
    std::vector<double> out(static_cast<size_t>(n_vocab), minus_infinity);
    for (int32_t i = 0; i < std::min(n_vocab, n_drawable); ++i) {
        double value = base[i];
        for (size_t k = 0; k < pairs.size(); ++k) {
            value += static_cast<double>(settings.lambda[k]) *
                     (static_cast<double>(pairs[k].first[i]) - static_cast<double>(pairs[k].second[i]));
        }
        out[static_cast<size_t>(i)] = value;
    }
    for (const int32_t token : masked) {
        out[static_cast<size_t>(token)] = minus_infinity;
    }
    for (const auto & a : settings.adjustments) {
        double & value = out[static_cast<size_t>(a.token)];
        if (value == minus_infinity) {
            continue;
        }
        value += a.bias;
        value = value > 0 ? value / a.repetition : value * a.repetition;
        value -= a.subtract;
        if (value < -1e29) {
            value = minus_infinity;  // banned
        }
    }
    return out;
}

reference_row reference_draw(std::vector<double> fused, const row_settings & settings) {
    reference_row row;
    row.logits = std::move(fused);
    for (size_t i = 0; i < row.logits.size(); ++i) {
        if (row.logits[i] != minus_infinity) {
            row.order.push_back(static_cast<int32_t>(i));
        }
    }
    std::stable_sort(row.order.begin(), row.order.end(), [&](int32_t x, int32_t y) {
        return row.logits[static_cast<size_t>(x)] > row.logits[static_cast<size_t>(y)];
    });
    const double largest = row.logits[static_cast<size_t>(row.order[0])];
    double total_one = 0.0;
    for (const int32_t token : row.order) {
        total_one += std::exp(row.logits[static_cast<size_t>(token)] - largest);
    }
    row.log_total = largest + std::log(total_one);
    if (settings.temperature <= 0.0F) {
        row.token = row.order[0];
        return row;
    }
    double total = 0.0;
    for (const int32_t token : row.order) {
        row.mass.push_back(std::exp((row.logits[static_cast<size_t>(token)] - largest) / settings.temperature));
        total += row.mass.back();
    }
    for (double & m : row.mass) {
        m /= total;
    }
    row.kept = kept_prefix(row, settings, {}, 0.0);
    row.kept_mass = mass_of(row, row.kept);
    const double target = settings.u * row.kept_mass;
    double cumulative = 0.0;
    row.token = row.order[row.kept - 1];
    for (size_t i = 0; i < row.kept; ++i) {
        cumulative += row.mass[i];
        if (cumulative > target) {
            row.token = row.order[i];
            break;
        }
    }
    return row;
}

bool is_near_tie(const reference_row & row, const row_settings & settings, int32_t token, const tolerance & within) {
    if (token < 0 || static_cast<size_t>(token) >= row.logits.size()) {
        return false;
    }
    const double logit = row.logits[static_cast<size_t>(token)];
    if (logit == minus_infinity) {
        return false;
    }
    if (settings.temperature <= 0.0F) {
        return row.logits[static_cast<size_t>(row.order[0])] - logit <= within.logit;
    }
    const size_t fewest = kept_prefix(row, settings, within, -1.0);
    const size_t most = kept_prefix(row, settings, within, 1.0);
    // where the token's interval can lie when logits within the tolerance change places
    double low = 0.0;
    double high = 0.0;
    for (size_t i = 0; i < row.order.size(); ++i) {
        const double other = row.logits[static_cast<size_t>(row.order[i])];
        if (other > logit + within.logit) {
            low += row.mass[i];
        }
        if (other >= logit - within.logit) {
            high += row.mass[i];
        }
    }
    const double border = row.logits[static_cast<size_t>(row.order[most - 1])];
    if (logit < border - within.logit) {
        return false;  // not kept under any reading
    }
    const double target_low = settings.u * mass_of(row, fewest) - within.probability;
    const double target_high = settings.u * mass_of(row, most) + within.probability;
    return target_high >= low && target_low <= high;
}

}  // namespace rast::test
