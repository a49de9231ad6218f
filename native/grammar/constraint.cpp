#include "constraint.h"

#include "../error.h"
#include "../llama/api.h"

#include <optional>
#include <stdexcept>
#include <string_view>

namespace rast {

namespace {

// Units of work for all that may come first in a text; several tenths of a second.
constexpr uint64_t work_before_text = 10'000'000;

token_names names_of(const llama_vocab * vocab) {
    token_names out;
    out.count = llama_vocab_n_tokens(vocab);
    out.id_of = [vocab](std::string_view name) -> std::optional<int32_t> {
        llama_token tokens[2];
        int32_t n = 0;
        try {
            n = llama_tokenize(vocab, name.data(), static_cast<int32_t>(name.size()), tokens, 2, false, true);
        } catch (const std::out_of_range &) {
            // a vocabulary without byte tokens meets a character that it lacks
        }
        return n == 1 ? std::optional<int32_t>(tokens[0]) : std::nullopt;
    };
    out.ends_text = [vocab](int32_t token) { return llama_vocab_is_eog(vocab, token); };
    return out;
}

}  // namespace

std::shared_ptr<const token_trie> vocabulary_texts::get(const llama_vocab * vocab, bool show_special) {
    const std::lock_guard lock(mutex_);
    auto & trie = tries_[show_special ? 1 : 0];
    if (!trie) {
        trie = make_token_trie(vocab, show_special);
    }
    return trie;
}

std::shared_ptr<const constraint> prepare_constraint(const llama_vocab * vocab, vocabulary_texts & texts,
                                                     const std::string & gbnf, bool show_special,
                                                     const std::atomic<bool> * cancelled) {
    const token_names names = names_of(vocab);
    const auto rules = std::make_shared<const grammar>(gbnf, &names, cancelled);
    auto trie = texts.get(vocab, show_special);
    try {
        auto out = std::make_shared<constraint>(
            constraint{std::move(trie), grammar_matcher(rules, work_before_text, cancelled)});
        out->matcher.watch(nullptr);
        return out;
    } catch (const out_of_work &) {
        if (cancelled != nullptr && *cancelled) {
            throw rast_error("ERR_GRAMMAR", "Preparing the grammar was cancelled");
        }
        throw rast_error("ERR_CONSTRAINT_LIMIT", "The grammar begins in too many ways at once");
    }
}

}  // namespace rast
