// What a draw is: the order of its steps, what each does to one token, and the values that stand for no token. CPU,
// device and constrained draws all follow this page; docs/sampling.md says the same to people.
//
//   step         on the CPU (fused_row, then listed_row or wide_row)   on a device (sampler_graph)
//   fuse         fuse_pairs                                            build_fuse
//   mask         mask                                                  build_mask
//   adjust       adjust: bias, then penalties (adjusted_logit)         build_adjust
//   temperature  weights of exp_lane                                   softmax in build_draw
//   top_k        listed_row::top_k, wide_row::at_count                 filters::top_k
//   top_p        listed_row::top_p, wide_row::at_mass                  filters::top_p, of what top_k kept
//   min_p        listed_row::min_p, wide_row::at_weight                filters::min_p, against the likeliest token
//   draw         listed_row::draw, wide_row::draw                      build_pick
//
// Likeliest first, ties by id (row_order.h): filters keep a beginning of that order, and the draw is the first token at
// which the mass from the likeliest on exceeds u times what is kept. At temperature 0 (greedy) it is the first token
// of the order, and filters do not matter. A draw that a grammar refuses (constrained_draw) takes the refused token out
// of what the filters kept, and begins anew at top_k only if nothing of that is left.
#pragma once

#include "sampler_settings.h"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>

namespace rast {

struct token_figures;

// ---- values of a logit

inline constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

// A logit that is never drawn, on the CPU: nothing that bias and penalties do makes it finite.
inline constexpr float never_logit = minus_infinity;

// Logits that one model hands to another are kept within it: infinity - infinity is NaN.
inline constexpr float logit_bound = 1e30F;

// A logit that is never drawn, on a device: a graph without branches multiplies what does not apply by 0, and
// 0 * infinity is NaN.
inline constexpr float never_logit_on_device = -logit_bound;

// Tokens at or below it are never drawn, whichever of the two values they have: a tenth of the finite one, so that
// fusing does not lift a masked token over it, and far below any logit of a model.
inline constexpr float lowest_logit = -1e29F;

// ---- values in place of a token: row_draw::token

inline constexpr int32_t row_fallback = -1;   // not drawn: nobody asked, or a device leaves the row to the host
inline constexpr int32_t row_invalid = -2;    // no logit is finite and above lowest_logit, or a grammar allows no token
inline constexpr int32_t row_undecided = -3;  // a grammar is still at it
inline constexpr int32_t row_over_limit = -4;  // a grammar needs more work than a draw may cost

// What became of a row.
struct row_draw {
    int32_t token = row_fallback;  // or another of the values above
    bool refused = false;          // by a grammar, and drawn again
    float logprob = 0.0F;          // of the adjusted row at temperature 1, before the filters
    int32_t n_top = 0;
    std::array<int32_t, max_top_logprobs> top_tokens{};
    std::array<float, max_top_logprobs> top_logprobs{};
    std::shared_ptr<const token_figures> figures;  // where asked for
};

// ---- which steps a row has

inline bool is_greedy(const row_settings & s) {
    return s.temperature <= 0.0F;
}

inline bool has_top_k(const row_settings & s, int64_t n_tokens) {
    return s.top_k > 0 && s.top_k < n_tokens;
}

inline bool has_top_p(const row_settings & s) {
    return s.top_p < 1.0F;
}

inline bool has_min_p(const row_settings & s) {
    return s.min_p > 0.0F;
}

inline bool has_filters(const row_settings & s, int64_t n_tokens) {
    return has_top_k(s, n_tokens) || has_top_p(s) || has_min_p(s);
}

// Whether a row with this largest logit can be drawn from. NaN compares false: a row of NaN leaves no maximum.
inline bool can_draw(float largest) {
    return largest > lowest_logit && largest < std::numeric_limits<float>::infinity();
}

// ---- adjust

inline float adjusted_logit(float logit, const logit_adjustment & by) {
    logit += by.bias;
    logit = logit > 0.0F ? logit / by.repetition : logit * by.repetition;
    return logit - by.subtract;
}

}  // namespace rast
