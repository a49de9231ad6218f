// Grammars: the parser's errors, the matcher by hand, hostile shapes.
#include "../error.h"
#include "../grammar/constraint.h"
#include "../llama/libraries.h"
#include "harness.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

namespace rast::test {

namespace {

constexpr uint64_t plenty = uint64_t{1} << 40;

std::shared_ptr<const grammar> compiled(const std::string & gbnf) {
    return std::make_shared<const grammar>(gbnf);
}

// Whether the whole text is one of the grammar.
bool matches(const std::shared_ptr<const grammar> & rules, const std::string & text) {
    grammar_matcher matcher(rules, plenty);
    for (const char c : text) {
        if (!matcher.accept_text(std::string_view(&c, 1))) {
            return false;
        }
    }
    return matcher.may_end();
}

std::string repeated(const std::string & text, size_t times) {
    std::string out;
    for (size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

void test_errors() {
    const struct {
        const char * gbnf;
        const char * words;
    } cases[] = {
        {"root ::= \"a", "line 1, column 10: the text in quotes is never closed"},
        {"root ::= [a", "column 10: the class of characters is never closed"},
        {"root ::= (\"a\"", "the parenthesis is never closed"},
        {"root ::= \"a\")", "expected an element of a rule, \"|\" or the end of the line, found ')'"},
        {"root = \"a\"", "line 1, column 6: expected \"::=\", found '='"},
        {"# h\xC3\xA9\nroot ::= \"\xC3\xA9\" ?? *\nx ::= }", "line 3, column 7"},
        {"x ::= \"a\"", "defines no rule \"root\""},
        {"", "defines no rule \"root\""},
        {"root ::= a b\na ::= \"a\"", "line 1: rule \"b\" is not defined"},
        {"root ::= \"a\"\nroot ::= \"b\"", "defined twice, the first time in line 1"},
        {"root ::= *", "expected something to repeat"},
        {"root ::= | {2}", "expected something to repeat"},
        {"root ::= \"a\"{5,2}", "at least 5 and at most 2"},
        {"root ::= \"a\"{,2}", "expected a number of repetitions, found ','"},
        {"root ::= \"a\"{2", "expected \",\" or \"}\", found the end of the grammar"},
        {"root ::= \"a\"{9223372036854775808}", "more than 1000000"},
        {"root ::= \"a\"{0,99999999999999999999999}", "more than 1000000"},
        {"root ::= []", "the class of characters is empty"},
        {"root ::= [z-a]", "ends before it begins"},
        {"root ::= [\\uD800-\\uDFFF]", "holds no character"},
        {"root ::= \"\\U00110000\"", "no such character"},
        {"root ::= \"\\q\"", "behind the backslash, found 'q'"},
        {"root ::= \"\\x1g\"", "expected 2 hexadecimal digits"},
        {"root ::= \"\xFF\"", "not UTF-8"},
        {"root ::= <[5]>", "no vocabulary"},
        {"root ::= <[5>", "expected \"]>\""},
        {"root ::= <think", "never closed"},
        {"root ::= !a", "expected \"<\""},
        {"root ::= root \"a\" | \"b\"", "rule \"root\" may begin with itself (left recursion: root -> root)"},
        {"root ::= n root \"1\" | \"2\"\nn ::= \"x\"?", "may begin with itself"},
        {"root ::= \"a\" x\nx ::= y | \"b\"\ny ::= z{2,5}\nz ::= x \"c\"", "left recursion"},
        {"root ::= \"a\" | b\nb ::= \"c\" b", "line 2: rule \"b\" can never end"},
        {"root ::= root", "can never end"},
        {"root ::= \"x\"\na ::= b\nc ::= b b", "line 2: rule \"b\" is not defined"},
    };
    for (const auto & one : cases) {
        try {
            compiled(one.gbnf);
        } catch (const rast_error & error) {
            if (error.code() != "ERR_GRAMMAR" || std::string(error.what()).find(one.words) == std::string::npos) {
                fail(std::string(one.gbnf) + "\ngave " + error.what() + "\nexpected " + one.words);
            }
            continue;
        }
        fail(std::string(one.gbnf) + "\nwas taken");
    }
    const auto refused = [](const std::string & gbnf) {
        try {
            compiled(gbnf);
        } catch (const rast_error & error) {
            return error.code() == "ERR_GRAMMAR";
        }
        return false;
    };
    check(refused("root ::= " + std::string(501, '(') + "\"a\"" + std::string(501, ')')), "501 parentheses");
    check(!refused("root ::= " + std::string(500, '(') + "\"a\"" + std::string(500, ')')), "500 parentheses");
    check(refused("root ::= \"" + std::string(longest_grammar_bytes, 'a') + "\""), "a long grammar");
    check(refused(std::string("root ::= \"a\"\0", 13)), "a NUL");
    check(refused("root ::= \"a\"{1000001}") && !refused("root ::= \"a\"{1000000}"), "a million repetitions");
    std::atomic<bool> cancelled{true};
    try {
        grammar("root ::= " + repeated("\"a\" ", 5000), nullptr, &cancelled);
        fail("a cancelled preparation went on");
    } catch (const rast_error &) {
    }
}

void test_texts() {
    const struct {
        const char * gbnf;
        std::vector<std::string> right;
        std::vector<std::string> wrong;
    } cases[] = {
        {"root ::= \"\"", {""}, {"a"}},
        {"root ::= \"ab\"* # any number", {"", "ab", "abab"}, {"a", "aba", "abb"}},
        {"root ::= (\"a\"?)*", {"", "a", "aaa"}, {"b"}},
        {"root ::= (\"a\"? \"b\"?){2,3} \"c\"",
         {"c", "ac", "abbc",
          "ababab"
          "c"},
         {"abababac", "ababaabc"}},
        {"root ::= \"a\"{0} \"b\"", {"b"}, {"ab"}},
        {"root ::= \"a\"{2,}", {"aa", "aaaaa"}, {"a", ""}},
        {"root ::= [a-c]{2,4} \"c\"", {"aac", "abcc", "ccccc"}, {"ac", "cccccc", "aa"}},
        {"root ::= (\"ab\" | \"a\"){2,3} \"b\"", {"aab", "abab", "ababb", "aaabb", "abaab"}, {"ab", "abababab"}},
        {"root ::= ((\"a\"{1,2} \"b\"){2} \",\"){1,2}",
         {"abab,", "aabab,abaab,"},
         {"ab,", "ababab,", "abab,abab,abab,"}},
        {"root ::= \"(\" root \")\" | [^()]", {"x", "((x))"}, {"()", "((x)"}},
        {"root ::= s\ns ::= \"1\" s s | \"1\" | \"1\" s s s", {"1", "111", "1111", "11111"}, {"11", ""}},
        {"root ::= a a a\na ::= \"x\"? b\nb ::= \"y\"?", {"", "xyxyxy", "yyy", "xxx", "yx"}, {"yyyy", "xxxx"}},
        {"root ::= [^a-ceg]", {"`", "d", "f", "h"}, {"a", "b", "c", "e", "g"}},
        {"root ::= [a-eb] [x-x]", {"ax", "ex", "cx"}, {"fx", "ay"}},
        {"root ::= a \"b\"\na ::= \"x\"+", {"xb", "xxb"}, {"b", "x"}},
        {"root ::= [^\\n]+ \"\\n\"", {"a\xC3\xA9\xE4\xB8\xAD\n", "\xF0\x9F\x98\x80\n"}, {"\n", "\xC3\n", "\x80\n"}},
        {"root ::= [\\u4e00-\\u9fff]+", {"\xE4\xB8\xAD"}, {"\xE3\x81\x82", "a", "\xE4\xB8"}},
        {"root ::= .",
         {"a", "\n", "\xF4\x8F\xBF\xBF", std::string("\0", 1)},
         {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xFF", "ab"}},
        {"root ::= \"\\x41\\u00e9\\U0001F600\\t\\\\\\\"\\[\\]\\-\"", {"A\xC3\xA9\xF0\x9F\x98\x80\t\\\"[]-"}, {"A"}},
        {"root ::= [-a\\]^] [a-] [\\-x]", {"-a-", "]-x", "^ax"}, {"ba-", "a^-"}},
        {"root ::= (\n  \"a\" |\n\n  # either\n  \"b\"\n) |\n \"c\"\r\nx-1 ::= \"z\"", {"a", "b", "c"}, {"z", ""}},
    };
    for (const auto & one : cases) {
        const auto rules = compiled(one.gbnf);
        for (const std::string & text : one.right) {
            check(matches(rules, text), std::string(one.gbnf) + "\nrefuses " + text);
        }
        for (const std::string & text : one.wrong) {
            check(!matches(rules, text), std::string(one.gbnf) + "\nallows " + text);
        }
    }
    // a character may be begun where one with these first bytes may come
    grammar_matcher matcher(compiled("root ::= [\\u4e00-\\u4e3f] \"x\""), plenty);
    check(!matcher.accept_text("\xE3"), "a first byte that leads nowhere");
    check(matcher.accept_text("\xE4") && !matcher.may_end(), "a first byte");
    check(!matcher.accept_text("\xB9"), "a second byte that leads nowhere");
    check(matcher.accept_text("\xB8"), "a second byte");
    grammar_matcher copy = matcher;
    check(copy.accept_text("\xAD"
                           "x") &&
              copy.must_end(),
          "the end");
    check(!matcher.may_end() && matcher.accept_text("\x80"), "a copy changes nothing");
    grammar_matcher any(compiled("root ::= [\\u00e9]*"), plenty);
    check(any.may_end() && any.accept_text("\xC3") && !any.may_end(), "no text ends within a character");
    check(any.accept_text("\xA9") && any.may_end() && !any.must_end(), "it may end behind it");
}

void test_next_characters() {
    const struct {
        const char * gbnf;
        const char * text;
        const char * words;
    } cases[] = {
        {"root ::= \"ab\"", "", "\"a\""},
        {"root ::= \"ab\"", "a", "\"b\""},
        {"root ::= \"ab\"", "ab", ""},
        {"root ::= [a-zA-Z_] [0-9]*", "", "\"A\" to \"Z\", \"_\" or \"a\" to \"z\""},
        {"root ::= [a-b\\n\\t \\x22]", "", "a tab, a newline, a space, '\"' or \"a\", \"b\""},
        {"root ::= \"\\u4e2d\"", "", "U+4E2D"},
        {"root ::= [\\u4e2d\\U0001F600x]", "", "\"x\", U+4E2D or others"},
        {"root ::= [\\U0010FFFF]", "", "U+10FFFF"},
        {"root ::= [acegikmoqsuwy]", "", "\"a\", \"c\", \"e\", \"g\", \"i\", \"k\" or others"},
        {"root ::= [\\u4e00-\\u4e3f]", "\xE4", "the rest of a character"},
    };
    for (const auto & one : cases) {
        grammar_matcher matcher(compiled(one.gbnf), plenty);
        check(matcher.accept_text(one.text), "the text comes");
        const std::string words = matcher.next_characters();
        check(words == one.words, std::string(one.gbnf) + "\ngoes on with " + words + "\nexpected " + one.words);
    }
    grammar_matcher poor(compiled("root ::= [a-z]"), plenty);
    poor.allow(3);
    check(poor.next_characters().empty(), "without work there is nothing to say");
}

void test_tokens() {
    // 0 hidden, 1 the end, then texts; 8 and 9 are parts of one character
    const token_trie tokens({"", "</s>", "a", "ab", "b", "<x>", "a", "", "\xC3", "\xA9", "abc"},
                            {false, true, false, false, false, false, false, false, false, false, false});
    token_names names;
    names.count = tokens.size();
    names.id_of = [](std::string_view name) { return name == "<x>" ? std::optional<int32_t>(5) : std::nullopt; };
    names.ends_text = [](int32_t token) { return token == 1; };
    const auto allowed = [&](grammar_matcher & matcher) {
        std::string out;
        grammar_matcher::look look(matcher, tokens);
        check(look.go_on(), "a look");
        for (int32_t token = 0; token < tokens.size(); ++token) {
            check(look.may_come(token) == matcher.allows(tokens, token),
                  "a look and a check part at token " + std::to_string(token));
            out += look.may_come(token) ? "1" : "0";
        }
        return out;
    };
    const auto after = [&](const char * gbnf, const std::vector<int32_t> & taken) {
        grammar_matcher matcher(std::make_shared<const grammar>(gbnf, &names), plenty);
        for (const int32_t token : taken) {
            check(matcher.allows(tokens, token), std::string(gbnf) + " refuses token " + std::to_string(token));
            matcher.accept(tokens, token);
        }
        return allowed(matcher);
    };
    const struct {
        const char * gbnf;
        std::vector<int32_t> taken;
        const char * allowed;
    } cases[] = {
        {"root ::= \"abc\"?", {}, "01110010001"},        {"root ::= \"abc\"?", {3}, "00000000000"},
        {"root ::= \"ab\" | \"b\"", {}, "00111010000"},  {"root ::= \"ab\"", {3}, "01000000000"},
        {"root ::= <x> \"b\"", {}, "00000100000"},       {"root ::= <x> \"b\"", {5}, "00001000000"},
        {"root ::= <[0]> \"b\"", {}, "10000000000"},     {"root ::= <[0]> \"b\"", {0}, "00001000000"},
        {"root ::= !<x>* \"b\"", {}, "00111010111"},     {"root ::= !<x>", {10}, "01000000000"},
        {"root ::= \"\xC3\xA9\"", {}, "00000000100"},    {"root ::= \"\xC3\xA9\"", {8}, "00000000010"},
        {"root ::= <x> | \"<\" .*", {5}, "01111110101"}, {"root ::= .*", {}, "01111110101"},
        {"root ::= <x> | \"<x>y\"", {5}, "01000000000"}, {"root ::= <x> \"b\" | \"<x>\"", {5}, "01001000000"},
    };
    for (const auto & one : cases) {
        const std::string is = after(one.gbnf, one.taken);
        check(is == one.allowed, std::string(one.gbnf) + " allows " + is + ", expected " + one.allowed);
    }
    const auto refused = [&](const char * gbnf, const char * words) {
        try {
            grammar(gbnf, &names);
        } catch (const rast_error & error) {
            check(std::string(error.what()).find(words) != std::string::npos, error.what());
            return;
        }
        fail(std::string(gbnf) + " was taken");
    };
    refused("root ::= <[1]>", "ends the text");
    refused("root ::= <[11]>", "the vocabulary has 11");
    refused("root ::= <y>", "not exactly one token");
}

std::string chain(int n, const std::function<std::string(int)> & rule) {
    std::string out = "root ::= r0\n";
    for (int i = 0; i < n; ++i) {
        out += rule(i);
    }
    return out + "r" + std::to_string(n) + " ::= \"1\"\n";
}

// Shapes that cost llama.cpp's own engine time or memory without end.
std::vector<std::string> hostile_shapes() {
    std::vector<std::string> out;
    const auto r = [](int i) { return "r" + std::to_string(i); };
    for (const int n : {24, 60}) {
        std::string binary = "root ::= r0 r0 | r0\n";
        std::string wide = binary;
        for (int i = 0; i < n; ++i) {
            binary += r(i) + " ::= " + r(i + 1) + " " + r(i + 1) + " | " + r(i + 1) + "\n";
            wide += r(i) + " ::= " + r(i + 1) + " " + r(i + 1) + " | " + r(i + 1) + " \"2\"\n";
        }
        out.push_back(binary + r(n) + " ::= \"1\"?\n");
        out.push_back(wide + r(n) + " ::= \"1\"\n");
    }
    for (const int n : {2000, 4000}) {
        out.push_back(chain(n, [&](int i) { return r(i) + " ::= \"1\"? " + r(i + 1) + "\n"; }));
        out.push_back(chain(n, [&](int i) { return r(i) + " ::= " + r(i + 1) + " \"2\" | " + r(i + 1) + "\n"; }));
        out.push_back("root ::= " + repeated("\"1\"? ", static_cast<size_t>(n)));
        out.push_back("root ::= " + repeated("(\"1\" ", 400) + repeated(")*", 400));
    }
    std::string grid = "root ::=";
    std::string rules;
    for (int i = 0; i < 150; ++i) {
        grid += " q" + std::to_string(i);
        rules += "q" + std::to_string(i) + " ::= " + repeated("\"1\"? ", 100) + "\n";
    }
    out.push_back(grid + "\n" + rules);
    for (const char * one : {"root ::= s\ns ::= \"1\" s s | \"1\" | \"1\" s s s", "root ::= \"1\"{0,1000000}",
                             "root ::= (\"1\" | \"11\"){1000000}", "root ::= ((\"1\"{1,1000}){1,1000}){1,1000}",
                             "root ::= (\"1\"{0,1000} \"1\"{5,1000}){3,1000}", "root ::= ((((\"1\"?)*)*)*)*",
                             "root ::= s*\ns ::= \"1\" s? \"1\"?", "root ::= (\"1\"? \"1\"? \"1\"?){500,1000} \"2\"",
                             "root ::= ([0-9] | [1-2] [0-9]?){2,4000} (\"1\"? [0-1]){7,9000}",
                             "root ::= a{1,900}\na ::= b{1,900}\nb ::= \"1\" a? | \"1\" b{0,7}"}) {
        out.emplace_back(one);
    }
    out.push_back("root ::= " + repeated("\"1\"{0,1999} ", 190));
    out.push_back("root ::= " + repeated("(\"1\" | \"11\"){0,1999} ", 190));
    out.push_back("root ::= " + repeated("\"1\" | ", 43000) + "\"2\"");
    std::string different = "root ::= \"1\"";
    for (int i = 0; i < 30000; ++i) {
        different += " | \"1" + std::to_string(i * 7919 % 100000) + "\"";
    }
    out.push_back(different);
    std::string classes = "root ::= (\"1\"";
    for (int i = 0; i < 4000; ++i) {
        char text[64];
        std::snprintf(text, sizeof text, " | \"1\" [\\u%04x-\\u%04x]", 0x100 + i, 0x3000 + 3 * i);
        classes += text;
    }
    out.push_back(classes + ")*");
    return out;
}

// Each is refused, or goes on within its work: at most so much for a token, whatever came before.
long test_hostile(bool long_run) {
    constexpr uint64_t work_of_token = 20'000'000;
    const token_trie tokens({"</s>", "1", "11", "111", "2", "12", "1111111111", "0", "21"},
                            {true, false, false, false, false, false, false, false, false});
    std::mt19937 random(5);
    long over = 0;
    std::vector<std::string> shapes = hostile_shapes();
    const size_t given = shapes.size();
    // and some of them in company
    for (size_t i = 0; long_run && shapes.size() < 200; ++i) {
        std::string both = shapes[i % given];
        const auto & other = shapes[random() % given];
        for (std::string::size_type at = both.find("root"); at != std::string::npos; at = both.find("root", at + 4)) {
            both.replace(at, 4, "head");
        }
        if (both.size() + other.size() > longest_grammar_bytes || other.find("\nr0") != std::string::npos ||
            other.find("\nq0") != std::string::npos || other.find("\ns ") != std::string::npos ||
            other.find("\na ") != std::string::npos) {
            shapes.push_back(both + "\nroot ::= head" + "{" + std::to_string(i % 3) + "," + std::to_string(i % 3 + 3) +
                             "} | \"2\" head?\n");
            continue;
        }
        std::string tail = other;
        tail.replace(tail.find("root"), 4, "tail");
        shapes.push_back(both + "\n" + tail + "\nroot ::= (head \"2\"? | tail)*\n");
    }
    for (const std::string & gbnf : shapes) {
        try {
            grammar_matcher matcher(compiled(gbnf), plenty);
            for (int i = 0; i < (long_run ? 200 : 6); ++i) {
                matcher.allow(work_of_token);
                grammar_matcher::look look(matcher, tokens);
                if (!look.go_on()) {
                    ++over;
                    break;
                }
                std::vector<int32_t> next;
                for (int32_t token = 1; token < tokens.size(); ++token) {
                    if (look.may_come(token)) {
                        next.push_back(token);
                    }
                }
                if (next.empty()) {
                    break;
                }
                matcher.accept(tokens, next[random() % next.size()]);
            }
        } catch (const rast_error & error) {
            check(error.code() == "ERR_GRAMMAR", error.what());
        } catch (const out_of_work &) {
            ++over;
        }
    }
    return over;
}

// The memory that a long text leaves behind does not grow without end, and nothing is forgotten.
void test_long_text(int length) {
    const token_trie tokens({"</s>", "(", ")", "x", "xxxx"}, {true, false, false, false, false});
    grammar_matcher matcher(compiled("root ::= item*\nitem ::= \"(\" item* \")\" | \"x\"{1,900000} \"(\" \")\""),
                            plenty);
    std::mt19937 random(3);
    long depth = 0;
    size_t most = 0;
    for (int i = 0; i < length; ++i) {
        matcher.allow(plenty);
        std::vector<int32_t> next;
        for (int32_t token = 1; token <= 3; ++token) {
            if (matcher.allows(tokens, token)) {
                next.push_back(token);
            }
        }
        check(!next.empty(), "the text goes on");
        const int32_t token = next[random() % next.size()];
        matcher.accept(tokens, token);
        depth += token == 1 ? 1 : token == 2 ? -1 : 0;
        check(matcher.may_end() == (depth == 0 && token == 2), "it may end where all parentheses are closed");
        most = std::max(most, matcher.memory().bytes());
    }
    check(most < (size_t{64} << 20), "a long text takes " + std::to_string(most) + " bytes");
}

}  // namespace

int test_gbnf(const arguments & args) {
    const bool long_run = args.number("long", 0) != 0;
    test_errors();
    test_texts();
    test_next_characters();
    test_tokens();
    test_long_text(long_run ? 200000 : 20000);
    const auto start = std::chrono::steady_clock::now();
    const long over = test_hostile(long_run);
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("ok over the limit %ld seconds %.1f\n", over, s);
    return 0;
}

}  // namespace rast::test
