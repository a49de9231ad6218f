#include "row_kernels.h"

#include "../hot_loops.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

// z = logits, and the largest of each block. Lanes are separate accumulators, so that the compiler may vectorise
// without reordering sums.
template <int Pairs>
inline __attribute__((always_inline)) void fuse_body(const float * l, const float * const * e, const float * const * a,
                                                     const float * lambda, float * z, float * block_max, int n) {
    for (int b = 0; b < n; b += row_block) {
        const int end = std::min(n, b + row_block);
        float largest[row_lanes];
        for (float & v : largest) {
            v = minus_infinity;
        }
        int i = b;
        for (; i + row_lanes <= end; i += row_lanes) {
            for (int j = 0; j < row_lanes; ++j) {
                float v = l[i + j];
                if constexpr (Pairs > 0) {
                    v = v + lambda[0] * (e[0][i + j] - a[0][i + j]);
                }
                if constexpr (Pairs > 1) {
                    v = v + lambda[1] * (e[1][i + j] - a[1][i + j]);
                }
                if constexpr (Pairs > 2) {
                    v = v + lambda[2] * (e[2][i + j] - a[2][i + j]);
                }
                z[i + j] = v;
                largest[j] = v > largest[j] ? v : largest[j];
            }
        }
        float m = minus_infinity;
        for (const float v : largest) {
            m = v > m ? v : m;
        }
        for (; i < end; ++i) {
            float v = l[i];
            for (int k = 0; k < Pairs; ++k) {
                v = v + lambda[k] * (e[k][i] - a[k][i]);
            }
            z[i] = v;
            m = v > m ? v : m;
        }
        block_max[b / row_block] = m;
    }
}

RAST_HOT void fuse0(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) noexcept {
    fuse_body<0>(l, e, a, lambda, z, block_max, n);
}

RAST_HOT void fuse1(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) noexcept {
    fuse_body<1>(l, e, a, lambda, z, block_max, n);
}

RAST_HOT void fuse2(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) noexcept {
    fuse_body<2>(l, e, a, lambda, z, block_max, n);
}

RAST_HOT void fuse3(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) noexcept {
    fuse_body<3>(l, e, a, lambda, z, block_max, n);
}

}  // namespace

void fuse_pairs(int pairs, const float * l, const float * const * e, const float * const * a, const float * lambda,
                float * z, float * block_max, int n) {
    constexpr decltype(&fuse0) fuses[] = {fuse0, fuse1, fuse2, fuse3};
    fuses[pairs](l, e, a, lambda, z, block_max, n);
}

RAST_HOT float mass_of_logits(const float * z, int n, float max, float inv_temperature) noexcept {
    float sums[row_lanes] = {};
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            sums[j] += exp_lane((z[i + j] - max) * inv_temperature);
        }
    }
    float sum = 0.0F;
    for (const float v : sums) {
        sum += v;
    }
    for (; i < n; ++i) {
        sum += exp_lane((z[i] - max) * inv_temperature);
    }
    return sum;
}

RAST_HOT void weigh_logits(const float * z, int n, float max, float inv_temperature, float * weights) noexcept {
    for (int i = 0; i < n; ++i) {
        const float weight = exp_lane((z[i] - max) * inv_temperature);
        weights[i] = z[i] > lowest_logit ? weight : 0.0F;
    }
}

RAST_HOT float sum_of(const float * values, int n) noexcept {
    float sums[row_lanes] = {};
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            sums[j] += values[i + j];
        }
    }
    float sum = 0.0F;
    for (const float v : sums) {
        sum += v;
    }
    for (; i < n; ++i) {
        sum += values[i];
    }
    return sum;
}

RAST_HOT float largest_logit(const float * z, int n) noexcept {
    float largest[row_lanes];
    for (float & v : largest) {
        v = minus_infinity;
    }
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            largest[j] = z[i + j] > largest[j] ? z[i + j] : largest[j];
        }
    }
    for (; i < n; ++i) {
        largest[0] = z[i] > largest[0] ? z[i] : largest[0];
    }
    float m = minus_infinity;
    for (const float v : largest) {
        m = v > m ? v : m;
    }
    return m;
}

RAST_HOT float smallest_logit(const float * z, int n, float otherwise) noexcept {
    float smallest[row_lanes];
    for (float & v : smallest) {
        v = otherwise;
    }
    const auto take = [](float v, float & least) { least = v > lowest_logit && v < least ? v : least; };
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            take(z[i + j], smallest[j]);
        }
    }
    for (; i < n; ++i) {
        take(z[i], smallest[0]);
    }
    return *std::min_element(smallest, smallest + row_lanes);
}

namespace {

// Of a stretch of a row. mass and count: [logit_buckets::n + 1], added to.
RAST_HOT void count_buckets(const float * z, int n, float inv_temperature, float max, float scale, double * mass,
                            uint32_t * count) noexcept {
    constexpr auto last = static_cast<float>(logit_buckets::n - 1);
    for (int b = 0; b < n; b += row_lanes) {
        const int width = std::min(row_lanes, n - b);
        float weight[row_lanes];
        int32_t bucket[row_lanes];
        const auto look = [&](int j) {
            const float down = (max - z[b + j]) * scale;
            const auto known = static_cast<int32_t>(down < last ? down : last);
            bucket[j] = z[b + j] > lowest_logit ? known : logit_buckets::n;  // banned, or not a number
            weight[j] = exp_lane((z[b + j] - max) * inv_temperature);
        };
        if (width == row_lanes) {
            for (int j = 0; j < row_lanes; ++j) {
                look(j);
            }
        } else {
            for (int j = 0; j < width; ++j) {
                look(j);
            }
        }
        for (int j = 0; j < width; ++j) {
            mass[bucket[j]] += static_cast<double>(weight[j]);
            ++count[bucket[j]];
        }
    }
}

// Those of n logits, whose first is of token `token`, that are down by `from` to `to` steps. @returns how many; at most
// n
RAST_HOT int collect_stretch(const float * z, int n, int32_t token, float inv_temperature, float max, float scale,
                             float from, float to, row_candidate * out) noexcept {
    int found = 0;
    const auto take = [&](int i) {
        const float down = (max - z[i]) * scale;
        if (down >= from && down < to && z[i] > lowest_logit) {
            out[found++] = {z[i], exp_lane((z[i] - max) * inv_temperature), token + i};
        }
    };
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        int32_t hit[row_lanes];
        for (int j = 0; j < row_lanes; ++j) {
            const float down = (max - z[i + j]) * scale;
            hit[j] = static_cast<int32_t>(down >= from) & static_cast<int32_t>(down < to);
        }
        int32_t hits = 0;
        for (const int32_t h : hit) {
            hits |= h;
        }
        for (int j = 0; hits != 0 && j < row_lanes; ++j) {
            take(i + j);
        }
    }
    for (; i < n; ++i) {
        take(i);
    }
    return found;
}

}  // namespace

void fill_buckets(const float * z, int n, float inv_temperature, logit_buckets & out) {
    out.mass.assign(logit_buckets::n + 1, 0.0);
    out.count.assign(logit_buckets::n + 1, 0);
    count_buckets(z, n, inv_temperature, out.max, out.scale, out.mass.data(), out.count.data());
}

void collect_buckets(const float * z, int n, float inv_temperature, const logit_buckets & buckets, int first, int last,
                     std::vector<row_candidate> & out) {
    const auto from = static_cast<float>(first);
    const float to = last >= logit_buckets::n - 1 ? -minus_infinity : static_cast<float>(last + 1);
    constexpr int stretch = 4 * row_block;  // 12 KiB of candidates
    row_candidate found[stretch];
    for (int i = 0; i < n; i += stretch) {
        const int hits = collect_stretch(z + i, std::min(stretch, n - i), i, inv_temperature, buckets.max,
                                         buckets.scale, from, to, found);
        out.insert(out.end(), found, found + hits);
    }
}

void exp_block(const float * x, float * y, int n) {
    for (int i = 0; i < n; ++i) {
        y[i] = exp_lane(x[i]);
    }
}

}  // namespace rast
