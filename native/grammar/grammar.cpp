#include "grammar.h"

#include "../engine/error.h"
#include "../engine/work_turns.h"

#include <algorithm>
#include <map>
#include <utility>

namespace rast {

namespace {

using node_kind = gbnf_node::kind;

[[noreturn]] void refuse(const std::string & what) {
    throw rast_error("ERR_GRAMMAR", what);
}

std::string named(const gbnf_rule & rule) {
    return "The grammar's line " + std::to_string(rule.line) + ": rule \"" + rule.name + "\"";
}

// Bottom-up properties of all nodes of a tree, in time linear in its size. A node has the property if a leaf has it
// by itself, all children of a sequence, any of a choice, the rule's body, the repeated child or no repetition at all.
class property {
  public:
    template <typename Leaf>
    property(const gbnf_tree & tree, const Leaf & leaf) : tree_(tree), holds_(tree.nodes.size()) {
        const size_t n = tree.nodes.size();
        std::vector<uint32_t> parent(n, none);
        std::vector<uint32_t> lacking(n);
        std::vector<std::vector<uint32_t>> uses(tree.rules.size());
        std::vector<uint32_t> body_of(n, none);
        std::vector<uint32_t> next_body(tree.rules.size(), none);
        for (uint32_t r = 0; r < tree.rules.size(); ++r) {
            next_body[r] = body_of[tree.rules[r].body];  // one node is the body of one rule; kept general
            body_of[tree.rules[r].body] = r;
        }
        std::vector<uint32_t> todo;
        for (uint32_t i = 0; i < n; ++i) {
            const gbnf_node & node = tree.nodes[i];
            lacking[i] = node.count;
            for (uint32_t c = 0; c < node.count; ++c) {
                parent[tree.children[node.value + c]] = i;
            }
            if (node.what == node_kind::rule) {
                uses[node.value].push_back(i);
            }
            const bool empty_sequence = node.what == node_kind::sequence && node.count == 0;
            const bool none_needed = node.what == node_kind::repeat && node.min == 0;
            if (empty_sequence || none_needed || leaf(node)) {
                todo.push_back(i);
            }
        }
        while (!todo.empty()) {
            const uint32_t i = todo.back();
            todo.pop_back();
            if (holds_[i]) {
                continue;
            }
            holds_[i] = true;
            for (uint32_t r = body_of[i]; r != none; r = next_body[r]) {
                todo.insert(todo.end(), uses[r].begin(), uses[r].end());
            }
            const uint32_t above = parent[i];
            if (above != none && (tree.nodes[above].what != node_kind::sequence || --lacking[above] == 0)) {
                todo.push_back(above);
            }
        }
    }

    bool of(uint32_t node) const { return holds_[node]; }

    bool of_rule(uint32_t rule) const { return holds_[tree_.rules[rule].body]; }

  private:
    static constexpr uint32_t none = UINT32_MAX;

    const gbnf_tree & tree_;
    std::vector<bool> holds_;
};

}  // namespace

class grammar::builder {
  public:
    builder(grammar & out, gbnf_tree && tree, const token_names * tokens, const std::atomic<bool> * cancelled)
        : out_(out),
          tree_(std::move(tree)),
          tokens_(tokens),
          cancelled_(cancelled),
          nullable_(tree_, [](const gbnf_node &) { return false; }),
          // a text of finite length comes of every leaf but a rule
          ends_(tree_, [](const gbnf_node & node) { return node.what <= node_kind::not_named_token; }) {}

    void build() {
        resolve_tokens();
        require_ends();
        refuse_left_recursion();
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

  private:
    void look_for_cancellation() const {
        work_turn::breathe_now();
        if (cancelled_ != nullptr && *cancelled_) {
            refuse("Preparing the grammar was cancelled");
        }
    }

    void resolve_tokens() {
        for (gbnf_node & node : tree_.nodes) {
            const bool by_name = node.what == node_kind::named_token || node.what == node_kind::not_named_token;
            const bool by_id = node.what == node_kind::token || node.what == node_kind::not_token;
            if (!by_name && !by_id) {
                continue;
            }
            std::string shown = by_name ? tree_.token_names[node.value] : "<[" + std::to_string(node.value) + "]>";
            if (tokens_ == nullptr) {
                refuse("The grammar names token " + shown + ", and there is no vocabulary to find it in");
            }
            const bool negated = node.what == node_kind::not_token || node.what == node_kind::not_named_token;
            if (by_name) {
                const std::optional<int32_t> id = tokens_->id_of(shown);
                if (!id) {
                    refuse("The grammar names token " + shown + ", which is not exactly one token of the model");
                }
                node.value = static_cast<uint32_t>(*id);
                node.what = negated ? node_kind::not_token : node_kind::token;
            }
            if (static_cast<int32_t>(node.value) >= tokens_->count) {
                refuse("The grammar names token " + shown + ", and the vocabulary has " +
                       std::to_string(tokens_->count));
            }
            if (!negated && tokens_->ends_text(static_cast<int32_t>(node.value))) {
                refuse("The grammar names token " + shown + ", which ends the text: no text can hold it");
            }
        }
    }

    // Every rule that may be reached from the root must have an end.
    void require_ends() const {
        std::vector<bool> seen(tree_.rules.size());
        std::vector<uint32_t> todo{tree_.root};
        seen[tree_.root] = true;
        std::vector<uint32_t> inside;
        while (!todo.empty()) {
            const uint32_t r = todo.back();
            todo.pop_back();
            if (!ends_.of_rule(r)) {
                refuse(named(tree_.rules[r]) + " can never end: every way through it comes back to it");
            }
            inside.push_back(tree_.rules[r].body);
            while (!inside.empty()) {
                const gbnf_node & node = tree_.nodes[inside.back()];
                inside.pop_back();
                if (node.what == node_kind::rule && !seen[node.value]) {
                    seen[node.value] = true;
                    todo.push_back(node.value);
                }
                for (uint32_t c = 0; c < node.count; ++c) {
                    inside.push_back(tree_.children[node.value + c]);
                }
            }
        }
    }

    // Rules that may come first in rule r.
    std::vector<uint32_t> first_rules(uint32_t r) const {
        std::vector<uint32_t> out;
        std::vector<uint32_t> todo{tree_.rules[r].body};
        while (!todo.empty()) {
            const gbnf_node & node = tree_.nodes[todo.back()];
            todo.pop_back();
            if (node.what == node_kind::rule) {
                out.push_back(node.value);
            }
            for (uint32_t c = 0; c < node.count; ++c) {
                const uint32_t child = tree_.children[node.value + c];
                todo.push_back(child);
                if (node.what == node_kind::sequence && !nullable_.of(child)) {
                    break;
                }
            }
        }
        return out;
    }

    void refuse_left_recursion() const {
        const size_t n = tree_.rules.size();
        std::vector<std::vector<uint32_t>> first(n);
        std::vector<uint32_t> callers(n);
        for (uint32_t r = 0; r < n; ++r) {
            look_for_cancellation();
            first[r] = first_rules(r);
            for (const uint32_t callee : first[r]) {
                ++callers[callee];
            }
        }
        std::vector<uint32_t> order;
        for (uint32_t r = 0; r < n; ++r) {
            if (callers[r] == 0) {
                order.push_back(r);
            }
        }
        for (size_t i = 0; i < order.size(); ++i) {
            for (const uint32_t callee : first[order[i]]) {
                if (--callers[callee] == 0) {
                    order.push_back(callee);
                }
            }
        }
        if (order.size() == n) {
            return;
        }
        // what is left either lies on a circle or behind one: go back along callers until a rule comes again
        std::vector<uint32_t> caller_of(n);
        std::vector<uint32_t> steps(n);
        uint32_t at = 0;
        for (uint32_t r = 0; r < n; ++r) {
            for (const uint32_t callee : first[r]) {
                caller_of[callee] = callers[r] > 0 ? r : caller_of[callee];
            }
            at = callers[r] > 0 ? r : at;
        }
        while (++steps[at] < 2) {
            at = caller_of[at];
        }
        std::string way = tree_.rules[at].name;
        uint32_t shown = 0;
        uint32_t on = at;
        do {
            on = caller_of[on];
            if (++shown <= 8) {
                way = tree_.rules[on].name + " -> " + way;
            }
        } while (on != at && shown <= 8);
        refuse(named(tree_.rules[at]) + " may begin with itself (left recursion: " + (on != at ? "... -> " : "") + way +
               "); put the recursion behind something that is never empty, or use * or +");
    }

    // Same state, same number: what ends alike is shared.
    uint32_t intern(const state & wanted) {
        if (2 * (interned_ + 1) > known_.size()) {
            std::vector<uint32_t> before(std::max<size_t>(256, 2 * known_.size()));
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
    uint32_t * place_of(const state & wanted) {
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

    uint32_t make_split(std::vector<uint32_t> targets) {
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
    uint32_t add(uint32_t index, uint32_t next) {
        if (++steps_ % 4096 == 0) {
            look_for_cancellation();
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
        refuse("A token of the grammar has no id");
    }

    uint32_t add_repeat(uint32_t index, uint32_t next) {
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
            // a loop of its own: its number must be known before what goes back to it
            const auto loop = static_cast<uint32_t>(out_.states_.size());
            out_.states_.push_back({kind::split, 0, 0, 0, 0, 0});
            const uint32_t body = add(child, loop);
            out_.states_[loop].value = static_cast<uint32_t>(out_.branches_.size());
            out_.states_[loop].count = 2;
            out_.branches_.push_back(body);
            out_.branches_.push_back(next);
            return node.min == 1 ? body : loop;
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

    // Rules that rule r may call before any character, in the network.
    std::vector<uint32_t> first_calls(uint32_t r) {
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
    void rank() {
        const size_t n = out_.rules_.size();
        std::vector<std::vector<uint32_t>> first(n);
        std::vector<uint32_t> callers(n);
        for (uint32_t r = 0; r < n; ++r) {
            first[r] = first_calls(r);
            for (const uint32_t callee : first[r]) {
                ++callers[callee];
            }
        }
        std::vector<uint32_t> order;
        for (uint32_t r = 0; r < n; ++r) {
            if (callers[r] == 0) {
                order.push_back(r);
            }
        }
        for (size_t i = 0; i < order.size(); ++i) {
            out_.rules_[order[i]].rank = static_cast<uint32_t>(i);
            for (const uint32_t callee : first[order[i]]) {
                if (--callers[callee] == 0) {
                    order.push_back(callee);
                }
            }
        }
    }

    grammar & out_;
    gbnf_tree tree_;
    const token_names * tokens_;
    const std::atomic<bool> * cancelled_;
    property nullable_;
    property ends_;
    size_t steps_ = 0;
    std::vector<uint32_t> known_;  // hash table of states
    size_t interned_ = 0;
    std::map<std::vector<uint32_t>, uint32_t> splits_;
    std::map<uint32_t, uint32_t> bodies_;  // start -> rule
    std::vector<uint32_t> seen_in_;        // by state: the last rule that was looked through
};

grammar::grammar(std::string_view gbnf, const token_names * tokens, const std::atomic<bool> * cancelled) {
    builder(*this, parse_gbnf(gbnf, cancelled), tokens, cancelled).build();
    make_letters();
}

void grammar::make_letters() {
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

uint32_t grammar::letter_beyond_ascii(uint32_t code_point) const {
    const auto behind = std::upper_bound(interval_start_.begin(), interval_start_.end(), code_point);
    return interval_letter_[static_cast<size_t>(behind - interval_start_.begin()) - 1];
}

bool grammar::holds(uint32_t set, uint32_t letter) const {
    const uint32_t only = only_letter_[set];
    return only < letters() ? only == letter : meets(set, first_of_letter_[letter], first_of_letter_[letter]);
}

bool grammar::meets(uint32_t set, uint32_t low, uint32_t high) const {
    const code_set & ranges = sets_[set];
    const auto at = std::lower_bound(ranges.begin(), ranges.end(), low,
                                     [](const code_range & range, uint32_t value) { return range.high < value; });
    return at != ranges.end() && at->low <= high;
}

size_t grammar::bytes() const {
    size_t sets = 0;
    for (const code_set & set : sets_) {
        sets += sizeof set + set.size() * sizeof(code_range);
    }
    return states_.size() * sizeof(state) + branches_.size() * sizeof(uint32_t) + rules_.size() * sizeof(rule) + sets +
           interval_start_.size() * 2 * sizeof(uint32_t) + first_of_letter_.size() * sizeof(uint32_t) +
           only_letter_.size() * sizeof(uint32_t);
}

}  // namespace rast
