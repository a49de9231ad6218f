// GBNF: a tree, or ERR_GRAMMAR. What is taken is matched along the bytes of its own text, within work that is counted:
// by bytes and by tokens the same.
#include "../engine/error.h"
#include "../engine/gbnf_parser.h"
#include "../engine/grammar_matcher.h"
#include "targets.h"

#include <memory>

namespace rast::fuzz {

namespace {

constexpr uint64_t work = 200'000;

void match(std::string_view bytes) {
    const token_trie tokens({"</s>", "a", "b", "ab", "1", "\"", " ", "\xC3", "\xA9", "\xC3\xA9", ""},
                            {true, false, false, false, false, false, false, false, false, false, false});
    grammar_matcher matcher(std::make_shared<const rast::grammar>(bytes), work);
    for (size_t i = 0; i < bytes.size() && i < 24; ++i) {
        matcher.allow(work);
        grammar_matcher::look look(matcher, tokens);
        if (!look.go_on()) {
            return;
        }
        int32_t next = -1;
        for (int32_t token = 0; token < tokens.size(); ++token) {
            matcher.allow(work);
            if (look.may_come(token) != matcher.allows(tokens, token)) {
                broken("a look at all tokens and at one say the same");
            }
            grammar_matcher copy = matcher;
            const bool by_text = copy.accept_text(tokens.text(token));
            if (token > 0 && !tokens.text(token).empty() && by_text != look.may_come(token)) {
                broken("a token may come where its text may");
            }
            const bool wanted = next < 1 || static_cast<size_t>(token) <= static_cast<uint8_t>(bytes[i]) % 11;
            next = token > 0 && look.may_come(token) && wanted ? token : next;
        }
        if (next < 1) {
            return;
        }
        matcher.allow(work);
        matcher.accept(tokens, next);
    }
}

}  // namespace

void grammar(std::string_view bytes) {
    try {
        const gbnf_tree tree = parse_gbnf(bytes);
        if (tree.root >= tree.rules.size()) {
            broken("a grammar has a root");
        }
        match(bytes);
    } catch (const rast_error & error) {
        if (error.code() != "ERR_GRAMMAR") {
            broken(error.what());
        }
    } catch (const out_of_work &) {
        // a typed error in the engine
    }
}

}  // namespace rast::fuzz
