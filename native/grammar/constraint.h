// What a text must follow, made ready for one model: away from the engine thread, before the request takes its place.
#pragma once

#include "grammar_matcher.h"
#include "token_trie.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace rast {

// Belongs to one request: its matcher keeps what it finds out.
struct constraint {
    std::shared_ptr<const token_trie> tokens;
    grammar_matcher matcher;
};

// The texts of a model's tokens, with control tokens shown and without, made when first asked for. Any thread.
class vocabulary_texts {
  public:
    std::shared_ptr<const token_trie> get(const llama_vocab * vocab, bool show_special);

  private:
    std::mutex mutex_;
    std::array<std::shared_ptr<const token_trie>, 2> tries_;
};

// Any thread. Memory and time are linear in the length of the text, but for the first look at the grammar, which has a
// limit of its own.
// @param cancelled ends it soon with an error
// @throws ERR_GRAMMAR, ERR_CONSTRAINT_LIMIT
std::shared_ptr<const constraint> prepare_constraint(const llama_vocab * vocab, vocabulary_texts & texts,
                                                     const std::string & gbnf, bool show_special,
                                                     const std::atomic<bool> * cancelled = nullptr);

}  // namespace rast
