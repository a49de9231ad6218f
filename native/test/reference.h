// An independent reference of the fused draw: double precision, full sorts, no cleverness.
#pragma once

#include "../sampling/sampler_settings.h"

#include <cstdint>
#include <string>
#include <vector>

namespace rast::test {

struct reference_row {
    std::vector<double> logits;  // fused, masked, adjusted; -infinity where never drawn
    std::vector<int32_t> order;  // drawable ids, most likely first, ties by id
    std::vector<double> mass;    // weights in that order, at the row's temperature, summing to 1
    size_t kept = 0;             // length of the kept prefix
    double kept_mass = 0;
    int32_t token = -1;
    double log_total = 0;  // of the softmax at temperature 1
};

struct tolerance {
    double logit = 0;        // two logits this close may change places
    double probability = 0;  // a cumulative mass this close to a bound may fall on either side
};

std::vector<double> reference_fuse(const float * base,
                                   const std::vector<std::pair<const float *, const float *>> & pairs,
                                   const row_settings & settings, int32_t n_vocab, int32_t n_drawable,
                                   const std::vector<int32_t> & masked);

reference_row reference_draw(std::vector<double> fused, const row_settings & settings);

// Whether drawing `token` instead of row.token is explained by a near-tie within the tolerance.
bool is_near_tie(const reference_row & row, const row_settings & settings, int32_t token, const tolerance & within);

}  // namespace rast::test
