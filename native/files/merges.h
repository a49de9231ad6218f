// Whether two lists of BPE merges make the same of texts, whatever their order and whatever entries they lack.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace rast {

// Of one model: merges by rank ("left right"; of equal ones the first counts), and the texts of its tokens. Borrows
// the texts.
class merge_list {
  public:
    void add(std::string_view merge) { ranks_.try_emplace(std::string(merge), ranks_.size()); }

    // What a word becomes: the texts of its tokens, in order. As llama.cpp does it: the pair of lowest rank first, from
    // the left; what is no token in the end falls into bytes.
    std::vector<std::string_view> tokens_of(std::string_view word,
                                            const std::unordered_set<std::string_view> & vocabulary) const;

  private:
    std::unordered_map<std::string, size_t> ranks_;
};

struct word_difference {
    std::string word;
    std::vector<std::string> tokens;  // by the first list
    std::vector<std::string> others;  // by the second
};

// The first word of which the lists make different tokens, over a corpus that the vocabulary gives: every token, and
// every token with another one behind it that may stand in the same word.
std::optional<word_difference> first_difference(const merge_list & a, const merge_list & b,
                                                const std::vector<std::string_view> & vocabulary);

}  // namespace rast
