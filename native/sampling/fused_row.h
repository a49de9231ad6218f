// The first steps of a draw on the CPU: fuse, mask and adjust a row (sampling_steps.h), block by block.
#pragma once

#include "row_kernels.h"
#include "row_scratch.h"
#include "sampler_settings.h"

#include <algorithm>
#include <array>
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

// A view of a row in its scratch, which it does not outlive. Ids from n_drawable on are left out, not masked.
class fused_row {
  public:
    fused_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch);

    const float * z() const { return z_; }

    int size() const { return n_; }

    float max() const { return max_; }

    int blocks() const { return (n_ + row_block - 1) / row_block; }

    const float * block_max() const { return block_max_; }

    // The first of the largest logits; row_invalid if the row has none.
    int32_t largest_token() const;

    // The sum of all weights.
    double total_mass(float inv_temperature) const;

    // Appends all tokens with low <= logit < high; stops beyond `most` and is then false.
    bool collect(float low, float high, float inv_temperature, size_t most, std::vector<row_candidate> & out) const;

  private:
    void fuse(const row_inputs & in, const row_settings & settings);
    void mask(const std::vector<int32_t> & tokens);
    void adjust(const row_settings & settings);
    void update_block(int token);

    int block_end(int b) const { return std::min(n_, (b + 1) * row_block); }

    float * z_;
    float * block_max_;
    int n_;
    float max_ = 0.0F;
};

}  // namespace rast
