// What a grammar costs a draw at a real vocabulary: medians of many, in microseconds.
#include "../grammar/constrained_draw.h"
#include "../grammar/constraint.h"
#include "harness.h"
#include "timing.h"

#include <cstdio>
#include <random>

namespace rast::test {

namespace {

constexpr const char * json = R"(root ::= object
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]+)? ([eE] [-+]? [0-9]{1,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
)";

template <typename Work>
double median_us(int rounds, const Work & work) {
    std::vector<double> times;
    for (int i = 0; i < rounds; ++i) {
        times.push_back(time_of<microseconds>([&] { work(i); }));
    }
    return median(std::move(times));
}

}  // namespace

// --vocabulary FILE --rounds N
int bench_grammar(const arguments & args) {
    open_from(args);
    const auto rounds = static_cast<int>(args.number("rounds", 200));
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const shared_model model(llama_model_load_from_file(args.text("vocabulary").c_str(), params),
                             [](llama_model * one) { llama_model_free(one); });
    if (!model) {
        fail("no vocabulary");
    }
    const llama_vocab * vocab = llama_model_get_vocab(model.get());
    std::printf("tree_us %.0f\n", median_us(3, [&](int) { make_token_trie(vocab, false); }));
    const auto trie = make_token_trie(vocab, false);
    std::printf("vocabulary %d tree_bytes %zu\n", trie->size(), trie->memory_bytes());
    std::printf("prepare_us %.1f\n", median_us(rounds, [&](int) { grammar one{json}; }));
    const auto rules = std::make_shared<const grammar>(json);

    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.0F, 3.0F);
    std::vector<float> row(static_cast<size_t>(trie->size()));
    for (float & logit : row) {
        logit = normal(random);
    }
    // the model wants what is not allowed, then what is
    std::vector<float> peaked = row;
    const auto raise = [&](const char * text, float by) {
        for (int32_t token = 0; token < trie->size(); ++token) {
            if (trie->text(token) == text) {
                peaked[static_cast<size_t>(token)] += by;
                return token;
            }
        }
        fail(std::string("no token ") + text);
    };
    const int32_t wrong = raise("Sure", 30.0F);
    raise("The", 28.0F);
    raise("{", 28.0F);
    raise("{\"", 27.0F);
    row_settings plain;
    row_settings paper;
    paper.top_p = 0.95F;
    row_settings greedy;
    greedy.temperature = 0.0F;
    const auto redraw = [&](const char * name, const char * before, const std::vector<float> & logits,
                            const row_settings & settings) {
        grammar_matcher matcher(rules, UINT64_MAX);
        matcher.allow(UINT64_MAX);
        if (!matcher.accept_text(before)) {
            fail("the text before");
        }
        long sum = 0;
        std::vector<std::vector<float>> rows(static_cast<size_t>(rounds), logits);
        const double us = median_us(rounds, [&](int i) {
            constrained_draw draw(std::move(rows[static_cast<size_t>(i)]), settings, wrong, [&](uint32_t n) {
                return static_cast<float>((static_cast<uint32_t>(i) * 2654435761U + n * 40503U) >> 8 & 0xFFFF) /
                       65536.0F;
            });
            if (!draw.go_on(matcher, *trie)) {
                fail("a draw without end");
            }
            sum += draw.token();
        });
        std::printf("%s_us %.1f (%ld)\n", name, us, sum % 1000);
    };
    redraw("refused_peaked_plain", "", peaked, plain);
    redraw("refused_peaked_top_p", "", peaked, paper);
    redraw("refused_peaked_greedy", "", peaked, greedy);
    redraw("refused_flat_plain", "", row, plain);
    redraw("refused_flat_top_p", "", row, paper);
    redraw("refused_flat_greedy", "", row, greedy);
    redraw("refused_flat_number", "{\"a\":1", row, plain);
    redraw("refused_flat_string", "{\"a", row, plain);
    for (const char * before : {"", "{\"a", "{\"a\":"}) {
        grammar_matcher matcher(rules, UINT64_MAX);
        matcher.allow(UINT64_MAX);
        matcher.accept_text(before);
        long n = 0;
        const double us = median_us(rounds, [&](int) {
            grammar_matcher::look look(matcher, *trie);
            look.go_on();
            n = 0;
            for (int32_t token = 0; token < trie->size(); ++token) {
                n += look.may_come(token) ? 1 : 0;
            }
        });
        const uint64_t left = matcher.work_left();
        grammar_matcher::look(matcher, *trie).go_on();
        std::printf("look_after_%s_us %.1f tokens %ld units %llu\n", *before != 0 ? before : "nothing", us, n,
                    static_cast<unsigned long long>(left - matcher.work_left()));
    }
    // a unit of work
    std::string shape = "root ::= ";
    for (int i = 0; i < 190; ++i) {
        shape += "(\"1\" | \"11\"){0,1999} ";
    }
    grammar_matcher heavy(std::make_shared<const grammar>(shape), UINT64_MAX);
    heavy.allow(UINT64_MAX);
    const double us = time_of<microseconds>([&] {
        for (int i = 0; i < 60; ++i) {
            heavy.accept_text("1");
        }
    });
    std::printf("unit_ns %.1f of %llu\n", 1000 * us / static_cast<double>(UINT64_MAX - heavy.work_left()),
                static_cast<unsigned long long>(UINT64_MAX - heavy.work_left()));
    std::printf("ok\n");
    return 0;
}

}  // namespace rast::test
