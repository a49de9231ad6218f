// One row of logits to a token, in plain C++: fuse, mask, adjust, filter, draw (sampling_steps.h).
//
// The CPU's path runs it inside the graph; the others run it on a fused row that is read from a device. A row goes one
// way through the files: fused_row, then listed_row or, where too many tokens matter, wide_row; both by row_order.
// Any thread, with a scratch of its own.
#pragma once

#include "fused_row.h"
#include "row_scratch.h"
#include "sampler_settings.h"
#include "sampling_steps.h"

#include <vector>

namespace rast {

// @returns the token and, where asked for, log-probabilities; row_invalid if nothing of the row can be drawn
row_draw draw_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch);

// The tokens that the filters keep, with their weights: likeliest first, or by id if they are very many. Temperature
// is above 0.
void keep_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch,
              std::vector<row_candidate> & out);

// f32[n_drawable]: the row fused, masked and adjusted, as draw_row() draws from it.
void fuse_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch, std::vector<float> & out);

}  // namespace rast
