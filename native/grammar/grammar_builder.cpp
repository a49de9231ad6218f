#include "grammar_builder.h"

#include "../error.h"
#include "call_order.h"

#include <algorithm>
#include <utility>

namespace rast {

namespace {

using node_kind = gbnf_node::kind;

constexpr size_t smallest_state_table = 256;  // of interned states: most grammars never grow it
constexpr size_t steps_between_looks = 4096;  // at the flag of cancellation: well below a millisecond

}  // namespace

grammar::builder::builder(grammar & out, gbnf_tree && tree, const std::atomic<bool> * cancelled)
    : out_(out), tree_(std::move(tree)), cancelled_(cancelled), nullable_(nullable_nodes(tree_)) {}

void grammar::builder::build() {
    refuse_left_recursion(tree_, nullable_, cancelled_);
    out_.states_.push_back({});
    out_.rules_.resize(tree_.rules.size());
    for (uint32_t r = 0; r < tree_.rules.size(); ++r) {
        out_.rules_[r].nullable = nullable_.of_rule(r);
    }
    for (uint32_t r = 0; r < tree_.rules.size(); ++r) {
        const uint32_t start = add(tree_.rules[r].body, 0);
        out_.rules_[r].start = start;
    }
    rank();
    out_.root_ = tree_.root;
    out_.sets_ = std::move(tree_.sets);
}

// Same state, same number: what ends alike is shared.
uint32_t grammar::builder::intern(const state & wanted) {
    if (2 * (interned_ + 1) > known_.size()) {
        std::vector<uint32_t> before(std::max(smallest_state_table, 2 * known_.size()));
        before.swap(known_);
        for (const uint32_t one : before) {
            if (one != 0) {
                *place_of(out_.states_[one]) = one;
            }
        }
    }
    uint32_t * place = place_of(wanted);
    if (*place == 0) {
        *place = static_cast<uint32_t>(out_.states_.size());
        out_.states_.push_back(wanted);
        ++interned_;
    }
    return *place;
}

// Where the number of such a state stands in known_, or 0 where it would.
uint32_t * grammar::builder::place_of(const state & wanted) {
    uint64_t hash = static_cast<uint64_t>(wanted.what);
    for (const uint32_t part : {wanted.value, wanted.next, wanted.min, wanted.max}) {
        hash = (hash ^ part) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 29;
    }
    size_t at = hash & (known_.size() - 1);
    while (known_[at] != 0 && out_.states_[known_[at]] != wanted) {
        at = (at + 1) & (known_.size() - 1);
    }
    return &known_[at];
}

uint32_t grammar::builder::make_split(std::vector<uint32_t> targets) {
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    if (targets.size() == 1) {
        return targets[0];
    }
    const auto at = splits_.try_emplace(std::move(targets), static_cast<uint32_t>(out_.states_.size()));
    if (at.second) {
        const auto & branches = at.first->first;
        out_.states_.push_back({kind::split, static_cast<uint32_t>(out_.branches_.size()), 0,
                                static_cast<uint32_t>(branches.size()), 0, 0});
        out_.branches_.insert(out_.branches_.end(), branches.begin(), branches.end());
    }
    return at.first->second;
}

// The states of a node that goes on at `next`. As deep as parentheses and repetitions are nested.
uint32_t grammar::builder::add(uint32_t index, uint32_t next) {
    if (++steps_ % steps_between_looks == 0) {
        look_for_cancellation(cancelled_);
    }
    const gbnf_node & node = tree_.nodes[index];
    switch (node.what) {
        case node_kind::characters: return intern({kind::characters, node.value, next, 0, 0, 0});
        case node_kind::token: return intern({kind::token, node.value, next, 0, 0, 0});
        case node_kind::not_token: return intern({kind::not_token, node.value, next, 0, 0, 0});
        case node_kind::rule: return intern({kind::call, node.value, next, 0, 0, 0});
        case node_kind::sequence: {
            for (uint32_t c = node.count; c-- > 0;) {
                next = add(tree_.children[node.value + c], next);
            }
            return next;
        }
        case node_kind::choice: {
            std::vector<uint32_t> targets;
            for (uint32_t c = 0; c < node.count; ++c) {
                targets.push_back(add(tree_.children[node.value + c], next));
            }
            return make_split(std::move(targets));
        }
        case node_kind::repeat: return add_repeat(index, next);
        case node_kind::named_token:
        case node_kind::not_named_token: break;
    }
    throw rast_error("ERR_GRAMMAR", "A token of the grammar has no id");
}

uint32_t grammar::builder::add_repeat(uint32_t index, uint32_t next) {
    const gbnf_node & node = tree_.nodes[index];
    const uint32_t child = tree_.children[node.value];
    const gbnf_node & repeated = tree_.nodes[child];
    if (node.max == 0) {
        return next;
    }
    if (node.min == 1 && node.max == 1) {
        return add(child, next);
    }
    if (node.max == 1) {
        return make_split({add(child, next), next});
    }
    if (node.min <= 1 && node.max == endless) {
        return add_loop(node, next);
    }
    if (repeated.what == node_kind::characters) {
        return intern({kind::count_set, repeated.value, next, 0, node.min, node.max});
    }
    // The body is a rule of its own. One that may be empty need not repeat a number of times at least.
    const bool nullable = nullable_.of(child);
    const uint32_t body = add(child, 0);
    const auto known = bodies_.try_emplace(body, static_cast<uint32_t>(out_.rules_.size()));
    if (known.second) {
        out_.rules_.push_back({body, 0, nullable});
    }
    return intern({kind::count_rule, known.first->second, next, 0, nullable ? 0 : node.min, node.max});
}

// A loop of its own: its number must be known before what goes back to it.
uint32_t grammar::builder::add_loop(const gbnf_node & node, uint32_t next) {
    const auto loop = static_cast<uint32_t>(out_.states_.size());
    out_.states_.push_back({kind::split, 0, 0, 0, 0, 0});
    const uint32_t body = add(tree_.children[node.value], loop);
    out_.states_[loop].value = static_cast<uint32_t>(out_.branches_.size());
    out_.states_[loop].count = 2;
    out_.branches_.push_back(body);
    out_.branches_.push_back(next);
    return node.min == 1 ? body : loop;
}

// Rules that rule r may call before any character, in the network.
std::vector<uint32_t> grammar::builder::first_calls(uint32_t r) {
    std::vector<uint32_t> out;
    std::vector<uint32_t> todo{out_.rules_[r].start};
    seen_in_.resize(out_.states_.size(), UINT32_MAX);
    while (!todo.empty()) {
        const uint32_t at = todo.back();
        todo.pop_back();
        if (seen_in_[at] == r) {
            continue;
        }
        seen_in_[at] = r;
        const state & one = out_.states_[at];
        const bool calls = one.what == kind::call || one.what == kind::count_rule;
        const bool counts = one.what == kind::count_set || one.what == kind::count_rule;
        if (calls) {
            out.push_back(one.value);
        }
        if ((calls && out_.rules_[one.value].nullable) || (counts && one.min == 0)) {
            todo.push_back(one.next);
        }
        for (uint32_t i = 0; i < one.count; ++i) {
            todo.push_back(out_.branches_[one.value + i]);
        }
    }
    return out;
}

// Callers get smaller ranks than what they may call before any character. There is no circle: that would be left
// recursion.
void grammar::builder::rank() {
    std::vector<std::vector<uint32_t>> first(out_.rules_.size());
    for (uint32_t r = 0; r < first.size(); ++r) {
        first[r] = first_calls(r);
    }
    const call_order ranked(first);
    for (size_t i = 0; i < ranked.order.size(); ++i) {
        out_.rules_[ranked.order[i]].rank = static_cast<uint32_t>(i);
    }
}

}  // namespace rast
