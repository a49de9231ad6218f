// The loops over whole rows, in vectors. They know lengths and numbers, and neither settings nor steps.
#pragma once

#include "sampling_steps.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

inline constexpr int row_lanes = 16;  // floats of the widest vectors (AVX-512); narrower ones take several
// A block whose largest logit is too small is passed over whole. 256 logits are 1 KiB: its maxima are 1/256 of a row to
// look through, and a block that must be read is 16 vectors.
inline constexpr int row_block = 256;

struct row_candidate {
    float logit;
    float weight;  // exp((logit - max) / temperature)
    int32_t token;
};

// e^x for x in [-87, 0], 0 below: Cody-Waite reduction and a polynomial of degree 6.
inline __attribute__((always_inline)) float exp_lane(float x) {
    const float clamped = x > -87.0F ? x : -87.0F;
    const float n = (clamped * 1.44269504F + 12582912.0F) - 12582912.0F;  // round to nearest integer
    const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const float scale = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
    return x > -87.0F ? p * scale : 0.0F;
}

// z = l + sum of lambda_k (e_k - a_k) over n tokens, and the largest of each block. `pairs` is at most max_pairs.
void fuse_pairs(int pairs, const float * l, const float * const * e, const float * const * a, const float * lambda,
                float * z, float * block_max, int n);

// Sum of exp((z - max) * inv_temperature).
float mass_of_logits(const float * z, int n, float max, float inv_temperature) noexcept;

// weights = exp((z - max) * inv_temperature); 0 for tokens that are banned.
void weigh_logits(const float * z, int n, float max, float inv_temperature, float * weights) noexcept;

float sum_of(const float * values, int n) noexcept;

float largest_logit(const float * z, int n) noexcept;

// The smallest of those that are not banned; `otherwise` if all are.
float smallest_logit(const float * z, int n, float otherwise) noexcept;

// Tokens by how far their logit is below the best one, in steps of 1 / scale.
struct logit_buckets {
    // What is further down is in the last one. Masses and counts of 2,048 are 24 KiB and stay in the first-level cache
    // while a row is counted; of 151,936 evenly spread tokens some 75 share one.
    static constexpr int n = 2048;

    float max = 0.0F;
    float scale = 1.0F;
    std::vector<double> mass;     // [n + 1]: the sum of weights; those of banned tokens come last
    std::vector<uint32_t> count;  // [n + 1]
};

void fill_buckets(const float * z, int n, float inv_temperature, logit_buckets & out);

// Appends the tokens of buckets first to last, ascending.
void collect_buckets(const float * z, int n, float inv_temperature, const logit_buckets & buckets, int first, int last,
                     std::vector<row_candidate> & out);

// e^x for x <= 0, within 2 ulp; exported for its test.
void exp_block(const float * x, float * y, int n);

}  // namespace rast
