#include "grammar_checks.h"

#include "../error.h"
#include "../threads/work_turns.h"
#include "call_order.h"

#include <string>

namespace rast {

namespace {

using node_kind = gbnf_node::kind;

constexpr uint32_t most_shown_rules = 8;  // of a circle, in a message

[[noreturn]] void refuse(const std::string & what) {
    throw rast_error("ERR_GRAMMAR", what);
}

std::string named(const gbnf_rule & rule) {
    return "The grammar's line " + std::to_string(rule.line) + ": rule \"" + rule.name + "\"";
}

// Rules that may come first in rule r.
std::vector<uint32_t> first_rules(const gbnf_tree & tree, const tree_property & nullable, uint32_t r) {
    std::vector<uint32_t> out;
    std::vector<uint32_t> todo{tree.rules[r].body};
    while (!todo.empty()) {
        const gbnf_node & node = tree.nodes[todo.back()];
        todo.pop_back();
        if (node.what == node_kind::rule) {
            out.push_back(node.value);
        }
        for (uint32_t c = 0; c < node.count; ++c) {
            const uint32_t child = tree.children[node.value + c];
            todo.push_back(child);
            if (node.what == node_kind::sequence && !nullable.of(child)) {
                break;
            }
        }
    }
    return out;
}

// What is missing from the order either lies on a circle or behind one: going back along callers leads onto it.
[[noreturn]] void refuse_circle(const gbnf_tree & tree, const std::vector<std::vector<uint32_t>> & first,
                                const std::vector<uint32_t> & callers_left) {
    const size_t n = first.size();
    std::vector<uint32_t> caller_of(n);
    std::vector<uint32_t> steps(n);
    uint32_t at = 0;
    for (uint32_t r = 0; r < n; ++r) {
        for (const uint32_t callee : first[r]) {
            caller_of[callee] = callers_left[r] > 0 ? r : caller_of[callee];
        }
        at = callers_left[r] > 0 ? r : at;
    }
    while (++steps[at] < 2) {
        at = caller_of[at];
    }
    std::string way = tree.rules[at].name;
    uint32_t shown = 0;
    uint32_t on = at;
    do {
        on = caller_of[on];
        if (++shown <= most_shown_rules) {
            way = tree.rules[on].name + " -> " + way;
        }
    } while (on != at && shown <= most_shown_rules);
    refuse(named(tree.rules[at]) + " may begin with itself (left recursion: " + (on != at ? "... -> " : "") + way +
           "); put the recursion behind something that is never empty, or use * or +");
}

}  // namespace

tree_property::tree_property(const gbnf_tree & tree, const std::function<bool(const gbnf_node &)> & leaf)
    : tree_(tree), holds_(tree.nodes.size()) {
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
        if (node.what == gbnf_node::kind::rule) {
            uses[node.value].push_back(i);
        }
        const bool empty_sequence = node.what == gbnf_node::kind::sequence && node.count == 0;
        const bool none_needed = node.what == gbnf_node::kind::repeat && node.min == 0;
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
        if (above != none && (tree.nodes[above].what != gbnf_node::kind::sequence || --lacking[above] == 0)) {
            todo.push_back(above);
        }
    }
}

tree_property nullable_nodes(const gbnf_tree & tree) {
    return {tree, [](const gbnf_node &) { return false; }};
}

void look_for_cancellation(const std::atomic<bool> * cancelled) {
    work_turn::breathe_now();
    if (cancelled != nullptr && *cancelled) {
        refuse("Preparing the grammar was cancelled");
    }
}

void resolve_tokens(gbnf_tree & tree, const token_names * tokens) {
    for (gbnf_node & node : tree.nodes) {
        const bool by_name = node.what == node_kind::named_token || node.what == node_kind::not_named_token;
        const bool by_id = node.what == node_kind::token || node.what == node_kind::not_token;
        if (!by_name && !by_id) {
            continue;
        }
        std::string shown = by_name ? tree.token_names[node.value] : "<[" + std::to_string(node.value) + "]>";
        if (tokens == nullptr) {
            refuse("The grammar names token " + shown + ", and there is no vocabulary to find it in");
        }
        const bool negated = node.what == node_kind::not_token || node.what == node_kind::not_named_token;
        if (by_name) {
            const std::optional<int32_t> id = tokens->id_of(shown);
            if (!id) {
                refuse("The grammar names token " + shown + ", which is not exactly one token of the model");
            }
            node.value = static_cast<uint32_t>(*id);
            node.what = negated ? node_kind::not_token : node_kind::token;
        }
        if (static_cast<int32_t>(node.value) >= tokens->count) {
            refuse("The grammar names token " + shown + ", and the vocabulary has " + std::to_string(tokens->count));
        }
        if (!negated && tokens->ends_text(static_cast<int32_t>(node.value))) {
            refuse("The grammar names token " + shown + ", which ends the text: no text can hold it");
        }
    }
}

void require_ends(const gbnf_tree & tree) {
    // a text of finite length comes of every leaf but a rule
    const tree_property ends(tree, [](const gbnf_node & node) { return node.what <= node_kind::not_named_token; });
    std::vector<bool> seen(tree.rules.size());
    std::vector<uint32_t> todo{tree.root};
    seen[tree.root] = true;
    std::vector<uint32_t> inside;
    while (!todo.empty()) {
        const uint32_t r = todo.back();
        todo.pop_back();
        if (!ends.of_rule(r)) {
            refuse(named(tree.rules[r]) + " can never end: every way through it comes back to it");
        }
        inside.push_back(tree.rules[r].body);
        while (!inside.empty()) {
            const gbnf_node & node = tree.nodes[inside.back()];
            inside.pop_back();
            if (node.what == node_kind::rule && !seen[node.value]) {
                seen[node.value] = true;
                todo.push_back(node.value);
            }
            for (uint32_t c = 0; c < node.count; ++c) {
                inside.push_back(tree.children[node.value + c]);
            }
        }
    }
}

void refuse_left_recursion(const gbnf_tree & tree, const tree_property & nullable,
                           const std::atomic<bool> * cancelled) {
    std::vector<std::vector<uint32_t>> first(tree.rules.size());
    for (uint32_t r = 0; r < first.size(); ++r) {
        look_for_cancellation(cancelled);
        first[r] = first_rules(tree, nullable, r);
    }
    const call_order order(first);
    if (!order.complete()) {
        refuse_circle(tree, first, order.callers_left);
    }
}

}  // namespace rast
