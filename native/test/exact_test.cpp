// Rows whose right answer is known to the bit: ties, bounds met exactly, bans. No tolerance.
#include "../sampling/philox.h"
#include "../sampling/row_order.h"
#include "../sampling/sampler_row.h"
#include "exact_buckets.h"
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace rast::test {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Every row is drawn three ways: its candidates listed, in buckets, and with the limit between them just met.
class exact_row {
  public:
    explicit exact_row(std::vector<float> logits) : logits_(std::move(logits)) {
        in.logits = logits_.data();
        in.n_vocab = in.n_drawable = static_cast<int32_t>(logits_.size());
    }

    void expect(const row_settings & settings, int32_t token, const std::string & what) const {
        for (const size_t most : {size_t{4096}, size_t{0}, logits_.size(), logits_.size() - 1}) {
            row_scratch scratch;
            scratch.most_listed = most;
            const row_draw got = draw_row(in, settings, scratch);
            if (got.token != token) {
                fail(what + ": drew " + std::to_string(got.token) + ", expected " + std::to_string(token) +
                     " (at most " + std::to_string(most) + " listed)");
            }
        }
    }

    row_inputs in;

  private:
    std::vector<float> logits_;
};

row_settings at(float u) {
    row_settings s;
    s.u = u;
    return s;
}

float just_below(float x) {
    return std::nextafter(x, -infinity);
}

float just_above(float x) {
    return std::nextafter(x, infinity);
}

void ties() {
    // all equal: the order is that of the ids, whatever the number of tokens and blocks
    for (const size_t n : {4UL, 16UL, 20UL, 255UL, 256UL, 257UL, 1024UL, 4096UL, 4097UL}) {
        const exact_row row(std::vector<float>(n, 1.5F));
        const std::string width = std::to_string(n) + " equal logits";
        row_settings greedy = at(0.9F);
        greedy.temperature = 0;
        row.expect(greedy, 0, width + ", greedy");
        row_settings k = at(0.0F);
        k.top_k = 3;
        row.expect(k, 0, width + ", the first of three");
        k.u = 0.34F;
        row.expect(k, 1, width + ", the second of three");
        k.u = just_below(1.0F);
        row.expect(k, 2, width + ", the third of three");
        k.top_k = static_cast<int32_t>(n) - 1;
        row.expect(k, static_cast<int32_t>(n) - 2, width + ", all but the last");
        k.top_k = static_cast<int32_t>(n);
        row.expect(k, static_cast<int32_t>(n) - 1, width + ", as many as there are");
        row.expect(at(0.0F), 0, width + ", u 0");
        row.expect(at(just_below(1.0F)), static_cast<int32_t>(n) - 1, width + ", u just below 1");
    }
    // the larger logit first, then the smaller id
    std::vector<float> logits(300, 0.0F);
    logits[260] = logits[7] = 2.0F;
    logits[3] = 2.0F;
    logits[299] = 2.5F;
    const exact_row row(logits);
    const int32_t order[] = {299, 3, 7, 260, 0, 1};
    for (int32_t k = 1; k <= 6; ++k) {
        row_settings s = at(just_below(1.0F));
        s.top_k = k;
        row.expect(s, order[k - 1], "the last of the top " + std::to_string(k));
    }
}

void bounds() {
    // four tokens of the same weight: cumulative masses are 1, 2, 3 and 4, exactly
    const exact_row four({0.0F, 0.0F, 0.0F, 0.0F});
    four.expect(at(just_below(0.25F)), 0, "u just below a border");
    four.expect(at(0.25F), 1, "u at a border belongs to the next token");
    four.expect(at(0.75F), 3, "u at the last border");
    row_settings p = at(just_below(1.0F));
    p.top_p = 0.5F;
    four.expect(p, 1, "top-p keeps up to the token that reaches it");
    p.top_p = just_above(0.5F);
    four.expect(p, 2, "top-p keeps the token that first exceeds it");
    p.top_p = just_below(0.5F);
    four.expect(p, 1, "top-p just below a border");
    p.top_p = 1e-9F;
    four.expect(p, 0, "top-p keeps one token at least");
    p.top_p = 0.5F;
    p.top_k = 2;
    four.expect(p, 0, "top-p is of what top-k kept");
    // min-p keeps a token whose weight is exactly the bound
    for (const float temperature : {1.0F, 0.5F, 2.0F}) {
        for (const float low : {-0.25F, -1.0F, -3.0F}) {
            const exact_row two({low, 0.0F, low});
            const float weight = exp_lane(low * (1.0F / temperature));
            row_settings s = at(just_below(1.0F));
            s.temperature = temperature;
            s.min_p = weight;
            two.expect(s, 2, "min-p at exactly a token's weight");
            s.top_k = 2;
            two.expect(s, 0, "min-p at exactly a token's weight, after top-k");
            s.top_k = 0;
            s.min_p = just_above(weight);
            two.expect(s, 1, "min-p just above a token's weight");
        }
    }
    row_settings all = at(just_below(1.0F));
    all.min_p = 1.0F;
    exact_row({1.0F, 1.0F, just_below(1.0F)}).expect(all, 1, "min-p 1 keeps the best alone");
    // temperature divides
    const exact_row odds({0.0F, -2.0F});
    row_settings t = at(0.95F);
    odds.expect(t, 1, "temperature 1: the first has 0.881");
    t.temperature = 0.5F;
    odds.expect(t, 0, "temperature 0.5: the first has 0.982");
}

void bans() {
    row_settings last = at(just_below(1.0F));
    // from n_drawable on nothing is drawn, nor what is masked, nor what is banned
    for (const int32_t n : {5, 256, 300, 600}) {
        std::vector<float> logits(static_cast<size_t>(n), 0.0F);
        logits[static_cast<size_t>(n) - 1] = 50.0F;
        logits[static_cast<size_t>(n) - 3] = 40.0F;
        exact_row row(logits);
        row.expect(at(0.5F), n - 1, "nothing is banned");
        row.in.n_drawable = n - 1;
        row.expect(at(0.5F), n - 3, "beyond n_drawable");
        const std::vector<int32_t> masked = {1, n - 3};
        row.in.masked = &masked;
        row.expect(last, n - 2, "masked");
        row_settings greedy;
        greedy.temperature = 0;
        row.expect(greedy, 0, "masked, greedy");
        row_settings banned = last;
        for (const float never : {-infinity, -1e30F}) {
            banned.adjustments = {{n - 2, never, 1.0F, 0.0F}, {0, never, 1.3F, 0.0F}};
            row.expect(banned, n == 5 ? row_invalid : n - 4, "banned by bias");
        }
    }
    const exact_row two({-1e30F, -5.0F});
    two.expect(at(0.0F), 1, "a banned token, u 0");
    two.expect(last, 1, "a banned token, u just below 1");
    exact_row({-1e30F, -1e30F}).expect(last, row_invalid, "only banned tokens");
    exact_row({infinity, 0.0F}).expect(last, row_invalid, "an infinite logit");
    exact_row({-infinity, std::nanf("")}).expect(last, row_invalid, "nothing finite");
    exact_row({std::nanf(""), 1.0F}).expect(last, 1, "a number beside what is none");
}

void adjustments() {
    const std::vector<float> logits = {2.0F, -2.0F, 0.5F, 1.0F, -1.0F, 3.0F};
    row_inputs in;
    in.logits = logits.data();
    in.n_vocab = in.n_drawable = 6;
    row_settings s;
    // bias first; then a positive logit is divided, another multiplied; then the rest is subtracted
    s.adjustments = {{0, 1.0F, 1.5F, 0.25F}, {1, 0.0F, 1.5F, 0.25F}, {2, -1.5F, 2.0F, 0.0F}, {3, -1.0F, 4.0F, 0.5F},
                     {4, 2.0F, 2.0F, -1.0F}, {6, 9.0F, 1.0F, 0.0F},  {-1, 9.0F, 1.0F, 0.0F}};
    row_scratch scratch;
    std::vector<float> fused;
    fuse_row(in, s, scratch, fused);
    if (fused != std::vector<float>{1.75F, -3.25F, -2.0F, -0.5F, 1.5F, 3.0F}) {
        fail("bias and penalties give other logits");
    }
    in.adjusted = true;
    fuse_row(in, s, scratch, fused);
    if (fused != logits) {
        fail("a row that is adjusted already was adjusted again");
    }
    // a block's maximum follows its tokens, up and down
    std::vector<float> wide(600, 0.0F);
    wide[300] = 5.0F;
    const exact_row row(wide);
    row_settings greedy;
    greedy.temperature = 0;
    greedy.adjustments = {{300, -6.0F, 1.0F, 0.0F}, {599, 1.0F, 1.0F, 0.0F}};
    row.expect(greedy, 599, "the largest logit after bias");
    // likewise where tokens of several blocks are masked
    std::vector<float> peaks(600, 0.0F);
    peaks[5] = 9.0F;
    peaks[290] = 8.0F;
    peaks[599] = 7.0F;
    peaks[400] = 1.0F;
    exact_row masked_row(peaks);
    const std::vector<int32_t> masked = {5, 6, 290, 599};
    masked_row.in.masked = &masked;
    greedy.adjustments.clear();
    masked_row.expect(greedy, 400, "the largest logit beside masked ones of three blocks");
    row_settings k;
    k.top_k = 1;
    masked_row.expect(k, 400, "the likeliest token beside masked ones of three blocks");
    // an id that the row does not have changes nothing, not even the work space behind it
    s.adjustments = {{6, 9.0F, 1.0F, 0.0F}};
    row_scratch fresh;
    fuse_row(row_inputs{logits.data(), {}, {}, 6, 6}, s, fresh, fused);
    if (fused != logits || fresh.fused.at(6) != 0.0F) {
        fail("a bias beyond the row is written");
    }
}

void fusion() {
    // exact in float, and with a tail that fills no vector
    for (const int32_t n : {1, 15, 16, 17, 255, 256, 257, 300}) {
        std::vector<float> base;
        std::vector<std::vector<float>> e(max_pairs);
        std::vector<std::vector<float>> a(max_pairs);
        for (int32_t i = 0; i < n; ++i) {
            base.push_back(static_cast<float>(i % 7));
            for (int k = 0; k < max_pairs; ++k) {
                e[static_cast<size_t>(k)].push_back(static_cast<float>((i * (k + 2)) % 5));
                a[static_cast<size_t>(k)].push_back(static_cast<float>((i + k) % 3));
            }
        }
        const std::array<float, max_pairs> lambdas[] = {
            {0, 0, 0}, {1, 0, 0}, {0, 0.5F, 0}, {-0.5F, 0, 2}, {0.5F, 1, -1}};
        for (const auto & lambda : lambdas) {
            row_inputs in;
            in.logits = base.data();
            in.n_vocab = in.n_drawable = n;
            row_settings s;
            s.lambda = lambda;
            std::vector<float> expected = base;
            for (size_t k = 0; k < max_pairs; ++k) {
                in.expert[k] = e[k].data();
                in.antiexpert[k] = a[k].data();
                for (size_t i = 0; i < expected.size(); ++i) {
                    expected[i] += lambda[k] * (e[k][i] - a[k][i]);
                }
            }
            row_scratch scratch;
            std::vector<float> fused;
            fuse_row(in, s, scratch, fused);
            if (fused != expected) {
                fail("fused logits at width " + std::to_string(n));
            }
            row_settings greedy = s;
            greedy.temperature = 0;
            const auto largest = std::max_element(expected.begin(), expected.end());
            if (draw_row(in, greedy, scratch).token != largest - expected.begin()) {
                fail("the largest fused logit at width " + std::to_string(n));
            }
        }
    }
}

void logprobs() {
    std::vector<float> logits(300, -1.0F);
    logits[299] = logits[4] = 1.0F;
    row_inputs in;
    in.logits = logits.data();
    in.n_vocab = in.n_drawable = 300;
    row_scratch scratch;
    row_settings s = at(0.0F);
    s.temperature = 0.25F;  // log-probabilities are those at 1
    s.top_k = 1;
    s.adjustments = {{7, 2.0F, 1.0F, 0.0F}};
    const int32_t order[] = {4, 7, 299, 0, 1};
    const double total = 3 * std::exp(1.0) + 297 * std::exp(-1.0);
    for (const int32_t n : {0, 1, 2, 3, 5, max_top_logprobs}) {
        s.top_logprobs = n;
        const row_draw draw = draw_row(in, s, scratch);
        if (draw.token != 4 || draw.n_top != n || std::fabs(draw.logprob - (1.0 - std::log(total))) > 1e-5) {
            fail("log-probabilities of " + std::to_string(n) + " alternatives");
        }
        for (int32_t i = 0; i < std::min(n, 5); ++i) {
            const auto k = static_cast<size_t>(i);
            const double want = (i < 3 ? 1.0 : -1.0) - std::log(total);
            if (draw.top_tokens[k] != order[i] || std::fabs(draw.top_logprobs[k] - want) > 1e-5) {
                fail("alternative " + std::to_string(i) + " of " + std::to_string(n));
            }
        }
    }
    in.n_drawable = 3;
    s.top_logprobs = 10;
    if (draw_row(in, s, scratch).n_top != 3) {
        fail("more alternatives than tokens");
    }
    s.top_logprobs = -1;
    if (draw_row(in, s, scratch).n_top != 0) {
        fail("alternatives that nobody asked for");
    }
}

void splits() {
    // split_by_mass against its definition on a sorted copy, with many ties and every border
    uint32_t state = 1;
    const auto below = [&](uint32_t n) { return ((state = state * 1664525U + 1013904223U) >> 8 & 0xFFFFU) % n; };
    for (int round = 0; round < 400; ++round) {
        std::vector<row_candidate> all;
        for (uint32_t i = 1 + below(120); i > 0; --i) {
            const auto level = static_cast<float>(below(4));
            all.push_back({-level, std::exp2(-level), static_cast<int32_t>(all.size())});
        }
        std::vector<row_candidate> sorted = all;
        std::sort(sorted.begin(), sorted.end(), before);
        for (size_t i = all.size() - 1; i > 0; --i) {
            std::swap(all[i], all[below(static_cast<uint32_t>(i + 1))]);
        }
        for (const bool strictly : {false, true}) {
            double mass = 0;
            const size_t border = below(static_cast<uint32_t>(sorted.size()));
            for (size_t i = 0; i <= border; ++i) {
                mass += sorted[i].weight;
            }
            const size_t expected = std::min(border + (strictly ? 1 : 0), sorted.size() - 1);
            std::vector<row_candidate> work = all;
            const row_candidate * found = split_by_mass(work.data(), work.data() + work.size(), mass, strictly);
            if (found->token != sorted[expected].token || found != work.data() + expected) {
                fail("split at " + std::to_string(border) + " of " + std::to_string(sorted.size()));
            }
        }
    }
}

}  // namespace

int test_exact(const arguments &) {
    ties();
    bounds();
    bans();
    adjustments();
    fusion();
    logprobs();
    splits();
    exact_buckets();
    std::printf("ok exact rows\n");
    return 0;
}

int test_numbers(const arguments &) {
    // 24 bits of Philox4x32-10 with counter (position, ordinal, purpose, 0) and key (low, high word of the seed)
    const struct {
        uint64_t seed;
        uint32_t ordinal;
        uint32_t position;
        uint32_t purpose;
        uint32_t bits;
    } known[] = {
        {0x0U, 0U, 0U, 0U, 6694888},
        {0x1U, 0U, 0U, 0U, 14936070},
        {0x100000000U, 0U, 0U, 0U, 16637502},
        {0x123456789abcdefU, 7U, 1000U, 0U, 6520521},
        {0x123456789abcdefU, 7U, 1000U, 1U, 9757661},
        {0xffffffffffffffffU, 4294967295U, 4294967295U, 0U, 5052631},
        {0x5U, 1U, 0U, 0U, 15639895},
        {0x5U, 0U, 1U, 0U, 5825403},
    };
    for (const auto & one : known) {
        const float u = draw_uniform(one.seed, one.ordinal, one.position, static_cast<draw_purpose>(one.purpose));
        if (u != static_cast<float>(one.bits) / 16777216.0F) {
            fail("the number of seed " + std::to_string(one.seed) + " differs");
        }
    }
    std::printf("ok numbers\n");
    return 0;
}

}  // namespace rast::test
