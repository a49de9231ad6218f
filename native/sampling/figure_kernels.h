// The loops over whole rows that figures of tokens are made of (token_figures). They know lengths and numbers, and no
// tokens. Values that are no number, or not above lowest_logit, have no mass.
#pragma once

#include "row_kernels.h"
#include "sampler_settings.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rast {

// Of one row against its largest value.
struct row_sums {
    double mass = 0;      // of e^(x - max)
    double weighted = 0;  // of e^(x - max) * (x - max)
};

// Of a row and what it was made of by adding something.
struct joint_sums {
    row_sums base;
    row_sums fused;
    double shift = 0;  // of e^(f - max) * ((f - max of fused) - (b - max of base))
};

// A stretch of a row. Sums are in float over a block, in double over blocks: within 1e-6 of the whole.
void add_sums(const float * x, int n, float max, row_sums & sums);
void add_sums(const float * base, float base_max, const float * fused, float fused_max, int n, joint_sums & sums);

// How many are above `value`, or with `ties` at it.
int count_above(const float * x, int n, float value, bool ties) noexcept;

struct ranked_logit {
    float logit = 0.0F;
    int32_t token = -1;
};

// The largest of a row so far: largest first, of equal ones that with the smaller id.
struct largest_logits {
    std::array<ranked_logit, max_top_logprobs> of{};
    size_t n = 0;
};

// Takes in a stretch of a row; at most `most` are held. Stretches come in the order of their ids.
void take_largest(const float * x, int32_t from, int32_t to, size_t most, largest_logits & largest);

}  // namespace rast
