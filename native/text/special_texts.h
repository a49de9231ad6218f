// Where the texts of special tokens stand in a text, as llama.cpp's tokenizer finds them, and which of them are
// somebody's words instead: a control token whose text lies in a stretch of content is no control token.
#pragma once

#include "../llama/api.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rast {

// Bytes of a text, from and behind the last.
struct text_range {
    size_t from;
    size_t to;
};

// Of tokens whose texts are found in a text before it is cut into others.
inline constexpr int special_attributes =
    LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;

// Whether a token is one that people's words must not become: a control token, or one with the looks of such. Some are
// ordinary added tokens in their files (DeepSeek's turns), or are made that by llama.cpp, so that they are shown
// (gpt-oss).
bool is_control(const llama_vocab * vocab, llama_token token);

// A special token, or text between such.
struct text_fragment {
    llama_token token;  // -1: text
    text_range at;
    bool control;
};

// Immutable; borrows the vocabulary's texts.
class special_texts {
  public:
    explicit special_texts(const llama_vocab * vocab);

    // Whether the text of a control token lies in these stretches, or reaches into one. They are in order and do not
    // overlap. `breathe` is called now and then, and may throw.
    bool control_within(std::string_view text, const std::vector<text_range> & contents,
                        const std::function<void()> & breathe) const;

    // The text as fragments: llama.cpp's own, but for control tokens that touch these stretches, which are left in the
    // text, cut behind its first byte where llama.cpp finds it in any text. Spaces that a token takes off its
    // neighbours are in none.
    std::vector<text_fragment> split(std::string_view text, const std::vector<text_range> & contents,
                                     const std::function<void()> & breathe) const;

  private:
    struct special {
        llama_token token;
        size_t order;  // llama.cpp looks for them in this one
        bool control;
        bool always;  // llama.cpp finds it in texts without special tokens, too
        bool strips_left;
        bool strips_right;
    };

    struct occurrence {
        const special * what;
        text_range at;
    };

    // All that begin in front of `to`, from `from` on, at every place the longest last.
    template <typename Found>
    void look(std::string_view text, text_range where, const std::function<void()> & breathe,
              const Found & found) const;

    std::unordered_map<std::string_view, special> by_text_;
    std::vector<size_t> lengths_;  // that any of them has
    bool begins_[256] = {};        // any of them with this byte
};

}  // namespace rast
