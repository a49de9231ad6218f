// Texts to tokens and back: llama.cpp's tokenizer, with bounds that it does not have.
#pragma once

#include "../llama/handles.h"
#include "reasoning_splitter.h"
#include "special_texts.h"

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

// Of the texts that are tokenized, in bytes of UTF-8. A stretch has no place where it can be cut; llama.cpp takes it in
// one go, and nothing can end that before its time.
inline constexpr size_t max_text_bytes = 64U << 20U;
inline constexpr size_t max_stretch_bytes = 1U << 20U;

// What of a text is to become tokens.
struct tokenizing {
    bool parse_special = true;
    size_t enough = SIZE_MAX;  // more tokens than so many need not be all
    bool goes_on = false;      // it is the beginning of a longer text: tokens that its rest could change are left out
    size_t piece_bytes = 32U << 10U;
    // Stretches in which no control token begins or ends, though special tokens are parsed around them: what people
    // write. In order, without overlaps, within the text.
    std::vector<text_range> contents;
};

struct tokenized {
    std::vector<llama_token> tokens;
    bool whole = true;  // otherwise there may be more
};

// Any thread; keeps the model alive.
class tokenizer {
  public:
    explicit tokenizer(shared_model model) : model_(std::move(model)) {}

    // Tokens of a text, with nothing around it. A long text is taken in pieces of about `piece_bytes`, cut where that
    // changes nothing; `stopped` is asked between them.
    // Throws ERR_TOKENIZE for a text that is too long or cannot be told in this vocabulary, ERR_INSUFFICIENT_MEMORY,
    // and ERR_DISPOSED when stopped.
    tokenized tokens(std::string_view text, const tokenizing & what, const std::function<bool()> & stopped) const;

    // A mark as it stands in what tokens have for bytes: which of its bytes are of control tokens.
    text_mark mark(const std::string & text) const;

    // How many pieces such a text is taken in. For tests.
    size_t pieces(std::string_view text, size_t piece_bytes) const;

    // Bytes of tokens; those of control tokens only with `show_special`. Where the tokenizer puts a space in front of a
    // text, it is taken off again, unless the tokens continue others.
    // Throws ERR_INVALID_ARGUMENT for ids outside of the vocabulary.
    std::string bytes(const std::vector<llama_token> & tokens, bool show_special, bool continuation) const;

    // Throws ERR_INVALID_ARGUMENT unless all are ids of the vocabulary.
    void check(const std::vector<llama_token> & tokens) const;

    // Lives as long as this.
    const llama_vocab * vocab() const { return llama_model_get_vocab(model_.get()); }

  private:
    void learn() const;
    bool append_fragments(std::string_view piece, const tokenizing & what, bool parse_special,
                          const std::function<void()> & check_stopped, tokenized & out) const;
    const special_texts & specials() const;
    void require_knowledge() const {
        std::call_once(learned_, [this] { learn(); });
    }
    bool can_cut(std::string_view text, size_t at) const;
    size_t end_of_piece(std::string_view text, size_t from, size_t piece_bytes) const;
    bool append_pieces(std::string_view text, const tokenizing & what, bool parse_special,
                       const std::function<void()> & check_stopped, tokenized & out) const;
    void append(std::string_view piece, bool parse_special, std::vector<llama_token> & out) const;

    shared_model model_;

    // What the vocabulary says of cuts; learned when it is first needed.
    mutable std::once_flag learned_;
    mutable std::once_flag listed_;
    mutable std::optional<special_texts> specials_;
    mutable std::string refusal_;                  // why no text can be tokenized; empty = any can
    mutable bool counts_digits_ = false;           // quadratic in the length of a number
    mutable bool prefixes_ = false;                // a space in front of every text
    mutable bool cuts_ = false;                    // anywhere at all
    mutable bool cuts_lines_ = false;              // behind the end of a line
    mutable std::array<bool, 128> spans_space_{};  // a token holds this letter and a space behind it
};

}  // namespace rast
