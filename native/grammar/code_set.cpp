#include "code_set.h"

#include <algorithm>

namespace rast {

code_set normal_set(code_set ranges, bool negated) {
    std::sort(ranges.begin(), ranges.end());
    code_set merged;
    for (const code_range & range : ranges) {
        if (!merged.empty() && range.low <= merged.back().high + uint64_t{1}) {
            merged.back().high = std::max(merged.back().high, range.high);
        } else {
            merged.push_back(range);
        }
    }
    if (negated) {
        code_set rest;
        uint64_t from = 0;
        for (const code_range & range : merged) {
            if (range.low > from) {
                rest.push_back({static_cast<uint32_t>(from), range.low - 1});
            }
            from = range.high + uint64_t{1};
        }
        if (from <= largest_code_point) {
            rest.push_back({static_cast<uint32_t>(from), largest_code_point});
        }
        merged.swap(rest);
    }
    // neither surrogates nor what lies beyond Unicode is ever part of a text
    code_set out;
    const auto keep = [&](uint32_t low, uint32_t high) {
        if (low <= high) {
            out.push_back({low, high});
        }
    };
    for (const code_range & range : merged) {
        const uint32_t high = std::min(range.high, largest_code_point);
        keep(range.low, std::min(high, first_surrogate - 1));
        keep(std::max(range.low, last_surrogate + 1), high);
    }
    return out;
}

}  // namespace rast
