#include "figure_kernels.h"

#include "../hot_loops.h"
#include "sampling_steps.h"

#include <algorithm>

namespace rast {

namespace {

struct block_sums {
    float mass;
    float weighted;
};

struct joint_block_sums {
    block_sums base;
    block_sums fused;
    float shift;
};

float sum_lanes(const float * lanes) {
    float sum = 0.0F;
    for (int j = 0; j < row_lanes; ++j) {
        sum += lanes[j];
    }
    return sum;
}

// What has no mass may be infinitely far down, and 0 times that is no number.
inline __attribute__((always_inline)) float times_mass(float mass, float x) {
    return mass > 0.0F ? mass * x : 0.0F;
}

RAST_HOT block_sums sum_block(const float * x, int n, float max) noexcept {
    float mass[row_lanes] = {};
    float weighted[row_lanes] = {};
    const auto add = [&](int i, int j) {
        const float down = x[i] - max;
        const float p = exp_lane(down);
        mass[j] += p;
        weighted[j] += times_mass(p, down);
    };
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            add(i + j, j);
        }
    }
    for (; i < n; ++i) {
        add(i, 0);
    }
    return {sum_lanes(mass), sum_lanes(weighted)};
}

RAST_HOT joint_block_sums sum_joint_block(const float * base, float base_max, const float * fused, float fused_max,
                                          int n) noexcept {
    float base_mass[row_lanes] = {};
    float base_weighted[row_lanes] = {};
    float fused_mass[row_lanes] = {};
    float fused_weighted[row_lanes] = {};
    float shift[row_lanes] = {};
    const auto add = [&](int i, int j) {
        const float base_down = base[i] - base_max;
        const float fused_down = fused[i] - fused_max;
        const float p = exp_lane(base_down);
        const float q = exp_lane(fused_down);
        base_mass[j] += p;
        base_weighted[j] += times_mass(p, base_down);
        fused_mass[j] += q;
        fused_weighted[j] += times_mass(q, fused_down);
        shift[j] += times_mass(q, fused_down - base_down);
    };
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            add(i + j, j);
        }
    }
    for (; i < n; ++i) {
        add(i, 0);
    }
    return {{sum_lanes(base_mass), sum_lanes(base_weighted)},
            {sum_lanes(fused_mass), sum_lanes(fused_weighted)},
            sum_lanes(shift)};
}

}  // namespace

void add_sums(const float * x, int n, float max, row_sums & sums) {
    for (int at = 0; at < n; at += row_block) {
        const block_sums block = sum_block(x + at, std::min(row_block, n - at), max);
        sums.mass += block.mass;
        sums.weighted += block.weighted;
    }
}

void add_sums(const float * base, float base_max, const float * fused, float fused_max, int n, joint_sums & sums) {
    for (int at = 0; at < n; at += row_block) {
        const joint_block_sums block =
            sum_joint_block(base + at, base_max, fused + at, fused_max, std::min(row_block, n - at));
        sums.base.mass += block.base.mass;
        sums.base.weighted += block.base.weighted;
        sums.fused.mass += block.fused.mass;
        sums.fused.weighted += block.fused.weighted;
        sums.shift += block.shift;
    }
}

RAST_HOT int count_above(const float * x, int n, float value, bool ties) noexcept {
    int32_t counts[row_lanes] = {};
    const int32_t at_value = ties ? 1 : 0;
    const auto add = [&](int i, int j) {
        counts[j] += static_cast<int32_t>(x[i] > value) | (static_cast<int32_t>(x[i] == value) & at_value);
    };
    int i = 0;
    for (; i + row_lanes <= n; i += row_lanes) {
        for (int j = 0; j < row_lanes; ++j) {
            add(i + j, j);
        }
    }
    for (; i < n; ++i) {
        add(i, 0);
    }
    int count = 0;
    for (const int32_t lane : counts) {
        count += lane;
    }
    return count;
}

void take_largest(const float * x, int32_t from, int32_t to, size_t most, largest_logits & largest) {
    const auto least = [&] { return largest.n < most ? lowest_logit : largest.of[most - 1].logit; };
    for (int32_t block = from; most > 0 && block < to; block += row_block) {
        const int32_t end = std::min(to, block + row_block);
        if (!(largest_logit(x + block, end - block) > least())) {
            continue;
        }
        for (int32_t token = block; token < end; ++token) {
            if (!(x[token] > least())) {
                continue;
            }
            size_t at = std::min(largest.n, most - 1);
            for (; at > 0 && largest.of[at - 1].logit < x[token]; --at) {
                largest.of[at] = largest.of[at - 1];
            }
            largest.of[at] = {x[token], token};
            largest.n = std::min(largest.n + 1, most);
        }
    }
}

}  // namespace rast
