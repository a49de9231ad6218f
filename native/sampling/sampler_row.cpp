#include "sampler_row.h"

#include "row_order.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

namespace rast {

namespace {

using candidate = row_candidate;

// The fused, masked and adjusted row, block by block, and what is known of it.
struct fused_row {
    float * z;
    float * block_max;
    int n;
    float max;

    int blocks() const { return (n + row_block - 1) / row_block; }

    int block_end(int b) const { return std::min(n, (b + 1) * row_block); }

    void update_block(int token) const {
        const int b = token / row_block;
        block_max[b] = largest_logit(z + static_cast<ptrdiff_t>(b) * row_block, block_end(b) - b * row_block);
    }

    double total_mass(float inv_temperature) const {
        double total = 0.0;
        for (int b = 0; b < blocks(); ++b) {
            // below e^-40 a whole block adds less than a rounding error
            if ((block_max[b] - max) * inv_temperature > -40.0F) {
                total += mass_of_logits(z + static_cast<ptrdiff_t>(b) * row_block, block_end(b) - b * row_block, max,
                                        inv_temperature);
            }
        }
        return total;
    }

    // Appends all tokens with low <= logit < high; stops beyond `most` and is then false.
    bool collect(float low, float high, float inv_temperature, size_t most, std::vector<candidate> & out) const {
        for (int b = 0; b < blocks(); ++b) {
            if (!(block_max[b] >= low)) {
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
};

// Lowers the threshold until the candidates hold `mass`, or all tokens are there. False if they are over `most`.
bool gather_mass(const fused_row & row, float inv_temperature, double mass, size_t most, std::vector<candidate> & out) {
    float high = std::numeric_limits<float>::infinity();
    double have = 0.0;
    for (float depth = 7.0F;; depth += 4.0F) {
        const bool all = depth > 90.0F;
        const float low = all ? lowest_logit : row.max - depth / inv_temperature;
        const size_t from = out.size();
        if (!row.collect(low, high, inv_temperature, most, out)) {
            return false;
        }
        have += mass_of(out.data() + from, out.data() + out.size());
        if (all || have >= mass) {
            return true;
        }
        high = low;
    }
}

// The `count` most likely tokens, or all if there are fewer, and perhaps others. False if they are over `most`.
bool gather_count(const fused_row & row, float inv_temperature, size_t count, size_t most, std::vector<float> & maxima,
                  std::vector<candidate> & out) {
    // as many blocks have a token at least as good as the best of the last of them
    float low = lowest_logit;
    if (count <= static_cast<size_t>(row.blocks())) {
        maxima.assign(row.block_max, row.block_max + row.blocks());
        const auto last = maxima.begin() + static_cast<ptrdiff_t>(count) - 1;
        std::nth_element(maxima.begin(), last, maxima.end(), std::greater<>());
        low = std::max(low, *last);
    }
    return row.collect(low, std::numeric_limits<float>::infinity(), inv_temperature, most, out);
}

fused_row fuse(const row_inputs & in, const row_settings & settings, row_scratch & scratch) {
    const int n = std::min(in.n_drawable, in.n_vocab);
    scratch.fused.resize(static_cast<size_t>(n) + row_lanes);
    scratch.block_max.resize(static_cast<size_t>(n) / row_block + 1);
    fused_row row{scratch.fused.data(), scratch.block_max.data(), n, minus_infinity};

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
    fuse_pairs(pairs, in.logits, e, a, lambda, row.z, row.block_max, n);

    if (in.masked != nullptr) {
        int touched = -1;  // ascending ids: each block is looked at once
        for (const int32_t token : *in.masked) {
            if (token < n) {
                if (touched >= 0 && touched / row_block != token / row_block) {
                    row.update_block(touched);
                }
                row.z[token] = minus_infinity;
                touched = token;
            }
        }
        if (touched >= 0) {
            row.update_block(touched);
        }
    }
    if (!in.adjusted) {
        for (const auto & adjustment : settings.adjustments) {
            if (adjustment.token < 0 || adjustment.token >= n) {
                continue;
            }
            float & z = row.z[adjustment.token];
            z += adjustment.bias;
            z = z > 0.0F ? z / adjustment.repetition : z * adjustment.repetition;
            z -= adjustment.subtract;
            row.update_block(adjustment.token);
        }
    }
    for (int b = 0; b < row.blocks(); ++b) {
        row.max = row.block_max[b] > row.max ? row.block_max[b] : row.max;
    }
    return row;
}

int32_t largest_token(const fused_row & row) {
    for (int b = 0; b < row.blocks(); ++b) {
        if (row.block_max[b] == row.max) {
            for (int i = b * row_block; i < row.block_end(b); ++i) {
                if (row.z[i] == row.max) {
                    return i;
                }
            }
        }
    }
    return row_invalid;
}

// Where the filters end in a row with very many candidates.
wide_row::cut filters_end(const wide_row & row, const row_settings & settings, bool top_k) {
    wide_row::cut end = top_k ? row.at_count(static_cast<size_t>(settings.top_k)) : row.whole();
    const auto cut_to = [&](const wide_row::cut & other) { end = wide_row::earlier(other, end) ? other : end; };
    if (settings.top_p < 1.0F) {
        cut_to(row.at_mass(static_cast<double>(settings.top_p) * end.mass, false));
    }
    if (settings.min_p > 0.0F) {
        cut_to(row.at_weight(settings.min_p));
    }
    return end;
}

// What the filters need to see of a row: the tokens that top-k keeps, or as much of the distribution as the later
// filters can need; without filters as much as the draw needs.
struct gathered {
    bool few = true;  // false: too many to be listed
    double total = 0.0;
};

bool has_top_k(const fused_row & row, const row_settings & settings) {
    return settings.top_k > 0 && settings.top_k < row.n;
}

gathered gather(const fused_row & row, const row_settings & settings, row_scratch & scratch) {
    const float inv_temperature = 1.0F / settings.temperature;
    const bool top_p = settings.top_p < 1.0F;
    auto & candidates = scratch.candidates;
    candidates.clear();
    gathered out;
    if (has_top_k(row, settings)) {
        const auto k = static_cast<size_t>(settings.top_k);
        out.few = gather_count(row, inv_temperature, k, scratch.most_listed, scratch.maxima, candidates);
        if (out.few && candidates.size() > k) {
            std::nth_element(candidates.begin(), candidates.begin() + (settings.top_k - 1), candidates.end(), before);
            candidates.resize(k);
        }
        out.total = mass_of(candidates.data(), candidates.data() + candidates.size());
    } else if (settings.min_p > 0.0F && !top_p) {
        // the logit at which the weight is min_p, with a little room: the exact test is below
        const float depth = -std::log(settings.min_p) * 1.0001F + 1e-4F;
        out.few = row.collect(row.max - depth / inv_temperature, std::numeric_limits<float>::infinity(),
                              inv_temperature, scratch.most_listed, candidates);
    } else {
        out.total = row.total_mass(inv_temperature);
        out.few = gather_mass(row, inv_temperature, (top_p ? settings.top_p : settings.u) * out.total,
                              scratch.most_listed, candidates);
    }
    return out;
}

// The end of what top-p and min-p keep of the candidates, which are reordered.
candidate * narrow(candidate * first, candidate * last, const row_settings & settings, double total) {
    if (settings.top_p < 1.0F) {
        // up to and with the token that reaches top_p
        last = split_by_mass(first, last, static_cast<double>(settings.top_p) * total, false) + 1;
    }
    if (settings.min_p > 0.0F) {
        last = std::partition(first, last, [&](const candidate & c) { return c.weight >= settings.min_p; });
    }
    return last;
}

int32_t draw_token(const fused_row & row, const row_settings & settings, row_scratch & scratch) {
    if (settings.temperature <= 0.0F) {
        return largest_token(row);
    }
    const gathered found = gather(row, settings, scratch);
    auto & candidates = scratch.candidates;
    if (!found.few) {
        const wide_row wide(row.z, row.n, row.max, 1.0F / settings.temperature, scratch.buckets, candidates);
        const wide_row::cut end = filters_end(wide, settings, has_top_k(row, settings));
        const wide_row::cut drawn = wide.at_mass(settings.u * end.mass, true);
        return wide_row::earlier(end, drawn) ? end.token : drawn.token;
    }
    if (candidates.empty()) {
        return largest_token(row);
    }
    candidate * first = candidates.data();
    candidate * last = narrow(first, first + candidates.size(), settings, found.total);
    const bool filtered = has_top_k(row, settings) || settings.top_p < 1.0F || settings.min_p > 0.0F;
    const double kept = filtered ? mass_of(first, last) : found.total;
    return split_by_mass(first, last, settings.u * kept, true)->token;
}

void report_logprobs(const fused_row & row, const row_settings & settings, row_scratch & scratch, row_draw & out) {
    const double log_total = std::log(row.total_mass(1.0F));
    const auto logprob = [&](float z) { return static_cast<float>(static_cast<double>(z) - row.max - log_total); };
    out.logprob = logprob(row.z[out.token]);
    const auto n_top = static_cast<size_t>(settings.top_logprobs);
    if (n_top == 0) {
        return;
    }
    auto & candidates = scratch.candidates;
    candidates.clear();
    gather_count(row, 1.0F, n_top, static_cast<size_t>(row.n), scratch.maxima, candidates);
    const size_t n = std::min(n_top, candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(n), candidates.end(), before);
    out.n_top = static_cast<int32_t>(n);
    for (size_t i = 0; i < n; ++i) {
        out.top_tokens[i] = candidates[i].token;
        out.top_logprobs[i] = logprob(candidates[i].logit);
    }
}

}  // namespace

void keep_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch,
              std::vector<candidate> & out) {
    out.clear();
    const fused_row row = fuse(in, settings, scratch);
    if (!(row.max > lowest_logit) || !std::isfinite(row.max)) {
        return;
    }
    const gathered found = gather(row, settings, scratch);
    auto & candidates = scratch.candidates;
    if (found.few) {
        candidate * first = candidates.data();
        candidate * last = narrow(first, first + candidates.size(), settings, found.total);
        out.assign(first, last);
        std::sort(out.begin(), out.end(), before);
        return;
    }
    const float inv_temperature = 1.0F / settings.temperature;
    const wide_row wide(row.z, row.n, row.max, inv_temperature, scratch.buckets, candidates);
    const wide_row::cut end = filters_end(wide, settings, has_top_k(row, settings));
    for (int32_t i = 0; i < row.n; ++i) {
        if (row.z[i] > end.logit || (row.z[i] == end.logit && i <= end.token)) {
            if (row.z[i] > lowest_logit) {
                out.push_back({row.z[i], exp_lane((row.z[i] - row.max) * inv_temperature), i});
            }
        }
    }
}

void fuse_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch, std::vector<float> & out) {
    const fused_row row = fuse(in, settings, scratch);
    out.assign(row.z, row.z + row.n);
}

row_draw draw_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch) {
    row_draw out;
    const fused_row row = fuse(in, settings, scratch);
    // NaN compares false: a row of NaN leaves no maximum
    if (!(row.max > lowest_logit) || !std::isfinite(row.max)) {
        out.token = row_invalid;
        return out;
    }
    out.token = draw_token(row, settings, scratch);
    if (out.token >= 0 && settings.top_logprobs >= 0) {
        report_logprobs(row, settings, scratch, out);
    }
    return out;
}

}  // namespace rast
