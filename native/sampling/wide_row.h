// A row of which very many tokens matter: in buckets by logit, filtered and drawn from. No more than one bucket is ever
// looked at closely, so that the cost does not depend on how flat the row is, and nothing is approximated.
#pragma once

#include "row_kernels.h"
#include "sampler_settings.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

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

    // top_k: the first `n`.
    cut at_count(size_t n) const;

    // top_p, and the draw: up to the first at which the mass exceeds `target` (strictly) or reaches it; all if it never
    // does.
    cut at_mass(double target, bool strictly) const;

    // min_p: those whose weight against the best one is at least `weight`.
    cut at_weight(float weight) const;

    // Where the filters of these settings end, one after the other.
    cut filtered(const row_settings & settings) const;

    int32_t draw(const row_settings & settings) const;

    // Whether a cut keeps a token.
    static bool holds(const cut & end, float logit, int32_t token) { return !earlier(end, {logit, token, 0.0}); }

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
