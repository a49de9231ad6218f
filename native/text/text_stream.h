// Turns token pieces into text: whole UTF-8 characters only, and nothing of a stop string.
//
// Tokens that nobody drew are text like others, and no part of a stop string.
//
// Control tokens are not shown unless that is wanted, and end the text all the same where a stop string names them: a
// stop string may be one, hold several, or text and tokens. It does not begin or end within a token that is not shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

class text_stream {
  public:
    explicit text_stream(std::vector<std::string> stops);

    // Adds the bytes of a token. @returns the text that is certain by now
    std::string push(std::string_view piece) { return push(piece, shown); }

    // The same for a token that is not shown, whose text stop strings may name all the same.
    std::string push_hidden(std::string_view piece) { return push(piece, hidden); }

    // What is shown of a token that nobody drew: no stop string begins, ends or goes on in it.
    std::string put(std::string_view piece);

    // The stop string that was completed; push() returned the text before it.
    const std::optional<std::string> & stopped_by() const { return stopped_by_; }

    // Bytes of what is shown that were given out, before they were made valid.
    size_t given() const { return given_; }

    // No more tokens come: what was held back. An unfinished character becomes U+FFFD.
    std::string finish();

  private:
    enum kind : uint8_t { shown, hidden, hidden_rest };  // of a byte; the first of a token that is not shown is marked

    std::string push(std::string_view piece, kind what);
    std::string release(size_t count);
    void find_stop(const std::string & text, const std::vector<size_t> & places);
    size_t needed_of_text(const std::string & text) const;
    size_t needed_of_tokens() const;
    void forget_tokens(size_t from, size_t end);

    std::vector<std::string> stops_;
    std::string held_;         // bytes not yet given out, those of hidden tokens too
    std::vector<kind> kinds_;  // of each
    std::optional<std::string> stopped_by_;
    size_t stopped_at_ = 0;  // in held_
    size_t given_ = 0;
    size_t put_ = 0;  // bytes at the end of held_ that nobody drew: of a character that is not complete
};

// Replaces every byte sequence that is not UTF-8 by U+FFFD.
std::string valid_utf8(std::string_view bytes);

}  // namespace rast
