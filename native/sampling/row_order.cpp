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

}  // namespace rast
