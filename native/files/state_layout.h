// What llama.cpp's state of a sequence is made of, learned from one that a context wrote itself.
//
// llama.cpp trusts the lengths and positions in a state. So each that comes from a file is walked along the layout that
// this very context gives its states: every length must be what it would write, and every number finite (in a cache
// that all sequences share, one NaN reaches the others).
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rast {

class state_layout {
  public:
    // From a state of the sequence that holds the positions 0 to `cells` - 1. Nothing for a kind of memory that is not
    // known here.
    static std::optional<state_layout> learn(std::span<const uint8_t> state, uint32_t cells);

    // What is wrong with a state that should hold `held` positions or more, at most `most`; empty when nothing is.
    // @param window whether the first positions may be missing: the model looks at the last ones alone in some layers
    std::string problem(std::span<const uint8_t> state, uint32_t held, uint32_t most, bool window) const;

    // Bytes of a state with so many positions at most.
    uint64_t bytes(uint32_t cells) const;

  private:
    struct block {
        ggml_type type;
        uint64_t row_bytes = 0;  // of a cell
        uint32_t rows = 0;       // of a transposed V: its width; 0 elsewhere
    };

    // One memory of a context: a cache of K and V, or a recurrent state.
    struct section {
        bool recurrent = false;
        bool extended = false;    // cells have positions in two dimensions
        bool transposed = false;  // V
        uint32_t layers = 0;
        std::vector<block> blocks;  // K of every layer, then V of every layer that has one
    };

    class walker;

    static bool learn_from(walker at, uint32_t cells, std::vector<section> & sections);
    static bool learn_cache(walker & at, uint32_t cells, bool extended, bool values, section & out);
    static bool learn_recurrent(walker & at, section & out);

    std::vector<section> sections_;
};

}  // namespace rast
