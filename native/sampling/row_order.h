// The order of likelihood, and where a mass is reached in it without sorting: what both forms of a row are drawn by.
#pragma once

#include "row_kernels.h"

#include <cstddef>

namespace rast {

// Most likely first, ties by id.
bool before(const row_candidate & x, const row_candidate & y);

double mass_of(const row_candidate * first, const row_candidate * last);

// Reorders [first, last) so that, in the order of before(), all up to the returned element come first. That is the
// first element at which the cumulative weight exceeds `target` (strictly) or reaches it (not strictly); the last
// element if none does. Linear time: like nth_element, but by weight.
row_candidate * split_by_mass(row_candidate * first, row_candidate * last, double target, bool strictly);

}  // namespace rast
