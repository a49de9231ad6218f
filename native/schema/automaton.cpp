#include "automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace rast::schema {

std::vector<uint32_t> automaton::borders(std::vector<uint32_t> starts) {
    starts.insert(starts.end(), {0, first_surrogate, last_surrogate + 1});
    std::sort(starts.begin(), starts.end());
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    while (starts.back() > last_code_point) {
        starts.pop_back();
    }
    return starts;
}

automaton::automaton(std::vector<uint32_t> starts, std::vector<int32_t> next, std::vector<bool> accepts)
    : starts_(std::move(starts)), next_(std::move(next)), accepts_(std::move(accepts)) {}

automaton automaton::anything() {
    const std::vector<uint32_t> starts = borders({});
    return {starts, {0, dead, 0}, {true}};
}

automaton automaton::of_texts(const std::vector<std::string_view> & texts, work_budget & budget) {
    std::vector<std::map<uint32_t, int32_t>> trie(1);
    std::vector<bool> accepts(1);
    std::vector<uint32_t> starts;
    for (const auto & text : texts) {
        size_t state = 0;
        for (const uint32_t c : decode_utf8(text)) {
            budget.spend();
            const auto [at, added] = trie[state].emplace(c, static_cast<int32_t>(trie.size()));
            state = static_cast<size_t>(at->second);
            if (added) {
                starts.insert(starts.end(), {c, c + 1});
                trie.emplace_back();
                accepts.push_back(false);
            }
        }
        accepts[state] = true;
    }
    starts = borders(std::move(starts));
    budget.spend(starts.size() * trie.size() / 16);
    std::vector<int32_t> next(starts.size() * trie.size(), dead);
    for (size_t state = 0; state < trie.size(); ++state) {
        for (const auto & [c, to] : trie[state]) {
            const auto at = std::lower_bound(starts.begin(), starts.end(), c) - starts.begin();
            next[state * starts.size() + static_cast<size_t>(at)] = to;
        }
    }
    return {std::move(starts), std::move(next), std::move(accepts)};
}

automaton automaton::intersect(const automaton & other, work_budget & budget) const {
    std::vector<uint32_t> starts = starts_;
    starts.insert(starts.end(), other.starts_.begin(), other.starts_.end());
    starts = borders(std::move(starts));
    const auto intervals = [&](const automaton & of) {
        std::vector<size_t> out;
        size_t at = 0;
        for (const uint32_t start : starts) {
            while (at + 1 < of.starts_.size() && of.starts_[at + 1] <= start) {
                ++at;
            }
            out.push_back(at);
        }
        return out;
    };
    const auto mine = intervals(*this);
    const auto theirs = intervals(other);
    std::map<std::pair<int32_t, int32_t>, int32_t> ids;
    std::vector<std::pair<int32_t, int32_t>> pairs;
    std::vector<int32_t> next;
    std::vector<bool> accepts;
    const auto id_of = [&](int32_t a, int32_t b) -> int32_t {
        if (a < 0 || b < 0) {
            return dead;
        }
        const auto [at, added] = ids.emplace(std::make_pair(a, b), static_cast<int32_t>(pairs.size()));
        if (added) {
            pairs.emplace_back(a, b);
            accepts.push_back(accepts_[static_cast<size_t>(a)] && other.accepts_[static_cast<size_t>(b)]);
        }
        return at->second;
    };
    id_of(0, 0);
    for (size_t i = 0; i < pairs.size(); ++i) {
        const auto [a, b] = pairs[i];
        budget.spend(starts.size());
        for (size_t k = 0; k < starts.size(); ++k) {
            next.push_back(id_of(step(a, mine[k]), other.step(b, theirs[k])));
        }
    }
    return automaton(std::move(starts), std::move(next), std::move(accepts)).minimal(budget);
}

automaton automaton::complement() const {
    const auto sink = static_cast<int32_t>(size());
    std::vector<int32_t> next = next_;
    next.resize(next.size() + width(), dead);
    std::vector<bool> accepts = accepts_;
    accepts.push_back(false);
    for (size_t i = 0; i < next.size(); ++i) {
        if (next[i] < 0 && starts_[i % width()] != first_surrogate) {
            next[i] = sink;
        }
    }
    accepts.flip();
    return {starts_, std::move(next), std::move(accepts)};
}

std::optional<automaton> automaton::of_length(uint64_t least, uint64_t most, size_t most_states,
                                              work_budget & budget) const {
    // A state and how many code points came; without an upper bound counting ends at the lower one.
    const bool bounded = most != UINT64_MAX;
    std::map<std::pair<int32_t, uint64_t>, int32_t> ids;
    std::vector<std::pair<int32_t, uint64_t>> pairs;
    std::vector<int32_t> next;
    std::vector<bool> accepts;
    const auto id_of = [&](int32_t state, uint64_t count) -> int32_t {
        if (state < 0 || (bounded && count > most)) {
            return dead;
        }
        count = bounded ? count : std::min(count, least);
        const auto [at, added] = ids.emplace(std::make_pair(state, count), static_cast<int32_t>(pairs.size()));
        if (added) {
            pairs.emplace_back(state, count);
            accepts.push_back(accepts_[static_cast<size_t>(state)] && count >= least);
        }
        return at->second;
    };
    id_of(0, 0);
    for (size_t i = 0; i < pairs.size(); ++i) {
        if (pairs.size() > most_states) {
            return std::nullopt;
        }
        const auto [state, count] = pairs[i];
        budget.spend(width());
        for (size_t k = 0; k < width(); ++k) {
            next.push_back(id_of(step(state, k), count + 1));
        }
    }
    return automaton(starts_, std::move(next), std::move(accepts)).minimal(budget);
}

std::vector<bool> automaton::alive() const {
    std::vector<bool> alive = accepts_;
    std::vector<std::vector<int32_t>> sources(size());
    for (size_t state = 0; state < size(); ++state) {
        int32_t last = dead;
        for (size_t k = 0; k < width(); ++k) {
            const int32_t to = step(static_cast<int32_t>(state), k);
            if (to >= 0 && to != last) {
                sources[static_cast<size_t>(to)].push_back(static_cast<int32_t>(state));
                last = to;
            }
        }
    }
    std::vector<int32_t> queue;
    for (size_t state = 0; state < size(); ++state) {
        if (alive[state]) {
            queue.push_back(static_cast<int32_t>(state));
        }
    }
    while (!queue.empty()) {
        const auto at = static_cast<size_t>(queue.back());
        queue.pop_back();
        for (const int32_t from : sources[at]) {
            if (!alive[static_cast<size_t>(from)]) {
                alive[static_cast<size_t>(from)] = true;
                queue.push_back(from);
            }
        }
    }
    return alive;
}

std::vector<int32_t> automaton::groups_of_equals(const std::vector<bool> & alive, work_budget & budget) const {
    std::vector<int32_t> group(size());
    for (size_t i = 0; i < size(); ++i) {
        group[i] = !alive[i] ? dead : accepts_[i] ? 1 : 0;
    }
    for (size_t groups = 0;;) {
        std::map<std::vector<int32_t>, int32_t> seen;
        std::vector<int32_t> split(size(), dead);
        for (size_t i = 0; i < size(); ++i) {
            if (!alive[i]) {
                continue;
            }
            budget.spend(width());
            std::vector<int32_t> key{group[i]};
            for (size_t k = 0; k < width(); ++k) {
                const int32_t to = step(static_cast<int32_t>(i), k);
                key.push_back(to < 0 ? dead : group[static_cast<size_t>(to)]);
            }
            split[i] = seen.emplace(std::move(key), static_cast<int32_t>(seen.size())).first->second;
        }
        group.swap(split);
        if (seen.size() == groups) {
            return group;
        }
        groups = seen.size();
    }
}

automaton automaton::minimal(work_budget & budget) const {
    const std::vector<bool> alive = this->alive();
    const std::vector<int32_t> group = groups_of_equals(alive, budget);
    // From the first state on, in order of reach.
    std::vector<int32_t> order;
    std::unordered_map<int32_t, int32_t> ids;
    const auto id_of = [&](int32_t state) -> int32_t {
        if (state < 0 || !alive[static_cast<size_t>(state)]) {
            return dead;
        }
        const auto [at, added] = ids.emplace(group[static_cast<size_t>(state)], static_cast<int32_t>(order.size()));
        if (added) {
            order.push_back(state);
        }
        return at->second;
    };
    std::vector<int32_t> next;
    std::vector<bool> accepts;
    if (id_of(0) == dead) {
        return {starts_, std::vector<int32_t>(width(), dead), {false}};
    }
    for (size_t i = 0; i < order.size(); ++i) {
        const int32_t state = order[i];
        accepts.push_back(accepts_[static_cast<size_t>(state)]);
        for (size_t k = 0; k < width(); ++k) {
            next.push_back(id_of(step(state, k)));
        }
    }
    return {starts_, std::move(next), std::move(accepts)};
}

bool automaton::matches(std::string_view text) const {
    int32_t state = 0;
    for (const uint32_t c : decode_utf8(text)) {
        const auto after = std::upper_bound(starts_.begin(), starts_.end(), c);
        state = step(state, static_cast<size_t>(after - starts_.begin()) - 1);
    }
    return state >= 0 && accepts_[static_cast<size_t>(state)];
}

bool automaton::empty() const {
    return std::find(accepts_.begin(), accepts_.end(), true) == accepts_.end();
}

bool automaton::everything() const {
    return size() == 1 && accepts_[0] && edges(0).size() == 1 && edges(0)[0].set == code_point_set::all();
}

bool automaton::always_extends() const {
    for (size_t state = 0; state < size(); ++state) {
        if (edges(state).empty()) {
            return false;
        }
    }
    return true;
}

std::vector<automaton::edge> automaton::edges(size_t state) const {
    std::vector<std::pair<int32_t, std::vector<code_point_set::range>>> targets;
    for (size_t k = 0; k < width(); ++k) {
        const int32_t to = step(static_cast<int32_t>(state), k);
        if (to < 0) {
            continue;
        }
        const uint32_t last = k + 1 < width() ? starts_[k + 1] - 1 : last_code_point;
        auto at = std::find_if(targets.begin(), targets.end(), [&](const auto & one) { return one.first == to; });
        if (at == targets.end()) {
            targets.emplace_back(to, std::vector<code_point_set::range>{});
            at = std::prev(targets.end());
        }
        at->second.emplace_back(starts_[k], last);
    }
    std::vector<edge> out;
    for (auto & [to, ranges] : targets) {
        out.push_back({code_point_set(std::move(ranges)), to});
    }
    return out;
}

}  // namespace rast::schema
