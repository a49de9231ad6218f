// Turns token pieces into text: whole UTF-8 characters only, and nothing of a stop string.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

class text_stream {
  public:
    explicit text_stream(std::vector<std::string> stops);

    // Adds the bytes of a token. @returns the text that is certain by now
    std::string push(std::string_view piece);

    // The stop string that was completed; push() returned the text before it.
    const std::optional<std::string> & stopped_by() const { return stopped_by_; }

    // No more tokens come: what was held back. An unfinished character becomes U+FFFD.
    std::string finish();

  private:
    std::string release(size_t count);

    std::vector<std::string> stops_;
    std::string held_;  // bytes not yet given out
    std::optional<std::string> stopped_by_;
};

// Replaces every byte sequence that is not UTF-8 by U+FFFD.
std::string valid_utf8(std::string_view bytes);

}  // namespace rast
