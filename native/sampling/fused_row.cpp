#include "fused_row.h"

#include "sampling_steps.h"

namespace rast {

namespace {

// A block whose largest logit is so far below the row's (after temperature) adds less than a rounding error: a million
// tokens at e^-40 weigh 4e-12 of the likeliest, and weights have 24 bits.
constexpr float negligible_depth = 40.0F;

}  // namespace

fused_row::fused_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch)
    : n_(std::min(in.n_drawable, in.n_vocab)) {
    scratch.fused.resize(static_cast<size_t>(n_) + row_lanes);
    scratch.block_max.resize(static_cast<size_t>(n_) / row_block + 1);
    z_ = scratch.fused.data();
    block_max_ = scratch.block_max.data();
    fuse(in, settings);
    if (in.masked != nullptr) {
        mask(*in.masked);
    }
    if (!in.adjusted) {
        adjust(settings);
    }
    max_ = minus_infinity;
    for (int b = 0; b < blocks(); ++b) {
        max_ = block_max_[b] > max_ ? block_max_[b] : max_;
    }
}

void fused_row::fuse(const row_inputs & in, const row_settings & settings) {
    const float * e[max_pairs];
    const float * a[max_pairs];
    float lambda[max_pairs];
    int pairs = 0;
    for (int k = 0; k < max_pairs; ++k) {
        if (in.expert[k] != nullptr && in.antiexpert[k] != nullptr && settings.lambda[k] != 0.0F) {
            e[pairs] = in.expert[k];
            a[pairs] = in.antiexpert[k];
            lambda[pairs] = settings.lambda[k];
            ++pairs;
        }
    }
    fuse_pairs(pairs, in.logits, e, a, lambda, z_, block_max_, n_);
}

void fused_row::mask(const std::vector<int32_t> & tokens) {
    int touched = -1;  // ascending ids: each block is looked at once
    for (const int32_t token : tokens) {
        if (token < n_) {
            if (touched >= 0 && touched / row_block != token / row_block) {
                update_block(touched);
            }
            z_[token] = never_logit;
            touched = token;
        }
    }
    if (touched >= 0) {
        update_block(touched);
    }
}

void fused_row::adjust(const row_settings & settings) {
    for (const auto & adjustment : settings.adjustments) {
        if (adjustment.token >= 0 && adjustment.token < n_) {
            z_[adjustment.token] = adjusted_logit(z_[adjustment.token], adjustment);
            update_block(adjustment.token);
        }
    }
}

void fused_row::update_block(int token) {
    const int b = token / row_block;
    block_max_[b] = largest_logit(z_ + static_cast<ptrdiff_t>(b) * row_block, block_end(b) - b * row_block);
}

int32_t fused_row::largest_token() const {
    for (int b = 0; b < blocks(); ++b) {
        if (block_max_[b] == max_) {
            for (int i = b * row_block; i < block_end(b); ++i) {
                if (z_[i] == max_) {
                    return i;
                }
            }
        }
    }
    return row_invalid;
}

double fused_row::total_mass(float inv_temperature) const {
    double total = 0.0;
    for (int b = 0; b < blocks(); ++b) {
        if ((block_max_[b] - max_) * inv_temperature > -negligible_depth) {
            total += mass_of_logits(z_ + static_cast<ptrdiff_t>(b) * row_block, block_end(b) - b * row_block, max_,
                                    inv_temperature);
        }
    }
    return total;
}

bool fused_row::collect(float low, float high, float inv_temperature, size_t most,
                        std::vector<row_candidate> & out) const {
    const float * z = z_;  // what is appended might be members, for all that a compiler knows
    const float max = max_;
    for (int b = 0; b < blocks(); ++b) {
        if (!(block_max_[b] >= low)) {
            continue;
        }
        for (int i = b * row_block; i < block_end(b); ++i) {
            if (z[i] >= low && z[i] < high) {
                out.push_back({z[i], exp_lane((z[i] - max) * inv_temperature), i});
            }
        }
        if (out.size() > most) {
            return false;
        }
    }
    return true;
}

}  // namespace rast
