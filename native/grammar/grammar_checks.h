// What a grammar must be before it can be matched: tokens that there are, rules that have an end, no left recursion.
#pragma once

#include "gbnf_parser.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace rast {

// What a grammar may ask of the vocabulary.
struct token_names {
    int32_t count = 0;  // ids are below it
    // The id of a token by its name in a grammar, with angle brackets; nothing if that is not exactly one token.
    std::function<std::optional<int32_t>(std::string_view)> id_of;
    // Whether a token ends the text, so that no text holds it.
    std::function<bool(int32_t)> ends_text;
};

// Bottom-up properties of all nodes of a tree, in time linear in its size. A node has the property if a leaf has it
// by itself, all children of a sequence, any of a choice, the rule's body, the repeated child or no repetition at all.
class tree_property {
  public:
    // @param leaf whether a node without children has it by itself
    tree_property(const gbnf_tree & tree, const std::function<bool(const gbnf_node &)> & leaf);

    bool of(uint32_t node) const { return holds_[node]; }

    bool of_rule(uint32_t rule) const { return holds_[tree_.rules[rule].body]; }

  private:
    static constexpr uint32_t none = UINT32_MAX;

    const gbnf_tree & tree_;
    std::vector<bool> holds_;
};

// Which nodes may be empty.
tree_property nullable_nodes(const gbnf_tree & tree);

// Replaces names of tokens by ids. Throws ERR_GRAMMAR for one that no text can hold.
void resolve_tokens(gbnf_tree & tree, const token_names * tokens);

// Throws ERR_GRAMMAR for a rule that may be reached from the root and never ends.
void require_ends(const gbnf_tree & tree);

// Throws ERR_GRAMMAR for a rule that may call itself before any character, or when cancelled.
void refuse_left_recursion(const gbnf_tree & tree, const tree_property & nullable, const std::atomic<bool> * cancelled);

void look_for_cancellation(const std::atomic<bool> * cancelled);

}  // namespace rast
