// draw_row against the reference: every filter alone and combined, widths small and true, bias and penalties.
#include "../engine/philox.h"
#include "../engine/sampler_row.h"
#include "../engine/text_stream.h"
#include "harness.h"
#include "random_rows.h"
#include "reference.h"

#include <cmath>
#include <cstdio>
#include <limits>

namespace rast::test {

namespace {

void check_logprobs(const reference_row & expected, const row_settings & settings, const row_draw & draw,
                    double tolerance) {
    const auto logprob = [&](int32_t token) {
        return expected.logits[static_cast<size_t>(token)] - expected.log_total;
    };
    if (std::fabs(draw.logprob - logprob(draw.token)) > tolerance) {
        fail("log-probability of the drawn token off by " + std::to_string(draw.logprob - logprob(draw.token)));
    }
    const auto n = std::min<size_t>(static_cast<size_t>(settings.top_logprobs), expected.order.size());
    if (static_cast<size_t>(draw.n_top) != n) {
        fail("reported " + std::to_string(draw.n_top) + " alternatives, expected " + std::to_string(n));
    }
    for (size_t i = 0; i < n; ++i) {
        const double want = logprob(expected.order[i]);
        if (std::fabs(draw.top_logprobs[i] - want) > tolerance ||
            std::fabs(draw.top_logprobs[i] - logprob(draw.top_tokens[i])) > tolerance) {
            fail("alternative " + std::to_string(i) + " has log-probability " + std::to_string(draw.top_logprobs[i]) +
                 ", expected " + std::to_string(want));
        }
    }
}

}  // namespace

int test_row(const arguments & args) {
    const long rounds = args.number("rounds", 4000);
    const int widths[] = {1, 5, 32, 255, 256, 257, 1000, 5003, 151936, 152064};
    const tolerance within{2e-6, 2e-6};
    row_source source(7);
    // every row both ways: its candidates listed if they are few, and always in buckets
    row_scratch listed;
    row_scratch in_buckets;
    in_buckets.most_listed = 0;
    long near_ties = 0;
    long logprob_rows = 0;
    for (long round = 0; round < rounds; ++round) {
        // the wide rows are slow in the reference: one in forty
        const int n_vocab = widths[round % 40 == 0 ? 8 + (round / 40) % 2 : round % 8];
        const random_row row = source.row(n_vocab, static_cast<int>(round % 4));
        const row_settings settings = source.settings(row, static_cast<int>(round));

        row_inputs in;
        std::vector<std::pair<const float *, const float *>> pairs;
        in.logits = row.base.data();
        for (size_t k = 0; k < row.experts.size(); ++k) {
            in.expert[k] = row.experts[k].data();
            in.antiexpert[k] = row.antiexperts[k].data();
            pairs.emplace_back(row.experts[k].data(), row.antiexperts[k].data());
        }
        in.n_vocab = n_vocab;
        in.n_drawable = row.n_drawable;
        in.masked = &row.masked;
        const reference_row expected = reference_draw(
            reference_fuse(row.base.data(), pairs, settings, n_vocab, row.n_drawable, row.masked), settings);
        for (row_scratch * scratch : {&listed, &in_buckets}) {
            const row_draw draw = draw_row(in, settings, *scratch);
            if (draw.token != expected.token) {
                ++near_ties;
                if (!is_near_tie(expected, settings, draw.token, within)) {
                    fail("round " + std::to_string(round) + ", width " + std::to_string(n_vocab) + ": drew " +
                         std::to_string(draw.token) + ", expected " + std::to_string(expected.token));
                }
            }
            if (settings.top_logprobs >= 0) {
                ++logprob_rows;
                check_logprobs(expected, settings, draw, 2e-5);
            }
        }
    }
    if (near_ties * 250 > rounds) {
        fail(std::to_string(near_ties) + " near-ties in " + std::to_string(2 * rounds) + " draws: more than 0.2%");
    }

    // rows without a finite value are refused, whatever the settings
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        const std::vector<float> logits(300, bad);
        row_inputs in;
        in.logits = logits.data();
        in.n_vocab = in.n_drawable = 300;
        if (draw_row(in, row_settings{}, listed).token != row_invalid) {
            fail("a row without finite logits was drawn from");
        }
    }
    std::printf("ok rows %ld near-ties %ld with log-probabilities %ld\n", rounds, near_ties, logprob_rows);
    return 0;
}

int test_philox(const arguments &) {
    // known answers of Random123's kat_vectors for philox4x32, 10 rounds
    const struct {
        std::array<uint32_t, 4> counter;
        std::array<uint32_t, 2> key;
        std::array<uint32_t, 4> expected;
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (const auto & v : vectors) {
        if (philox4x32(v.counter, v.key) != v.expected) {
            fail("philox4x32 differs from its known answers");
        }
    }
    double mean = 0;
    for (uint32_t i = 0; i < 100000; ++i) {
        const float u = draw_uniform(42, 1, i, draw_purpose::token);
        if (!(u >= 0.0F && u < 1.0F)) {
            fail("a uniform number outside [0, 1)");
        }
        mean += u / 1e5;
    }
    if (std::fabs(mean - 0.5) > 0.005) {
        fail("uniform numbers with mean " + std::to_string(mean));
    }
    std::printf("ok\n");
    return 0;
}

int test_text(const arguments &) {
    const auto check = [](const std::vector<std::string> & stops, const std::vector<std::string> & pieces,
                          const std::vector<std::string> & expected, const std::string & rest,
                          const std::string & stop) {
        text_stream stream(stops);
        for (size_t i = 0; i < expected.size(); ++i) {
            const std::string got = stream.push(pieces[i]);
            if (got != expected[i]) {
                fail("piece " + std::to_string(i) + " gave \"" + got + "\", expected \"" + expected[i] + "\"");
            }
        }
        if (stream.stopped_by().value_or("") != stop) {
            fail("stopped by \"" + stream.stopped_by().value_or("") + "\", expected \"" + stop + "\"");
        }
        const std::string got = stream.finish();
        if (got != rest) {
            fail("the rest is \"" + got + "\", expected \"" + rest + "\"");
        }
    };
    check({}, {"a", "b"}, {"a", "b"}, "", "");
    check({}, {"\xF0\x9F", "\x98", "\x80!"}, {"", "", "\xF0\x9F\x98\x80!"}, "", "");
    check({}, {"x\xE2\x82"}, {"x"}, "\xEF\xBF\xBD", "");                            // cut off
    check({}, {"\xFF\xC0\xAF"}, {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, "", "");  // never valid
    check({}, {"\xED\xA0\x80"}, {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, "", "");  // a surrogate
    // overlong forms, and beyond U+10FFFF: every byte is replaced; the neighbours of each are characters
    const std::string bad2 = "\xEF\xBF\xBD\xEF\xBF\xBD";
    check({}, {"\xE0\x80\x80"}, {bad2 + "\xEF\xBF\xBD"}, "", "");
    check({}, {"\xE0\x9F\xBF"}, {bad2 + "\xEF\xBF\xBD"}, "", "");
    check({}, {"\xE0\xA0\x80"}, {"\xE0\xA0\x80"}, "", "");
    check({}, {"\xF0\x80\x80\x80"}, {bad2 + bad2}, "", "");
    check({}, {"\xF0\x8F\xBF\xBF"}, {bad2 + bad2}, "", "");
    check({}, {"\xF0\x90\x80\x80"}, {"\xF0\x90\x80\x80"}, "", "");
    check({}, {"\xF4\x90\x80\x80"}, {bad2 + bad2}, "", "");
    check({}, {"\xF4\x8F\xBF\xBF"}, {"\xF4\x8F\xBF\xBF"}, "", "");
    check({}, {"\xF5\x80"}, {bad2}, "", "");
    check({}, {"\xC1\xBF"}, {bad2}, "", "");
    check({}, {"\xC2\x80\xDF\xBF"}, {"\xC2\x80\xDF\xBF"}, "", "");
    check({}, {"\xED\x9F\xBF\xEE\x80\x80"}, {"\xED\x9F\xBF\xEE\x80\x80"}, "", "");
    check({}, {"\xE0", "\xA0", "\x80"}, {"", "", "\xE0\xA0\x80"}, "", "");
    check({}, {"\xE2\x82", "x"}, {"", "\xEF\xBF\xBDx"}, "", "");
    check({"stop"}, {"a s", "to", "p b"}, {"a ", "", ""}, "", "stop");
    check({"stop"}, {"sto", "x"}, {"", "stox"}, "", "");
    check({"stop"}, {"sto"}, {""}, "sto", "");
    check({"aab"}, {"aaa", "b"}, {"a", ""}, "", "aab");
    check({"b", "bc"}, {"abc"}, {"a"}, "", "bc");
    check({"cd", "b"}, {"abcd"}, {"a"}, "", "b");
    check({"\n\n"}, {"x\n", "\ny"}, {"x", ""}, "", "\n\n");
    check({"\xC3\xA9"}, {"a\xC3", "\xA9z"}, {"a", ""}, "", "\xC3\xA9");
    std::printf("ok\n");
    return 0;
}

}  // namespace rast::test
