// Draws that keep to a grammar, on rows whose right answer is known.
#include "../grammar/constrained_draw.h"
#include "harness.h"

#include <cmath>
#include <cstdio>

namespace rast::test {

namespace {

constexpr uint64_t plenty = uint64_t{1} << 40;

struct drawn {
    int32_t token;
    bool refused;
    uint32_t numbers;  // used
};

// @param numbers in the order in which they are used; the last one again and again
drawn draw(const char * gbnf, const token_trie & tokens, std::vector<float> logits, const row_settings & settings,
           int32_t first, std::vector<float> numbers, uint64_t work = plenty) {
    grammar_matcher matcher(std::make_shared<const grammar>(gbnf), plenty);
    uint32_t used = 0;
    constrained_draw one(std::move(logits), settings, first, [&](uint32_t n) {
        used = std::max(used, n + 1);
        return numbers[std::min<size_t>(n, numbers.size() - 1)];
    });
    for (int parts = 0;; ++parts) {
        matcher.allow(work);
        if (one.go_on(matcher, tokens)) {
            break;
        }
        if (parts == 100000) {
            fail("a draw in parts does not end");
        }
    }
    return {one.token(), one.refused(), used};
}

void expect(const drawn & got, const drawn & wanted, const char * what) {
    if (got.token != wanted.token || got.refused != wanted.refused || got.numbers != wanted.numbers) {
        fail(std::string(what) + ": token " + std::to_string(got.token) + ", " + std::to_string(got.numbers) +
             " numbers" + (got.refused ? ", refused" : ""));
    }
}

void few_tokens() {
    const token_trie tokens({"a", "b", "c", "d", "</s>"}, {false, false, false, false, true});
    const char * b_or_d = "root ::= [bd]";
    const row_settings plain;
    const std::vector<float> even = {0, 0, 0, 0, -1e30F};
    expect(draw(b_or_d, tokens, even, plain, 3, {0}), {3, false, 0}, "a token that may come");
    // without a: b, c and d have a third each, and a border belongs to the next
    expect(draw(b_or_d, tokens, even, plain, 0, {0}), {1, true, 1}, "the first of what is left");
    expect(draw(b_or_d, tokens, even, plain, 0, {0.9F}), {3, true, 1}, "the last of what is left");
    // c comes, is refused, and b and d have a half each
    expect(draw(b_or_d, tokens, even, plain, 0, {0.4F, 0.25F}), {1, true, 2}, "the second draw, below a half");
    expect(draw(b_or_d, tokens, even, plain, 0, {0.4F, 0.5F}), {3, true, 2}, "the second draw, at a half");
    row_settings greedy;
    greedy.temperature = 0;
    expect(draw(b_or_d, tokens, {5, 1, 4, 3, -1e30F}, greedy, 0, {0}), {3, true, 0}, "greedy");
    expect(draw(b_or_d, tokens, {5, -1, 4, -3, -1e30F}, greedy, 0, {0}), {1, true, 0}, "greedy, below 0");
    expect(draw(b_or_d, tokens, {-2, -4, -3, -5, -1e30F}, greedy, 0, {0}), {1, true, 0}, "greedy, all below 0");
    // nothing of the set may come: the filters choose anew among what may
    row_settings best = plain;
    best.top_k = 1;
    expect(draw(b_or_d, tokens, {5, 1, 4, 3, -1e30F}, best, 0, {0.9F}), {3, true, 1}, "top-k 1, chosen anew");
    row_settings two = plain;
    two.top_k = 2;
    expect(draw(b_or_d, tokens, {5, 3, 4, 3, -1e30F}, two, 0, {0.9F, 0.4F}), {1, true, 2}, "top-k 2, chosen anew");
    expect(draw(b_or_d, tokens, {5, 3, 4, 3, -1e30F}, two, 0, {0.9F, 0.6F}), {3, true, 2}, "the last number");
    expect(draw("root ::= \"x\"", tokens, even, plain, 0, {0}).token == row_invalid ? drawn{0, true, 0}
                                                                                    : drawn{1, true, 0},
           {0, true, 0}, "nothing may come");
}

// More refusals than are tried one by one: the same token, in one go and in parts.
void many_tokens() {
    std::vector<std::string> texts(600, "x");
    texts[300] = texts[599] = "y";
    const token_trie tokens(texts, std::vector<bool>(600, false));
    row_settings filtered;
    filtered.top_k = 500;
    std::vector<float> logits(600, 0.0F);
    logits[599] = -1.0F;
    for (const uint64_t work : {plenty, uint64_t{40}}) {
        // one by one 25 are refused, then the rest of the set is looked at, of which one may come
        expect(draw("root ::= \"y\"", tokens, logits, filtered, 0, {0}, work), {300, true, 25}, "a set of many");
        // without filters the whole vocabulary is
        expect(draw("root ::= \"y\"", tokens, logits, row_settings{}, 0, {0}, work), {300, true, 25}, "all of many");
        expect(draw("root ::= \"z\" | \"y\"", tokens, logits, row_settings{}, 0, {0.999F}, work).token == 599
                   ? drawn{0, true, 0}
                   : drawn{1, true, 0},
               {0, true, 0}, "the last of two among many");
    }
}

void logprobs() {
    const std::vector<float> logits = {3.0F, 1.0F, -1e30F, 2.0F};
    const double total = std::exp(3.0) + std::exp(1.0) + std::exp(2.0);
    for (const int32_t token : {0, 1, 3}) {
        const double wanted = logits[static_cast<size_t>(token)] - std::log(total);
        if (std::fabs(logprob_of(logits, token) - wanted) > 1e-5) {
            fail("the log-probability of token " + std::to_string(token));
        }
    }
}

}  // namespace

int test_constrained(const arguments &) {
    few_tokens();
    many_tokens();
    logprobs();
    std::printf("ok constrained draws\n");
    return 0;
}

}  // namespace rast::test
