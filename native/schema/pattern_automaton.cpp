#include "automaton.h"

#include <algorithm>
#include <map>

namespace rast::schema {

namespace {

// Before the automaton is made deterministic: a counted part is built as often as it counts, and counts multiply.
constexpr size_t most_nfa_states = 50'000;

void add_bounds(const code_point_set & set, std::vector<uint32_t> & starts) {
    for (const auto & [from, to] : set.ranges()) {
        starts.push_back(from);
        starts.push_back(to + 1);
    }
}

// Thompson's automaton of a pattern. Anchors are steps that are free at one end of the text only.
struct nfa {
    enum class step : uint8_t { free, at_begin, at_end, read };

    struct edge {
        step type;
        uint32_t to;
        const code_point_set * set;
    };

    std::vector<std::vector<edge>> states;
    uint32_t begin = 0;
    uint32_t accept = 0;

    uint32_t add() {
        if (states.size() >= most_nfa_states) {
            throw pattern_error("is too large: its counts multiply");
        }
        states.emplace_back();
        return static_cast<uint32_t>(states.size() - 1);
    }

    void link(uint32_t from, uint32_t to, step type = step::free, const code_point_set * set = nullptr) {
        states[from].push_back({type, to, set});
    }

    // Builds the node behind `from`; returns where it ends.
    uint32_t build(const pattern_node & node, uint32_t from) {
        switch (node.type) {
            case pattern_node::kind::set: return linked(from, step::read, &node.set);
            case pattern_node::kind::begin: return linked(from, step::at_begin, nullptr);
            case pattern_node::kind::end: return linked(from, step::at_end, nullptr);
            case pattern_node::kind::sequence:
                for (const auto & part : node.parts) {
                    from = build(part, from);
                }
                return from;
            case pattern_node::kind::choice: {
                const uint32_t to = add();
                for (const auto & part : node.parts) {
                    const uint32_t start = add();
                    link(from, start);
                    link(build(part, start), to);
                }
                return to;
            }
            case pattern_node::kind::repeat: return repeated(node, from);
        }
        return from;
    }

    uint32_t linked(uint32_t from, step type, const code_point_set * set) {
        const uint32_t to = add();
        link(from, to, type, set);
        return to;
    }

    uint32_t repeated(const pattern_node & node, uint32_t from) {
        for (uint32_t i = 0; i < node.least; ++i) {
            from = build(node.parts.front(), from);
        }
        if (node.most == unlimited) {
            const uint32_t loop = add();
            link(from, loop);
            link(build(node.parts.front(), loop), loop);
            return linked(loop, step::free, nullptr);
        }
        const uint32_t to = add();
        for (uint32_t i = node.least; i < node.most; ++i) {
            link(from, to);
            from = build(node.parts.front(), from);
        }
        link(from, to);
        return to;
    }
};

}  // namespace

std::optional<automaton> automaton::of_pattern(const pattern_node & root, size_t most_states, work_budget & budget) {
    nfa machine;
    machine.begin = machine.add();
    machine.accept = machine.build(root, machine.begin);
    std::vector<uint32_t> starts;
    for (const auto & edges : machine.states) {
        for (const auto & one : edges) {
            if (one.set != nullptr) {
                add_bounds(*one.set, starts);
            }
        }
    }
    starts = borders(std::move(starts));

    std::vector<uint32_t> mark(machine.states.size(), 0);
    uint32_t round = 0;
    // All that can be reached for free; from the start of the text also over ^, and at its end over $.
    const auto close = [&](std::vector<uint32_t> set, bool at_begin, bool at_end) {
        ++round;
        for (const uint32_t state : set) {
            mark[state] = round;
        }
        for (size_t i = 0; i < set.size(); ++i) {
            for (const auto & one : machine.states[set[i]]) {
                budget.spend();
                const bool open = one.type == nfa::step::free || (one.type == nfa::step::at_begin && at_begin) ||
                                  (one.type == nfa::step::at_end && at_end);
                if (open && mark[one.to] != round) {
                    mark[one.to] = round;
                    set.push_back(one.to);
                }
            }
        }
        std::sort(set.begin(), set.end());
        return set;
    };
    const auto has = [](const std::vector<uint32_t> & set, uint32_t state) {
        return std::binary_search(set.begin(), set.end(), state);
    };
    // Once it has matched, whatever follows matches too: the one state without a set of its own.
    const std::vector<uint32_t> matched{UINT32_MAX};

    // By whether it is the beginning too: there `^` holds behind `$`, which no closed set shows.
    std::map<std::pair<std::vector<uint32_t>, bool>, int32_t> ids;
    std::vector<std::vector<uint32_t>> sets;
    std::vector<int32_t> next;
    std::vector<bool> accepts;
    const auto id_of = [&](std::vector<uint32_t> set, bool at_begin) -> int32_t {
        if (set != matched) {
            set = close(std::move(set), at_begin, false);
            if (has(set, machine.accept)) {
                set = matched;
            }
        }
        const auto [at, added] = ids.emplace(std::pair(set, at_begin), static_cast<int32_t>(sets.size()));
        if (added) {
            accepts.push_back(set == matched || has(close(set, at_begin, true), machine.accept));
            sets.push_back(std::move(set));
        }
        return at->second;
    };
    id_of({machine.begin}, true);
    for (size_t i = 0; i < sets.size(); ++i) {
        if (sets.size() > most_states) {
            return std::nullopt;
        }
        next.resize((i + 1) * starts.size(), dead);
        const std::vector<uint32_t> from = sets[i];
        for (size_t k = 0; k < starts.size(); ++k) {
            if (starts[k] == first_surrogate) {
                continue;
            }
            std::vector<uint32_t> to;
            if (from == matched) {
                to = matched;
            } else {
                to.push_back(machine.begin);  // a match may begin at any place
                for (const uint32_t state : from) {
                    for (const auto & one : machine.states[state]) {
                        budget.spend();
                        if (one.set != nullptr && one.set->contains(starts[k])) {
                            to.push_back(one.to);
                        }
                    }
                }
                std::sort(to.begin(), to.end());
                to.erase(std::unique(to.begin(), to.end()), to.end());
            }
            next[i * starts.size() + k] = id_of(std::move(to), false);
        }
    }
    return automaton(std::move(starts), std::move(next), std::move(accepts)).minimal(budget);
}

}  // namespace rast::schema
