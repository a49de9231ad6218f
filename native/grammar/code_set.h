// Sets of Unicode code points, as classes of characters in a grammar.
#pragma once

#include <cstdint>
#include <vector>

namespace rast {

inline constexpr uint32_t largest_code_point = 0x10FFFF;
// Halves of UTF-16 pairs: no text holds them as characters.
inline constexpr uint32_t first_surrogate = 0xD800;
inline constexpr uint32_t last_surrogate = 0xDFFF;

struct code_range {
    uint32_t low = 0;
    uint32_t high = 0;  // inclusive

    auto operator<=>(const code_range &) const = default;
};

// Ascending, disjoint, not adjacent, without surrogates; at least one.
using code_set = std::vector<code_range>;

// @param ranges in any order
// @returns what a text can hold of them, or with `negated` of all others; it may be empty
code_set normal_set(code_set ranges, bool negated);

}  // namespace rast
