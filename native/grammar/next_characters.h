// Which characters may come next in a text, in words for people: `"a" to "z", "_" or a newline`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace rast {

// @param takes whether a character of [low, high] may come
// @returns at most a few characters and ranges, the lowest first; "" where none may come
std::string describe_next_characters(const std::function<bool(uint32_t low, uint32_t high)> & takes);

}  // namespace rast
