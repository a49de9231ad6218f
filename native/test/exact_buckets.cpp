#include "exact_buckets.h"

#include "../sampling/row_order.h"
#include "../sampling/sampler_row.h"
#include "../sampling/wide_row.h"
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace rast::test {

namespace {

// Two tokens at 0, three at -1, banned ones between and behind; nothing further down.
const std::vector<float> & two_levels() {
    static const std::vector<float> logits = [] {
        std::vector<float> out(307, -1e30F);
        out[300] = out[9] = 0.0F;
        out[2] = out[17] = out[306] = -1.0F;
        return out;
    }();
    return logits;
}

void buckets() {
    // every step of 1 is a bucket: from a logit at its beginning up to the next one's, in vectors and behind them
    for (const int n : {5, 16, 37}) {
        std::vector<float> logits;
        for (int i = 0; i < n; ++i) {
            logits.push_back(-static_cast<float>(i));
        }
        logits[3] = -1e30F;
        logit_buckets known;
        fill_buckets(logits.data(), n, 1.0F, known);
        for (int b = 0; b < n; ++b) {
            if (known.count[static_cast<size_t>(b)] != (b == 3 ? 0U : 1U)) {
                fail("a bucket of one logit");
            }
            std::vector<row_candidate> inside;
            collect_buckets(logits.data(), n, 1.0F, known, b, b, inside);
            if (inside.size() != (b == 3 ? 0U : 1U) || (b != 3 && inside[0].token != b)) {
                fail("a bucket holds the logits from its own up to the next one's");
            }
        }
        if (known.count[logit_buckets::n - 1] != 0 || known.count[logit_buckets::n] != 1 ||
            known.mass[logit_buckets::n - 1] != 0.0) {
            fail("banned tokens are in no bucket");
        }
    }
    // masses of whole buckets met exactly: 2, then more
    logit_buckets space;
    std::vector<row_candidate> inside;
    const std::vector<float> & logits = two_levels();
    const wide_row wide(logits.data(), static_cast<int>(logits.size()), 0.0F, 1.0F, space, inside);
    const struct {
        wide_row::cut got;
        int32_t token;
    } cuts[] = {{wide.at_mass(2.0, true), 2},   {wide.at_mass(2.0, false), 300},
                {wide.at_mass(1.0, true), 300}, {wide.at_mass(1.0, false), 9},
                {wide.at_mass(0.0, true), 9},   {wide.at_mass(100.0, true), 306},
                {wide.at_count(2), 300},        {wide.at_count(3), 2},
                {wide.at_count(5), 306},        {wide.at_weight(exp_lane(-1)), 306}};
    for (const auto & one : cuts) {
        if (one.got.token != one.token || one.got.logit != logits[static_cast<size_t>(one.token)]) {
            fail("a cut at token " + std::to_string(one.got.token) + ", expected " + std::to_string(one.token));
        }
    }
    if (wide.at_count(2).mass != 2.0 || wide.at_mass(2.0, false).mass != 2.0) {
        fail("the mass up to a cut");
    }
}

// What filters keep is the same listed and in buckets.
void kept() {
    row_inputs in;
    in.logits = two_levels().data();
    in.n_vocab = in.n_drawable = static_cast<int32_t>(two_levels().size());
    const auto expect = [&](const row_settings & settings, std::vector<int32_t> tokens, const char * what) {
        for (const size_t most : {size_t{4096}, size_t{0}}) {
            row_scratch scratch;
            scratch.most_listed = most;
            std::vector<row_candidate> got;
            keep_row(in, settings, scratch, got);
            std::vector<int32_t> ids;
            for (const auto & one : got) {
                ids.push_back(one.token);
                if (one.weight != exp_lane(two_levels()[static_cast<size_t>(one.token)])) {
                    fail(std::string(what) + ": another weight");
                }
            }
            std::sort(ids.begin(), ids.end());
            if (ids != tokens) {
                fail(std::string(what) + ": " + std::to_string(ids.size()) + " tokens are kept");
            }
        }
    };
    const std::vector<int32_t> all = {2, 9, 17, 300, 306};
    for (const int32_t k : {2, 3, 5, 6, 100}) {
        row_settings s;
        s.top_k = k;
        expect(s, k == 2 ? std::vector<int32_t>{9, 300} : k == 3 ? std::vector<int32_t>{2, 9, 300} : all, "top-k");
    }
    row_settings p;
    p.top_p = 0.5F;
    expect(p, {9, 300}, "top-p");
    p.top_p = 0.999F;
    expect(p, all, "top-p of nearly all");
    row_settings m;
    m.min_p = exp_lane(-1);
    expect(m, all, "min-p");
    m.min_p = std::nextafter(m.min_p, std::numeric_limits<float>::infinity());
    expect(m, {9, 300}, "min-p above the second level");
    m.top_k = 1;
    expect(m, {9}, "min-p and top-k");
}

}  // namespace

void exact_buckets() {
    buckets();
    kept();
}

}  // namespace rast::test
