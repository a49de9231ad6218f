#include "listed_row.h"

#include "row_order.h"
#include "sampling_steps.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace rast {

namespace {

using candidate = row_candidate;

constexpr float infinity = std::numeric_limits<float>::infinity();

// How far below the likeliest token a list reaches, in the exponent, and how much further each time it is too short.
// e^-7 is a thousandth: on a peaked row that is some ten tokens, and mostly all of top-p 0.95.
constexpr float first_depth = 7.0F;
constexpr float depth_step = 4.0F;
// exp_lane() is 0 below -87: further down no token weighs anything.
constexpr float weightless_depth = 90.0F;

// Lowers the threshold until the candidates hold `mass`, or all tokens are there. False if they are over `most`.
bool list_mass(const fused_row & row, float inv_temperature, double mass, size_t most, std::vector<candidate> & out) {
    float high = infinity;
    double have = 0.0;
    for (float depth = first_depth;; depth += depth_step) {
        const bool all = depth > weightless_depth;
        const float low = all ? lowest_logit : row.max() - depth / inv_temperature;
        const size_t from = out.size();
        if (!row.collect(low, high, inv_temperature, most, out)) {
            return false;
        }
        have += mass_of(out.data() + from, out.data() + out.size());
        if (all || have >= mass) {
            return true;
        }
        high = low;
    }
}

// All tokens whose weight against the likeliest may be `weight` or more: a little room for rounding, as min_p() tests
// exactly.
bool list_weight(const fused_row & row, float inv_temperature, float weight, size_t most,
                 std::vector<candidate> & out) {
    const float depth = -std::log(weight) * 1.0001F + 1e-4F;
    return row.collect(row.max() - depth / inv_temperature, infinity, inv_temperature, most, out);
}

}  // namespace

bool list_likeliest(const fused_row & row, float inv_temperature, size_t count, size_t most, row_scratch & scratch) {
    // as many blocks have a token at least as good as the best of the last of them
    float low = lowest_logit;
    if (count <= static_cast<size_t>(row.blocks())) {
        auto & maxima = scratch.maxima;
        maxima.assign(row.block_max(), row.block_max() + row.blocks());
        const auto last = maxima.begin() + static_cast<ptrdiff_t>(count) - 1;
        std::nth_element(maxima.begin(), last, maxima.end(), std::greater<>());
        low = std::max(low, *last);
    }
    return row.collect(low, infinity, inv_temperature, most, scratch.candidates);
}

listed_row::listed_row(const fused_row & row, const row_settings & settings, row_scratch & scratch)
    : row_(row), settings_(settings), list_(scratch.candidates) {
    const float inv_temperature = 1.0F / settings.temperature;
    const size_t most = scratch.most_listed;
    list_.clear();
    if (has_top_k(settings, row.size())) {
        complete_ = list_likeliest(row, inv_temperature, static_cast<size_t>(settings.top_k), most, scratch);
    } else if (has_min_p(settings) && !has_top_p(settings)) {
        complete_ = list_weight(row, inv_temperature, settings.min_p, most, list_);
    } else {
        total_ = row.total_mass(inv_temperature);
        complete_ =
            list_mass(row, inv_temperature, (has_top_p(settings) ? settings.top_p : settings.u) * total_, most, list_);
    }
    end_ = list_.data() + list_.size();
}

void listed_row::filter() {
    if (has_top_k(settings_, row_.size())) {
        top_k();
    }
    if (has_top_p(settings_)) {
        top_p();
    }
    if (has_min_p(settings_)) {
        min_p();
    }
}

void listed_row::top_k() {
    const auto k = static_cast<size_t>(settings_.top_k);
    if (list_.size() > k) {
        std::nth_element(list_.begin(), list_.begin() + (settings_.top_k - 1), list_.end(), before);
        list_.resize(k);
    }
    end_ = list_.data() + list_.size();
    total_ = mass_of(list_.data(), end_);
}

// Up to and with the token that reaches it.
void listed_row::top_p() {
    end_ = split_by_mass(list_.data(), end_, static_cast<double>(settings_.top_p) * total_, false) + 1;
}

void listed_row::min_p() {
    end_ = std::partition(list_.data(), end_, [&](const candidate & c) { return c.weight >= settings_.min_p; });
}

int32_t listed_row::draw() {
    if (list_.empty()) {
        return row_.largest_token();
    }
    const double kept = has_filters(settings_, row_.size()) ? mass_of(list_.data(), end_) : total_;
    return split_by_mass(list_.data(), end_, settings_.u * kept, true)->token;
}

}  // namespace rast
