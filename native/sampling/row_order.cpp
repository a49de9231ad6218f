#include "row_order.h"

#include <algorithm>
#include <cmath>

namespace rast {

using candidate = row_candidate;

bool before(const candidate & x, const candidate & y) {
    return x.logit != y.logit ? x.logit > y.logit : x.token < y.token;
}

double mass_of(const candidate * first, const candidate * last) {
    double mass = 0.0;
    for (; first != last; ++first) {
        mass += first->weight;
    }
    return mass;
}

candidate * split_by_mass(candidate * first, candidate * last, double target, bool strictly) {
    const auto enough = [&](double mass) { return strictly ? mass > target : mass >= target; };
    double left_of = 0.0;
    const bool sorted = std::is_sorted(first, last, before);  // equal logits come in the order of their ids
    while (!sorted && last - first > 16) {
        // median of three
        candidate * mid = first + (last - first) / 2;
        candidate * end = last - 1;
        const candidate pivot = before(*first, *mid)
                                    ? (before(*mid, *end) ? *mid : (before(*first, *end) ? *end : *first))
                                    : (before(*first, *end) ? *first : (before(*mid, *end) ? *end : *mid));
        candidate * cut = std::partition(first, last, [&](const candidate & c) { return !before(pivot, c); });
        if (cut == last) {
            // the pivot is the last in order: put it there and go on without it
            candidate * at = std::find_if(first, last, [&](const candidate & c) { return c.token == pivot.token; });
            std::swap(*at, *(last - 1));
            cut = last - 1;
        }
        const double mass = mass_of(first, cut);
        if (enough(left_of + mass)) {
            last = cut;
        } else {
            left_of += mass;
            first = cut;
        }
    }
    if (!sorted) {
        std::sort(first, last, before);
    }
    for (candidate * at = first; at != last; ++at) {
        left_of += at->weight;
        if (enough(left_of)) {
            return at;
        }
    }
    return last - 1;
}

wide_row::wide_row(const float * z, int n, float max, float inv_temperature, logit_buckets & buckets,
                   std::vector<candidate> & inside)
    : z_(z), n_(n), inv_temperature_(inv_temperature), buckets_(buckets), inside_(inside) {
    // What is 40 below in the exponent weighs nothing; buckets far narrower than a rounding error tell nothing apart.
    const float deepest = 40.0F / inv_temperature;
    const float depth = std::min(max - smallest_logit(z, n, max), deepest);
    buckets.max = max;
    buckets.scale = static_cast<float>(logit_buckets::n) / std::max(depth, deepest / 2048.0F);
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

}  // namespace rast
