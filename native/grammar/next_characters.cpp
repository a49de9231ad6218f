#include "next_characters.h"

#include "code_set.h"

#include <optional>
#include <vector>

namespace rast {

namespace {

constexpr size_t most_ranges = 6;
// Of those below each is looked at.
constexpr uint32_t first_wide = 0x80;

std::string in_words(uint32_t code) {
    switch (code) {
        case '\n': return "a newline";
        case '\t': return "a tab";
        case ' ': return "a space";
        case '"': return "'\"'";
        default: break;
    }
    if (code > ' ' && code < 0x7F) {
        return {'"', static_cast<char>(code), '"'};
    }
    constexpr const char * digits = "0123456789ABCDEF";
    std::string text;
    for (uint32_t rest = code; rest > 0 || text.size() < 4; rest /= 16) {
        text.insert(text.begin(), digits[rest % 16]);
    }
    return "U+" + text;
}

// The first code point from `low` on that may come.
std::optional<uint32_t> first_from(uint32_t low, const std::function<bool(uint32_t, uint32_t)> & takes) {
    uint32_t high = largest_code_point;
    if (low > high || !takes(low, high)) {
        return std::nullopt;
    }
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (takes(low, middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

}  // namespace

std::string describe_next_characters(const std::function<bool(uint32_t low, uint32_t high)> & takes) {
    std::vector<code_range> found;
    bool more = false;
    for (uint32_t code = 0; code < first_wide; ++code) {
        if (!takes(code, code)) {
            continue;
        }
        if (!found.empty() && found.back().high + 1 == code) {
            found.back().high = code;
        } else if (found.size() < most_ranges) {
            found.push_back({code, code});
        } else {
            more = true;
            break;
        }
    }
    if (const auto wide = more ? std::nullopt : first_from(first_wide, takes)) {
        // whether it is one or many is all that is of use
        if (takes(*wide + 1, largest_code_point)) {
            more = true;
        }
        found.push_back({*wide, *wide});
    }
    std::vector<std::string> words;
    for (const auto & [low, high] : found) {
        words.push_back(low == high ? in_words(low)
                                    : in_words(low) + (high == low + 1 ? ", " : " to ") + in_words(high));
    }
    if (more) {
        words.emplace_back("others");
    }
    std::string out;
    for (size_t i = 0; i < words.size(); ++i) {
        out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    }
    return out;
}

}  // namespace rast
