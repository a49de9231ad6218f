// Finds where a text repeats itself: what followed when its latest tokens were there before.
//
// Linear in the tokens of a text, and bounded: it remembers the latest place of each run of three tokens, of 65,536
// runs at most (256 KiB); a newer run may take the place of another one, which is then not found. Engine thread only.
#pragma once

#include "../llama/api.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rast {

struct repeat {
    std::vector<llama_token> tokens;  // that followed; empty: the latest tokens are new
    size_t alike = 0;                 // tokens in front of them that are the same, at most `most_alike`
};

class repeat_finder {
  public:
    static constexpr size_t most_alike = 16;

    // @param history the same tokens as at the last call, and maybe more
    // @param most tokens to give; where the text ends before, it goes on as a repeat of itself would
    repeat find(std::span<const llama_token> history, size_t most);

  private:
    void take_in(std::span<const llama_token> history);
    void insert(std::span<const llama_token> history, size_t place);
    size_t slot_of(std::span<const llama_token> history, size_t place) const;

    std::vector<uint32_t> places_;  // by hash of the three tokens in front; 0 = none
    size_t taken_in_ = 0;           // places in front of which the runs are known
};

}  // namespace rast
