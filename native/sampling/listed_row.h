// A row of which few tokens matter: they are listed, filtered and drawn from. Where many do, wide_row takes over.
#pragma once

#include "fused_row.h"
#include "row_scratch.h"
#include "sampler_settings.h"

#include <cstddef>

namespace rast {

// Borrows the row, the settings and the scratch's candidates; one at a time per scratch.
class listed_row {
  public:
    // Lists the tokens that the filters and the draw can need: those of top-k, or as much of the distribution as the
    // later filters may keep, or without filters as much as u reaches. Temperature is above 0.
    listed_row(const fused_row & row, const row_settings & settings, row_scratch & scratch);

    // False: there are more than scratch.most_listed, and nothing else may be asked.
    bool complete() const { return complete_; }

    // top_k, top_p, min_p. What is kept is unordered.
    void filter();

    const row_candidate * begin() const { return list_.data(); }

    const row_candidate * end() const { return end_; }

    // After filter().
    int32_t draw();

  private:
    void top_k();
    void top_p();
    void min_p();

    const fused_row & row_;
    const row_settings & settings_;
    std::vector<row_candidate> & list_;
    row_candidate * end_ = nullptr;
    double total_ = 0.0;  // the mass that top-p, or a draw without filters, is a part of
    bool complete_ = true;
};

// Appends the `count` most likely tokens, or all if there are fewer, and perhaps others. False if they are over `most`.
bool list_likeliest(const fused_row & row, float inv_temperature, size_t count, size_t most, row_scratch & scratch);

}  // namespace rast
