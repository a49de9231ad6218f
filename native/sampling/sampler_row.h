// One row of the ensemble sampler in plain C++: fuse, mask, adjust, filter, draw.
//
// The CPU path runs it inside the graph; the host path runs it on a row read from a device.
#pragma once

#include "row_kernels.h"
#include "sampler_settings.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

// Borrowed for the duration of the call.
struct row_inputs {
    const float * logits = nullptr;                     // f32[n_vocab]
    std::array<const float *, max_pairs> expert{};      // f32[n_vocab] each, for pairs with lambda != 0
    std::array<const float *, max_pairs> antiexpert{};  // likewise
    int32_t n_vocab = 0;
    int32_t n_drawable = 0;                         // ids from here on are never drawn
    const std::vector<int32_t> * masked = nullptr;  // ids below n_drawable that are never drawn either
    bool adjusted = false;                          // bias and penalties are in the logits already
};

// Work space, reused over rows; one per thread.
struct row_scratch {
    size_t most_listed = 4096;  // a row with more candidates is not listed but put in buckets

    std::vector<float> fused;
    std::vector<float> block_max;
    std::vector<float> maxima;
    std::vector<row_candidate> candidates;
    logit_buckets buckets;
};

row_draw draw_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch);

// The tokens that the filters keep, with their weights: likeliest first, or by id if they are very many.
void keep_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch,
              std::vector<row_candidate> & out);

// f32[n_drawable]: the row fused, masked and adjusted, as draw_row() draws from it.
void fuse_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch, std::vector<float> & out);

}  // namespace rast
