// GBNF, as llama.cpp's grammars/README.md defines it, read into a syntax tree. Knows no model and no vocabulary.
//
// Nothing is expanded: a repetition is one node with its bounds, so that the tree is never larger than the text.
#pragma once

#include "code_set.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

struct gbnf_node {
    enum class kind : uint8_t {
        characters,
        token,
        not_token,
        named_token,
        not_named_token,
        rule,
        sequence,
        choice,
        repeat
    };

    static constexpr uint32_t endless = UINT32_MAX;

    kind what = kind::sequence;
    uint32_t value = 0;  // index of a set, a rule or a token name; a token's id; the first child of the others
    uint32_t count = 0;  // children
    uint32_t min = 0;    // of a repetition
    uint32_t max = 0;    // likewise; `endless` = no bound
};

struct gbnf_rule {
    std::string name;
    uint32_t body = 0;  // node
    uint32_t line = 0;  // of its definition, from 1; 0 while there is none
    uint32_t used = 0;  // line of its first use
};

// Children come before their parents in `nodes`.
struct gbnf_tree {
    std::vector<gbnf_node> nodes;
    std::vector<uint32_t> children;  // nodes, in runs: child i of node n is children[nodes[n].value + i]
    std::vector<code_set> sets;
    std::vector<std::string> token_names;  // with their angle brackets
    std::vector<gbnf_rule> rules;
    uint32_t root = 0;
};

// Limits, each checked before anything is allocated for what exceeds it.
// A byte of text is at most a node (20 bytes) and its place among children (4): 50 MB for the longest grammar.
inline constexpr size_t longest_grammar_bytes = size_t{2} << 20;
// Parser and builder recurse, on threads of a pool whose stacks may be small.
inline constexpr uint32_t deepest_grammar_parentheses = 500;
// More than a text that fits in any context has. A count costs nothing: it is one state with a counter.
inline constexpr uint32_t most_grammar_repetitions = 1'000'000;

// @param cancelled looked at every now and then; then throws ERR_GRAMMAR
// @throws ERR_GRAMMAR with line and column, both from 1, in message and details; the column counts characters
gbnf_tree parse_gbnf(std::string_view text, const std::atomic<bool> * cancelled = nullptr);

}  // namespace rast
