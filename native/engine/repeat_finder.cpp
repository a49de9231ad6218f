#include "repeat_finder.h"

#include <algorithm>

namespace rast {

namespace {

constexpr size_t run = 3;
constexpr size_t fewest_places = 256;
constexpr size_t most_places = 65'536;

}  // namespace

size_t repeat_finder::slot_of(std::span<const llama_token> history, size_t place) const {
    uint64_t hash = 0;
    for (size_t i = place - run; i < place; ++i) {
        hash = (hash ^ static_cast<uint32_t>(history[i])) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 29;
    }
    return static_cast<size_t>(hash) & (places_.size() - 1);
}

void repeat_finder::insert(std::span<const llama_token> history, size_t place) {
    places_[slot_of(history, place)] = static_cast<uint32_t>(place);
}

// Every place that a token follows.
void repeat_finder::take_in(std::span<const llama_token> history) {
    size_t wanted = std::max(places_.size(), fewest_places);
    while (wanted < most_places && wanted < 4 * history.size()) {
        wanted *= 2;
    }
    if (wanted != places_.size()) {
        places_.assign(wanted, 0);
        taken_in_ = 0;
    }
    for (size_t place = std::max(taken_in_, run); place < history.size(); ++place) {
        insert(history, place);
    }
    taken_in_ = history.size();
}

repeat repeat_finder::find(std::span<const llama_token> history, size_t most) {
    repeat out;
    take_in(history);
    if (history.size() <= run || most == 0) {
        return out;
    }
    const size_t end = history.size();
    const size_t place = places_[slot_of(history, end)];
    while (place > out.alike && out.alike < most_alike &&
           history[place - 1 - out.alike] == history[end - 1 - out.alike]) {
        ++out.alike;
    }
    if (place == 0 || out.alike < run) {
        return {};
    }
    for (size_t i = 0; i < most; ++i) {
        out.tokens.push_back(place + i < end ? history[place + i] : out.tokens[place + i - end]);
    }
    return out;
}

}  // namespace rast
