// What matching looks things up in: places of a grammar by value, and lists of them by their hash.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rast {

// A place in the grammar.
struct match_item {
    uint32_t state = 0;
    uint32_t counter = 0;  // repetitions so far, where the state counts
    uint32_t frame = 0;

    auto operator<=>(const match_item &) const = default;
};

// A set of items that is emptied at once, as every closure begins with it: entries of an earlier epoch count as free.
class seen_items {
  public:
    void clear();

    // The value stored with a key; `fresh` if it is new.
    uint32_t & at(const match_item & key, uint32_t fresh);

  private:
    struct entry {
        match_item key;
        uint32_t value = 0;
        uint32_t epoch = 0;
    };

    void grow();

    std::vector<entry> entries_;
    size_t used_ = 0;
    uint32_t epoch_ = 0;
};

uint64_t hash_of(const std::vector<match_item> & items, uint64_t seed);

// Numbers of things that are stored elsewhere, by hash. Numbers are given in order, from 0.
class number_table {
  public:
    // Room for one more; `used` are in it. Before find().
    void make_room(size_t used);

    // The number of the thing that equals, plus 1; 0 if there is none, and then the caller must put one there.
    template <typename Equal>
    uint32_t & find(uint64_t hash, const Equal & equal) {
        size_t at = hash & (entries_.size() - 1);
        while (entries_[at].second != 0 && (entries_[at].first != hash || !equal(entries_[at].second - 1))) {
            at = (at + 1) & (entries_.size() - 1);
        }
        entries_[at].first = hash;
        return entries_[at].second;
    }

  private:
    std::vector<std::pair<uint64_t, uint32_t>> entries_;  // a power of two, at most half of them used
};

}  // namespace rast
