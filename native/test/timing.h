// Clocks and medians of the benchmarks.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ratio>
#include <utility>
#include <vector>

namespace rast::test {

using microseconds = std::chrono::duration<double, std::micro>;
using milliseconds = std::chrono::duration<double, std::milli>;

/** How long some work takes, in a unit, e.g. `microseconds`. */
template <typename Unit, typename Work>
double time_of(const Work & work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return Unit(std::chrono::steady_clock::now() - start).count();
}

/** A sample below which lies a share of all, 0.5 for the median; of at least one. */
inline double quantile(std::vector<double> samples, double share) {
    const auto at = std::min(samples.size() - 1, static_cast<size_t>(static_cast<double>(samples.size()) * share));
    std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(at), samples.end());
    return samples[at];
}

inline double median(std::vector<double> samples) {
    return quantile(std::move(samples), 0.5);
}

}  // namespace rast::test
