#include "sampler_row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

// The prebuilt addon is compiled for a baseline processor; the hot loops are compiled for newer ones as well and
// chosen once at load.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(RAST_NO_CLONES)
#    define RAST_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#    define RAST_HOT
#endif

namespace rast {

namespace {

constexpr int lanes = 16;
constexpr int block = 256;  // a block whose largest logit is too small is passed over whole
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

// z = logits, and the largest of each block. Lanes are separate accumulators, so that the compiler may vectorise
// without reordering sums.
template <int Pairs>
inline __attribute__((always_inline)) void fuse_body(const float * l, const float * const * e, const float * const * a,
                                                     const float * lambda, float * z, float * block_max, int n) {
    for (int b = 0; b < n; b += block) {
        const int end = std::min(n, b + block);
        float largest[lanes];
        for (float & v : largest) {
            v = minus_infinity;
        }
        int i = b;
        for (; i + lanes <= end; i += lanes) {
            for (int j = 0; j < lanes; ++j) {
                float v = l[i + j];
                if constexpr (Pairs > 0) {
                    v = v + lambda[0] * (e[0][i + j] - a[0][i + j]);
                }
                if constexpr (Pairs > 1) {
                    v = v + lambda[1] * (e[1][i + j] - a[1][i + j]);
                }
                if constexpr (Pairs > 2) {
                    v = v + lambda[2] * (e[2][i + j] - a[2][i + j]);
                }
                z[i + j] = v;
                largest[j] = v > largest[j] ? v : largest[j];
            }
        }
        float m = minus_infinity;
        for (const float v : largest) {
            m = v > m ? v : m;
        }
        for (; i < end; ++i) {
            float v = l[i];
            for (int k = 0; k < Pairs; ++k) {
                v = v + lambda[k] * (e[k][i] - a[k][i]);
            }
            z[i] = v;
            m = v > m ? v : m;
        }
        block_max[b / block] = m;
    }
}

RAST_HOT void fuse0(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) {
    fuse_body<0>(l, e, a, lambda, z, block_max, n);
}

RAST_HOT void fuse1(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) {
    fuse_body<1>(l, e, a, lambda, z, block_max, n);
}

RAST_HOT void fuse2(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) {
    fuse_body<2>(l, e, a, lambda, z, block_max, n);
}

RAST_HOT void fuse3(const float * l, const float * const * e, const float * const * a, const float * lambda, float * z,
                    float * block_max, int n) {
    fuse_body<3>(l, e, a, lambda, z, block_max, n);
}

// e^x for x in [-87, 0], 0 below: Cody-Waite reduction and a polynomial of degree 6.
inline __attribute__((always_inline)) float exp_lane(float x) {
    const float clamped = x > -87.0F ? x : -87.0F;
    const float n = (clamped * 1.44269504F + 12582912.0F) - 12582912.0F;  // round to nearest integer
    const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const float scale = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
    return x > -87.0F ? p * scale : 0.0F;
}

// Sum of exp((z - max) * inv_temperature) over one block.
RAST_HOT float block_mass(const float * z, int n, float max, float inv_temperature) {
    float sums[lanes] = {};
    int i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int j = 0; j < lanes; ++j) {
            sums[j] += exp_lane((z[i + j] - max) * inv_temperature);
        }
    }
    float sum = 0.0F;
    for (const float v : sums) {
        sum += v;
    }
    for (; i < n; ++i) {
        sum += exp_lane((z[i] - max) * inv_temperature);
    }
    return sum;
}

float largest_of(const float * z, int n) {
    float m = minus_infinity;
    for (int i = 0; i < n; ++i) {
        m = z[i] > m ? z[i] : m;
    }
    return m;
}

using candidate = row_scratch::candidate;

// Most likely first, ties by id.
bool before(const candidate & x, const candidate & y) {
    return x.logit != y.logit ? x.logit > y.logit : x.token < y.token;
}

double mass_of(const candidate * first, const candidate * last) {
    double mass = 0.0;
    for (; first != last; ++first) {
        mass += first->weight;
    }
    return mass;
}

// Reorders [first, last) so that, in the order of before(), all up to the returned element come first. That is the
// first element at which the cumulative weight exceeds `target` (strictly) or reaches it (not strictly); the last
// element if none does. Linear time: like nth_element, but by weight.
candidate * split_by_mass(candidate * first, candidate * last, double target, bool strictly) {
    const auto enough = [&](double mass) { return strictly ? mass > target : mass >= target; };
    double left_of = 0.0;
    while (last - first > 16) {
        // median of three
        candidate * mid = first + (last - first) / 2;
        candidate * end = last - 1;
        const candidate pivot = before(*first, *mid)
                                    ? (before(*mid, *end) ? *mid : (before(*first, *end) ? *end : *first))
                                    : (before(*first, *end) ? *first : (before(*mid, *end) ? *end : *mid));
        candidate * cut = std::partition(first, last, [&](const candidate & c) { return !before(pivot, c); });
        if (cut == last) {
            // the pivot is the last in order: put it there and go on without it
            candidate * at = std::find_if(first, last, [&](const candidate & c) { return c.token == pivot.token; });
            std::swap(*at, *(last - 1));
            cut = last - 1;
        }
        const double mass = mass_of(first, cut);
        if (enough(left_of + mass)) {
            last = cut;
        } else {
            left_of += mass;
            first = cut;
        }
    }
    std::sort(first, last, before);
    for (candidate * at = first; at != last; ++at) {
        left_of += at->weight;
        if (enough(left_of)) {
            return at;
        }
    }
    return last - 1;
}

// The fused, masked and adjusted row, block by block, and what is known of it.
struct fused_row {
    float * z;
    float * block_max;
    int n;
    float max;

    int blocks() const { return (n + block - 1) / block; }

    int block_end(int b) const { return std::min(n, (b + 1) * block); }

    void update_block(int token) const {
        const int b = token / block;
        block_max[b] = largest_of(z + static_cast<ptrdiff_t>(b) * block, block_end(b) - b * block);
    }

    double total_mass(float inv_temperature) const {
        double total = 0.0;
        for (int b = 0; b < blocks(); ++b) {
            // below e^-40 a whole block adds less than a rounding error
            if ((block_max[b] - max) * inv_temperature > -40.0F) {
                total +=
                    block_mass(z + static_cast<ptrdiff_t>(b) * block, block_end(b) - b * block, max, inv_temperature);
            }
        }
        return total;
    }

    // Appends all tokens with low <= logit < high.
    void collect(float low, float high, float inv_temperature, std::vector<candidate> & out) const {
        for (int b = 0; b < blocks(); ++b) {
            if (!(block_max[b] >= low)) {
                continue;
            }
            for (int i = b * block; i < block_end(b); ++i) {
                if (z[i] >= low && z[i] < high) {
                    out.push_back({z[i], exp_lane((z[i] - max) * inv_temperature), i});
                }
            }
        }
    }
};

// Lowers the threshold until the candidates hold `mass` and `count`, or all tokens are there.
void gather(const fused_row & row, float inv_temperature, double mass, size_t count, std::vector<candidate> & out) {
    float high = std::numeric_limits<float>::infinity();
    double have = 0.0;
    for (float depth = 7.0F;; depth += 4.0F) {
        const bool all = depth > 90.0F;
        const float low = all ? -1e29F : row.max - depth / inv_temperature;
        const size_t from = out.size();
        row.collect(low, high, inv_temperature, out);
        have += mass_of(out.data() + from, out.data() + out.size());
        if (all || (have >= mass && out.size() >= count)) {
            return;
        }
        high = low;
    }
}

fused_row fuse(const row_inputs & in, const row_settings & settings, row_scratch & scratch) {
    const int n = std::min(in.n_drawable, in.n_vocab);
    scratch.fused.resize(static_cast<size_t>(n) + lanes);
    scratch.block_max.resize(static_cast<size_t>(n) / block + 1);
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
    constexpr decltype(&fuse0) fuses[] = {fuse0, fuse1, fuse2, fuse3};
    fuses[pairs](in.logits, e, a, lambda, row.z, row.block_max, n);

    if (in.masked != nullptr) {
        int touched = -1;  // ascending ids: each block is looked at once
        for (const int32_t token : *in.masked) {
            if (token < n) {
                if (touched >= 0 && touched / block != token / block) {
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
            for (int i = b * block; i < row.block_end(b); ++i) {
                if (row.z[i] == row.max) {
                    return i;
                }
            }
        }
    }
    return row_invalid;
}

int32_t draw_token(const fused_row & row, const row_settings & settings, std::vector<candidate> & candidates) {
    if (settings.temperature <= 0.0F) {
        return largest_token(row);
    }
    const float inv_temperature = 1.0F / settings.temperature;
    const bool top_k = settings.top_k > 0 && settings.top_k < row.n;
    const bool top_p = settings.top_p < 1.0F;
    const bool min_p = settings.min_p > 0.0F;
    candidates.clear();

    // top-k, or as much of the distribution as the later filters can need
    double total = 0.0;
    if (top_k) {
        gather(row, inv_temperature, 0.0, static_cast<size_t>(settings.top_k), candidates);
        if (candidates.size() > static_cast<size_t>(settings.top_k)) {
            std::nth_element(candidates.begin(), candidates.begin() + (settings.top_k - 1), candidates.end(), before);
            candidates.resize(static_cast<size_t>(settings.top_k));
        }
        total = mass_of(candidates.data(), candidates.data() + candidates.size());
    } else {
        total = row.total_mass(inv_temperature);
        const double needed = top_p ? settings.top_p * total : min_p ? 0.0 : settings.u * total;
        if (min_p && !top_p) {
            // the logit at which the weight is min_p, with a little room: the exact test is below
            const float depth = -std::log(settings.min_p) * 1.0001F + 1e-4F;
            row.collect(row.max - depth / inv_temperature, std::numeric_limits<float>::infinity(), inv_temperature,
                        candidates);
        } else {
            gather(row, inv_temperature, needed, 1, candidates);
        }
    }
    if (candidates.empty()) {
        return largest_token(row);
    }
    candidate * first = candidates.data();
    candidate * last = first + candidates.size();

    if (top_p) {
        // up to and with the token that reaches top_p
        last = split_by_mass(first, last, static_cast<double>(settings.top_p) * total, false) + 1;
    }
    if (min_p) {
        last = std::partition(first, last, [&](const candidate & c) { return c.weight >= settings.min_p; });
    }
    const double kept = top_k || top_p || min_p ? mass_of(first, last) : total;
    return split_by_mass(first, last, settings.u * kept, true)->token;
}

void report_logprobs(const fused_row & row, const row_settings & settings, std::vector<candidate> & candidates,
                     row_draw & out) {
    const double log_total = std::log(row.total_mass(1.0F));
    const auto logprob = [&](float z) { return static_cast<float>(static_cast<double>(z) - row.max - log_total); };
    out.logprob = logprob(row.z[out.token]);
    const auto n_top = static_cast<size_t>(settings.top_logprobs);
    if (n_top == 0) {
        return;
    }
    candidates.clear();
    gather(row, 1.0F, 0.0, n_top, candidates);
    const size_t n = std::min(n_top, candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(n), candidates.end(), before);
    out.n_top = static_cast<int32_t>(n);
    for (size_t i = 0; i < n; ++i) {
        out.top_tokens[i] = candidates[i].token;
        out.top_logprobs[i] = logprob(candidates[i].logit);
    }
}

}  // namespace

void exp_block(const float * x, float * y, int n) {
    for (int i = 0; i < n; ++i) {
        y[i] = exp_lane(x[i]);
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
    if (!(row.max > -1e29F) || !std::isfinite(row.max)) {
        out.token = row_invalid;
        return out;
    }
    out.token = draw_token(row, settings, scratch.candidates);
    if (out.token >= 0 && settings.top_logprobs >= 0) {
        report_logprobs(row, settings, scratch.candidates, out);
    }
    return out;
}

}  // namespace rast
