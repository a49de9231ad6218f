// Code points that the sets of a grammar never tell apart are one letter: what a match remembers by letter is then
// small, whatever the alphabet.
#pragma once

#include "gbnf_parser.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

// Owns the sets. Immutable, shared by any threads.
class letter_map {
  public:
    letter_map() = default;
    explicit letter_map(std::vector<code_set> sets);

    uint32_t letters() const { return static_cast<uint32_t>(first_of_letter_.size()); }

    uint32_t letter_of(uint32_t code_point) const {
        return code_point < ascii_.size() ? ascii_[code_point] : letter_beyond_ascii(code_point);
    }

    bool holds(uint32_t set, uint32_t letter) const;

    // Whether the set holds a code point of [low, high].
    bool meets(uint32_t set, uint32_t low, uint32_t high) const;

    // The only letter of a set, or `letters()` if it has several.
    uint32_t only_letter(uint32_t set) const { return only_letter_[set]; }

    size_t bytes() const;

  private:
    void number_letters();
    void find_only_letters();
    uint32_t letter_beyond_ascii(uint32_t code_point) const;

    std::vector<code_set> sets_;
    std::array<uint32_t, 128> ascii_{};      // the letters of texts mostly, looked up at once
    std::vector<uint32_t> interval_start_;   // ascending code points
    std::vector<uint32_t> interval_letter_;  // of the code points from there to the next start
    std::vector<uint32_t> first_of_letter_;  // one code point of each
    std::vector<uint32_t> only_letter_;      // by set
};

}  // namespace rast
