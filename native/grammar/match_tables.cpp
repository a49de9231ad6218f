#include "match_tables.h"

namespace rast {

namespace {

constexpr size_t smallest_table = 64;                   // entries
constexpr size_t largest_kept_table = size_t{1} << 16;  // 1.3 MB: what one closure needed, the next seldom does

}  // namespace

void seen_items::clear() {
    used_ = 0;
    if (++epoch_ == 0 || entries_.size() > largest_kept_table) {
        entries_.clear();
        entries_.shrink_to_fit();
        epoch_ = 1;
    }
}

void seen_items::grow() {
    std::vector<entry> before(std::max(smallest_table, 2 * entries_.size()));
    before.swap(entries_);
    used_ = 0;
    for (const entry & one : before) {
        if (one.epoch == epoch_) {
            at(one.key, one.value);
        }
    }
}

uint32_t & seen_items::at(const match_item & key, uint32_t fresh) {
    if (2 * (used_ + 1) > entries_.size()) {
        grow();
    }
    uint64_t hash = (key.state * uint64_t{0x9E3779B97F4A7C15U}) ^ (key.frame * uint64_t{0xC2B2AE3D27D4EB4FU});
    hash = (hash ^ (hash >> 31) ^ key.counter) * 0xD6E8FEB86659FD93U;
    size_t at = (hash >> 20) & (entries_.size() - 1);
    while (entries_[at].epoch == epoch_ && entries_[at].key != key) {
        at = (at + 1) & (entries_.size() - 1);
    }
    if (entries_[at].epoch != epoch_) {
        entries_[at] = {key, fresh, epoch_};
        ++used_;
    }
    return entries_[at].value;
}

uint64_t hash_of(const std::vector<match_item> & items, uint64_t seed) {
    uint64_t hash = seed + items.size();
    for (const match_item & one : items) {
        for (const uint32_t part : {one.state, one.counter, one.frame}) {
            hash = (hash ^ part) * 0x9E3779B97F4A7C15U;
            hash ^= hash >> 32;
        }
    }
    return hash;
}

void number_table::make_room(size_t used) {
    if (2 * (used + 1) <= entries_.size()) {
        return;
    }
    std::vector<std::pair<uint64_t, uint32_t>> before(std::max(smallest_table, 2 * entries_.size()));
    before.swap(entries_);
    for (const auto & one : before) {
        if (one.second != 0) {
            size_t at = one.first & (entries_.size() - 1);
            while (entries_[at].second != 0) {
                at = (at + 1) & (entries_.size() - 1);
            }
            entries_[at] = one;
        }
    }
}

}  // namespace rast
