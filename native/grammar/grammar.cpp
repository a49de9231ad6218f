#include "grammar.h"

#include "grammar_builder.h"

#include <utility>

namespace rast {

grammar::grammar(std::string_view gbnf, const token_names * tokens, const std::atomic<bool> * cancelled) {
    gbnf_tree tree = parse_gbnf(gbnf, cancelled);
    resolve_tokens(tree, tokens);
    require_ends(tree);
    builder(*this, std::move(tree), cancelled).build();
    letters_ = letter_map(std::move(sets_));
}

size_t grammar::bytes() const {
    return states_.size() * sizeof(state) + branches_.size() * sizeof(uint32_t) + rules_.size() * sizeof(rule) +
           letters_.bytes();
}

}  // namespace rast
