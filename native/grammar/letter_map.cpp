#include "letter_map.h"

#include <algorithm>
#include <map>
#include <utility>

namespace rast {

letter_map::letter_map(std::vector<code_set> sets) : sets_(std::move(sets)) {
    number_letters();
    find_only_letters();
}

void letter_map::number_letters() {
    // Every set has a random key; two code points are one letter if the keys of the sets that hold them have the same
    // sum. 128 bits, so that sums that are equal by chance do not occur.
    struct change {
        uint32_t at;
        uint64_t key[2];
    };

    const auto mixed = [](uint64_t x) {
        x += 0x9E3779B97F4A7C15U;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
        return x ^ (x >> 31);
    };
    std::vector<change> changes{{0, {0, 0}}};
    for (size_t s = 0; s < sets_.size(); ++s) {
        const uint64_t key[2] = {mixed(2 * s), mixed(2 * s + 1)};
        for (const code_range & range : sets_[s]) {
            changes.push_back({range.low, {key[0], key[1]}});
            changes.push_back({range.high + 1, {0 - key[0], 0 - key[1]}});
        }
    }
    std::sort(changes.begin(), changes.end(), [](const change & x, const change & y) { return x.at < y.at; });
    std::map<std::pair<uint64_t, uint64_t>, uint32_t> letters;
    std::pair<uint64_t, uint64_t> sum{0, 0};
    for (size_t i = 0; i < changes.size();) {
        const uint32_t at = changes[i].at;
        for (; i < changes.size() && changes[i].at == at; ++i) {
            sum.first += changes[i].key[0];
            sum.second += changes[i].key[1];
        }
        const auto letter = letters.try_emplace(sum, static_cast<uint32_t>(first_of_letter_.size()));
        if (letter.second) {
            first_of_letter_.push_back(at);
        }
        interval_start_.push_back(at);
        interval_letter_.push_back(letter.first->second);
    }
    for (uint32_t c = 0; c < ascii_.size(); ++c) {
        ascii_[c] = letter_beyond_ascii(c);
    }
}

void letter_map::find_only_letters() {
    only_letter_.resize(sets_.size(), this->letters());
    for (size_t s = 0; s < sets_.size(); ++s) {
        const uint32_t letter = letter_of(sets_[s][0].low);
        bool only = true;
        for (const code_range & range : sets_[s]) {
            const auto from = std::upper_bound(interval_start_.begin(), interval_start_.end(), range.low) - 1;
            for (auto at = from - interval_start_.begin(); only && static_cast<size_t>(at) < interval_start_.size() &&
                                                           interval_start_[static_cast<size_t>(at)] <= range.high;
                 ++at) {
                only = interval_letter_[static_cast<size_t>(at)] == letter;
            }
        }
        if (only) {
            only_letter_[s] = letter;
        }
    }
}

uint32_t letter_map::letter_beyond_ascii(uint32_t code_point) const {
    const auto behind = std::upper_bound(interval_start_.begin(), interval_start_.end(), code_point);
    return interval_letter_[static_cast<size_t>(behind - interval_start_.begin()) - 1];
}

bool letter_map::holds(uint32_t set, uint32_t letter) const {
    const uint32_t only = only_letter_[set];
    return only < letters() ? only == letter : meets(set, first_of_letter_[letter], first_of_letter_[letter]);
}

bool letter_map::meets(uint32_t set, uint32_t low, uint32_t high) const {
    const code_set & ranges = sets_[set];
    const auto at = std::lower_bound(ranges.begin(), ranges.end(), low,
                                     [](const code_range & range, uint32_t value) { return range.high < value; });
    return at != ranges.end() && at->low <= high;
}

size_t letter_map::bytes() const {
    size_t sets = 0;
    for (const code_set & set : sets_) {
        sets += sizeof set + set.size() * sizeof(code_range);
    }
    return sets + interval_start_.size() * 2 * sizeof(uint32_t) + first_of_letter_.size() * sizeof(uint32_t) +
           only_letter_.size() * sizeof(uint32_t);
}

}  // namespace rast
