// draw_row against the reference: every filter alone and combined, widths small and true, bias and penalties.
#include "../sampling/philox.h"
#include "../sampling/sampler_row.h"
#include "../text/text_stream.h"
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
    // all of the seed, the ordinal, the position and the purpose count: 24 bits each of an independent implementation
    const struct {
        uint64_t seed;
        uint32_t ordinal;
        uint32_t position;
        uint32_t purpose;
        uint32_t bits;
    } numbers[] = {{0x0U, 0, 0, 0, 6694888},
                   {0x100000000U, 0, 0, 0, 16637502},
                   {0x1U, 0, 0, 0, 14936070},
                   {0x123456789abcdef0U, 7, 1000, 1, 7767118}};
    for (const auto & n : numbers) {
        const float u = draw_uniform(n.seed, n.ordinal, n.position, static_cast<draw_purpose>(n.purpose));
        if (u != static_cast<float>(n.bits) * 0x1p-24F) {
            fail("a random number differs from its known value");
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

namespace {

// The decoder of the WHATWG's Encoding standard, step by step; what TextDecoder does.
std::string decoded(const std::string & bytes) {
    std::string out;
    std::string character;
    int needed = 0;
    uint8_t lower = 0x80;
    uint8_t upper = 0xBF;
    for (size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<uint8_t>(bytes[i]);
        if (needed == 0) {
            character = std::string(1, bytes[i]);
            if (byte < 0x80) {
                out += character;
            } else if (byte >= 0xC2 && byte <= 0xF4) {
                needed = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
                lower = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
                upper = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
            } else {
                out += "\xEF\xBF\xBD";
            }
            continue;
        }
        if (byte < lower || byte > upper) {
            out += "\xEF\xBF\xBD";
            needed = 0;
            lower = 0x80;
            upper = 0xBF;
            --i;  // this byte begins anew
            continue;
        }
        lower = 0x80;
        upper = 0xBF;
        character += bytes[i];
        if (--needed == 0) {
            out += character;
        }
    }
    return needed > 0 ? out + "\xEF\xBF\xBD" : out;
}

// Bytes of every kind, in pieces of every size.
void check_utf8() {
    const uint8_t kinds[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                             0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    constexpr size_t n = sizeof kinds;
    for (size_t number = 0; number < n * n * n * n; ++number) {
        std::string bytes;
        for (size_t rest = number, i = 0; i < 4; ++i, rest /= n) {
            bytes += static_cast<char>(kinds[rest % n]);
        }
        const std::string expected = decoded(bytes);
        text_stream stream({});
        std::string streamed;
        for (size_t at = 0, size = 1 + number % 3; at < bytes.size(); at += size) {
            streamed += stream.push(std::string_view(bytes).substr(at, size));
        }
        streamed += stream.finish();
        if (valid_utf8(bytes) != expected || streamed != expected) {
            std::string shown;
            for (const char byte : bytes) {
                shown += " " + std::to_string(static_cast<uint8_t>(byte));
            }
            fail("the bytes" + shown + " become other text than in a TextDecoder");
        }
    }
}

struct shown_piece {
    const char * text;
    bool hidden;
};

// Stop strings over tokens that are not shown.
void check_hidden() {
    const struct {
        std::vector<std::string> stops;
        std::vector<shown_piece> pieces;
        const char * text;
        const char * stop;
    } cases[] = {
        {{"<|end|>"}, {{"a", false}, {"<|end|>", true}}, "a", "<|end|>"},
        {{"b<|end|>c"}, {{"ab", false}, {"<|end|>", true}, {"cd", false}}, "a", "b<|end|>c"},
        {{"<|a|><|b|>"}, {{"x", false}, {"<|a|>", true}, {"<|b|>", true}}, "x", "<|a|><|b|>"},
        {{"bc"}, {{"ab", false}, {"<|x|>", true}, {"cd", false}}, "a", "bc"},
        {{"bc"}, {{"ab", false}, {"<|x|>", true}, {"xd", false}}, "abxd", ""},
        {{"|x|"}, {{"a", false}, {"<|x|>", true}, {"b", false}}, "ab", ""},
        {{"a<|x"}, {{"a", false}, {"<|x|>", true}, {"b", false}}, "ab", ""},
        {{"|>b"}, {{"a", false}, {"<|x|>", true}, {"b", false}}, "ab", ""},
        {{"b<|y|>"}, {{"ab", false}, {"<|x|>", true}, {"<|y|>", true}}, "ab", ""},
        {{"abcd", "b<|x|>c"}, {{"ab", false}, {"<|x|>", true}, {"cd", false}}, "", "abcd"},
        {{"abce", "b<|x|>c"}, {{"ab", false}, {"<|x|>", true}, {"cd", false}}, "a", "b<|x|>c"},
        {{}, {{"a", false}, {"<|x|>", true}, {"b", false}}, "ab", ""},
    };
    for (const auto & one : cases) {
        text_stream stream(one.stops);
        std::string text;
        for (const auto & piece : one.pieces) {
            if (!stream.stopped_by()) {
                text += piece.hidden ? stream.push_hidden(piece.text) : stream.push(piece.text);
            }
        }
        text += stream.stopped_by() ? "" : stream.finish();
        if (text != one.text || stream.stopped_by().value_or("") != one.stop) {
            fail("\"" + text + "\" stopped by \"" + stream.stopped_by().value_or("") + "\", expected \"" + one.text +
                 "\" and \"" + one.stop + "\"");
        }
    }
    // tokens without end that are not shown take no memory, and what is held back for a stop string comes in the end
    text_stream stream({"ab", "a<|x|><|y|>"});
    std::string text = stream.push("a");
    for (int i = 0; i < 100000; ++i) {
        text += stream.push_hidden("<|x|>");
    }
    text += stream.push("c");
    if (text != "ac") {
        fail("\"" + text + "\" after tokens that are not shown");
    }
}

// Text that nobody drew: whatever stop strings say, all of it comes, and they are told from what is drawn around it.
void check_put() {
    struct put_piece {
        const char * text;
        bool drawn;
    };

    const struct {
        std::vector<std::string> stops;
        std::vector<put_piece> pieces;
        const char * text;
        const char * stop;
    } cases[] = {
        {{"ab"}, {{"x", true}, {"ab", false}, {"y", true}}, "xaby", ""},
        {{"ab"}, {{"xa", true}, {"b", false}, {"y", true}}, "xaby", ""},
        {{"ab"}, {{"xa", false}, {"b", true}, {"y", true}}, "xaby", ""},
        {{"ab"}, {{"x", false}, {"ab", true}}, "x", "ab"},
        {{"aab"}, {{"aa", true}, {"a", false}, {"ab", true}, {"aab", true}}, "aaaab", "aab"},
        {{"b"}, {{"a", true}, {"\xC3", false}, {"\xA9", false}, {"b", true}}, "a\xC3\xA9", "b"},
        {{}, {{"\xC3", true}, {"x", false}}, "\xEF\xBF\xBDx", ""},
        {{}, {{"\xC3", false}, {"x", true}}, "\xEF\xBF\xBDx", ""},
    };
    for (const auto & one : cases) {
        text_stream stream(one.stops);
        std::string text;
        for (const auto & piece : one.pieces) {
            text += piece.drawn ? stream.push(piece.text) : stream.put(piece.text);
        }
        text += stream.stopped_by() ? "" : stream.finish();
        if (text != one.text || stream.stopped_by().value_or("") != one.stop || stream.given() < text.size() / 3) {
            fail("\"" + text + "\" stopped by \"" + stream.stopped_by().value_or("") + "\", expected \"" + one.text +
                 "\" and \"" + one.stop + "\"");
        }
    }
}

}  // namespace

int test_text(const arguments &) {
    check_utf8();
    check_hidden();
    check_put();
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
