// The order of likelihood: where a mass or a number of tokens is reached in it, without sorting a row.
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

// A row of which very many tokens matter, in buckets by logit. No more than one bucket is ever looked at closely, so
// that the cost does not depend on how flat the row is.
class wide_row {
  public:
    // Borrows `z`, f32[n], and work space.
    wide_row(const float * z, int n, float max, float inv_temperature, logit_buckets & buckets,
             std::vector<row_candidate> & inside);

    // All tokens up to and with one, in order.
    struct cut {
        float logit;
        int32_t token;
        double mass;
    };

    cut whole() const;

    // The first `n`.
    cut at_count(size_t n) const;

    // Up to the first at which the mass exceeds `target` (strictly) or reaches it; all if it never does.
    cut at_mass(double target, bool strictly) const;

    // Those whose weight against the best one is at least `weight`.
    cut at_weight(float weight) const;

    static bool earlier(const cut & x, const cut & y) {
        return x.logit != y.logit ? x.logit > y.logit : x.token < y.token;
    }

  private:
    // Fills inside_.
    void collect(int first, int last) const;

    const float * z_;
    int n_;
    float inv_temperature_;
    logit_buckets & buckets_;
    std::vector<row_candidate> & inside_;
};

}  // namespace rast
