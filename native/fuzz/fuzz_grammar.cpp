// GBNF: a grammar, or ERR_GRAMMAR. What is taken is matched within work that is counted: along the bytes of its own
// text, by bytes and by tokens the same; and along the text behind the last NUL byte, whole and in pieces the same.
#include "../error.h"
#include "../grammar/gbnf_parser.h"
#include "../grammar/grammar_matcher.h"
#include "targets.h"

#include <memory>
#include <optional>
#include <string>

namespace rast::fuzz {

namespace {

constexpr uint64_t work = 200'000;

const token_trie & vocabulary() {
    static const token_trie tokens({"</s>", "a", "b", "ab", "1", "\"", " ", "\xC3", "\xA9", "\xC3\xA9", ""},
                                   {true, false, false, false, false, false, false, false, false, false, false});
    return tokens;
}

void match(std::string_view bytes) {
    const token_trie & tokens = vocabulary();
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

// Which tokens may come, where the grammar names some: asked one by one, and looked at together.
void compare_looks(grammar_matcher & matcher) {
    grammar_matcher::look together(matcher, vocabulary());
    if (!together.go_on()) {
        return;
    }
    for (int32_t token = 0; token < vocabulary().size(); ++token) {
        if (matcher.allows(vocabulary(), token) != together.may_come(token)) {
            broken("a look at all tokens and at one say the same, where tokens are named");
        }
    }
}

void follow(std::string_view gbnf, std::string_view text) {
    static const token_names names{vocabulary().size(), [](std::string_view) { return std::optional<int32_t>(3); },
                                   [](int32_t token) { return token == 0; }};
    grammar_matcher whole(std::make_shared<const rast::grammar>(gbnf, &names), work);
    grammar_matcher pieces = whole;
    bool taken = true;
    whole.allow(work);
    for (size_t i = 0; i < text.size() && taken; ++i) {
        if (i % 8 == 0) {
            compare_looks(pieces);
        }
        const bool ended = pieces.must_end();
        taken = pieces.accept_text(text.substr(i, 1));
        if (ended && taken) {
            broken("nothing follows an end");
        }
    }
    const bool could_end = whole.may_end();
    if (whole.accept_text(text) != taken) {
        broken("a text is taken, whole or in pieces");
    }
    if (taken && whole.may_end() != pieces.may_end()) {
        broken("a text may end, whole or in pieces");
    }
    if (!taken && whole.may_end() != could_end) {
        broken("what is refused changes nothing");
    }
}

// Runs what may end in ERR_GRAMMAR, or use up its work: typed errors in the engine.
template <typename Work>
void refused_or_done(const Work & what) {
    try {
        what();
    } catch (const rast_error & error) {
        if (error.code() != "ERR_GRAMMAR") {
            broken(error.what());
        }
    } catch (const out_of_work &) {
    }
}

}  // namespace

void grammar(std::string_view bytes) {
    const size_t at = bytes.rfind('\0');
    const bool has_text = at != std::string_view::npos;
    refused_or_done([&] {
        const gbnf_tree tree = parse_gbnf(bytes.substr(0, at));
        if (tree.root >= tree.rules.size()) {
            broken("a grammar has a root");
        }
        match(bytes.substr(0, at));
    });
    refused_or_done([&] { follow(bytes.substr(0, at), has_text ? bytes.substr(at + 1) : "a1\""); });
}

}  // namespace rast::fuzz
