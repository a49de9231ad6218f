// Work space of draws on the CPU, reused over rows so that a draw allocates nothing once it has grown. One per thread.
#pragma once

#include "row_kernels.h"

#include <cstddef>
#include <vector>

namespace rast {

// A row of which more tokens matter is not listed but put in buckets. At temperature 1 with top-p 0.95 a few hundred
// do; a list is looked through several times, and longer ones cost more than buckets, which are one pass over the row.
inline constexpr size_t most_listed_tokens = 4096;

struct row_scratch {
    size_t most_listed = most_listed_tokens;  // tests set less

    std::vector<float> fused;      // [n + row_lanes]
    std::vector<float> block_max;  // [blocks]
    std::vector<float> maxima;     // block_max, reordered
    std::vector<row_candidate> candidates;
    logit_buckets buckets;
};

}  // namespace rast
