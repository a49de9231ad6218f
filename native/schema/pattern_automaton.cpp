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

// Sets of Thompson's states that are reached together: the states of the deterministic automaton.
class subset_construction {
  public:
    // @param starts first code points of intervals that the pattern does not tell apart within
    subset_construction(const nfa & machine, const std::vector<uint32_t> & starts, work_budget & budget)
        : machine_(machine), starts_(starts), budget_(budget), mark_(machine.states.size(), 0) {}

    // False where that takes more than this many states.
    bool run(size_t most_states) {
        id_of({machine_.begin}, true);
        for (size_t i = 0; i < sets_.size(); ++i) {
            if (sets_.size() > most_states) {
                return false;
            }
            next.resize((i + 1) * starts_.size(), automaton::dead);
            const state_set from = sets_[i];
            for (size_t k = 0; k < starts_.size(); ++k) {
                if (starts_[k] != first_surrogate) {
                    next[i * starts_.size() + k] = id_of(behind(from, starts_[k]), false);
                }
            }
        }
        return true;
    }

    std::vector<int32_t> next;  // by state and interval
    std::vector<bool> accepts;

  private:
    using state_set = std::vector<uint32_t>;  // sorted

    // All that can be reached for free; from the start of the text also over ^, and at its end over $.
    state_set close(state_set set, bool at_begin, bool at_end) {
        ++round_;
        for (const uint32_t state : set) {
            mark_[state] = round_;
        }
        for (size_t i = 0; i < set.size(); ++i) {
            for (const auto & one : machine_.states[set[i]]) {
                budget_.spend();
                const bool open = one.type == nfa::step::free || (one.type == nfa::step::at_begin && at_begin) ||
                                  (one.type == nfa::step::at_end && at_end);
                if (open && mark_[one.to] != round_) {
                    mark_[one.to] = round_;
                    set.push_back(one.to);
                }
            }
        }
        std::sort(set.begin(), set.end());
        return set;
    }

    bool has_match(const state_set & set) const { return std::binary_search(set.begin(), set.end(), machine_.accept); }

    int32_t id_of(state_set set, bool at_begin) {
        if (set != matched_) {
            set = close(std::move(set), at_begin, false);
            if (has_match(set)) {
                set = matched_;
            }
        }
        const auto [at, added] = ids_.emplace(std::pair(set, at_begin), static_cast<int32_t>(sets_.size()));
        if (added) {
            accepts.push_back(set == matched_ || has_match(close(set, at_begin, true)));
            sets_.push_back(std::move(set));
        }
        return at->second;
    }

    // Where a code point leads.
    state_set behind(const state_set & from, uint32_t code_point) {
        if (from == matched_) {
            return matched_;
        }
        state_set to{machine_.begin};  // a match may begin at any place
        for (const uint32_t state : from) {
            for (const auto & one : machine_.states[state]) {
                budget_.spend();
                if (one.set != nullptr && one.set->contains(code_point)) {
                    to.push_back(one.to);
                }
            }
        }
        std::sort(to.begin(), to.end());
        to.erase(std::unique(to.begin(), to.end()), to.end());
        return to;
    }

    const nfa & machine_;
    const std::vector<uint32_t> & starts_;
    work_budget & budget_;
    // Once it has matched, whatever follows matches too: the one state without a set of its own.
    const state_set matched_{UINT32_MAX};
    std::vector<uint32_t> mark_;  // by state: the last round that reached it
    uint32_t round_ = 0;
    // By whether it is the beginning too: there `^` holds behind `$`, which no closed set shows.
    std::map<std::pair<state_set, bool>, int32_t> ids_;
    std::vector<state_set> sets_;
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
    subset_construction made(machine, starts, budget);
    if (!made.run(most_states)) {
        return std::nullopt;
    }
    return automaton(std::move(starts), std::move(made.next), std::move(made.accepts)).minimal(budget);
}

}  // namespace rast::schema
