#include "wide_row.h"

#include "row_order.h"
#include "sampling_steps.h"

#include <algorithm>
#include <cmath>

namespace rast {

using candidate = row_candidate;

namespace {

// What is so far below the likeliest, in the exponent, weighs nothing against it (e^-40 is 4e-18): finer buckets are of
// use above it alone, and what is below shares the last one.
constexpr float deepest_exponent = 40.0F;
// Buckets narrower than this part of the depth tell nothing apart but rounding errors.
constexpr float narrowest_part = 1.0F / 2048.0F;

}  // namespace

wide_row::wide_row(const float * z, int n, float max, float inv_temperature, logit_buckets & buckets,
                   std::vector<candidate> & inside)
    : z_(z), n_(n), inv_temperature_(inv_temperature), buckets_(buckets), inside_(inside) {
    const float deepest = deepest_exponent / inv_temperature;
    const float depth = std::min(max - smallest_logit(z, n, max), deepest);
    buckets.max = max;
    buckets.scale = static_cast<float>(logit_buckets::n) / std::max(depth, deepest * narrowest_part);
    fill_buckets(z, n, inv_temperature, buckets);
}

wide_row::cut wide_row::whole() const {
    double mass = 0.0;
    for (int b = 0; b < logit_buckets::n; ++b) {
        mass += buckets_.mass[static_cast<size_t>(b)];
    }
    return {minus_infinity, n_, mass};
}

void wide_row::collect(int first, int last) const {
    inside_.clear();
    collect_buckets(z_, n_, inv_temperature_, buckets_, first, last, inside_);
}

wide_row::cut wide_row::at_count(size_t n) const {
    double mass = 0.0;
    for (int b = 0; b < logit_buckets::n; ++b) {
        const auto at = static_cast<size_t>(b);
        if (n <= buckets_.count[at]) {
            collect(b, b);
            const auto nth = inside_.begin() + static_cast<ptrdiff_t>(n) - 1;
            std::nth_element(inside_.begin(), nth, inside_.end(), before);
            return {nth->logit, nth->token, mass + mass_of(inside_.data(), inside_.data() + n)};
        }
        n -= buckets_.count[at];
        mass += buckets_.mass[at];
    }
    return whole();
}

wide_row::cut wide_row::at_mass(double target, bool strictly) const {
    size_t at = 0;
    double before_it = 0.0;
    double mass = 0.0;
    for (size_t b = 0; b < static_cast<size_t>(logit_buckets::n); ++b) {
        if (buckets_.mass[b] > 0.0) {
            at = b;
            before_it = mass;
            mass += buckets_.mass[b];
            if (strictly ? mass > target : mass >= target) {
                break;
            }
        }
    }
    collect(static_cast<int>(at), static_cast<int>(at));
    candidate * first = inside_.data();
    const candidate * last = split_by_mass(first, first + inside_.size(), target - before_it, strictly);
    return {last->logit, last->token, before_it + mass_of(first, last + 1)};
}

wide_row::cut wide_row::at_weight(float weight) const {
    // The bucket is known to a rounding error; which of its tokens are kept is decided by their weights.
    constexpr int deepest = logit_buckets::n - 1;
    const float down = -std::log(weight) / inv_temperature_ * buckets_.scale;
    const int b = down < static_cast<float>(deepest) ? static_cast<int>(down) : deepest;
    for (int first = b;;) {
        first = std::max(0, first - (b + 1 - first));
        collect(first, b + 1);
        const auto kept =
            std::partition(inside_.begin(), inside_.end(), [&](const candidate & c) { return c.weight >= weight; });
        if (kept != inside_.begin()) {  // at the latest when the best token is among them
            const auto end = std::max_element(inside_.begin(), kept, before);
            double mass = mass_of(inside_.data(), inside_.data() + (kept - inside_.begin()));
            for (int i = 0; i < first; ++i) {
                mass += buckets_.mass[static_cast<size_t>(i)];
            }
            return {end->logit, end->token, mass};
        }
    }
}

wide_row::cut wide_row::filtered(const row_settings & settings) const {
    cut end = has_top_k(settings, n_) ? at_count(static_cast<size_t>(settings.top_k)) : whole();
    const auto cut_to = [&](const cut & other) { end = earlier(other, end) ? other : end; };
    if (has_top_p(settings)) {
        cut_to(at_mass(static_cast<double>(settings.top_p) * end.mass, false));
    }
    if (has_min_p(settings)) {
        cut_to(at_weight(settings.min_p));
    }
    return end;
}

int32_t wide_row::draw(const row_settings & settings) const {
    const cut end = filtered(settings);
    const cut drawn = at_mass(settings.u * end.mass, true);
    return earlier(end, drawn) ? end.token : drawn.token;  // a rounding error may lead behind what is kept
}

}  // namespace rast
