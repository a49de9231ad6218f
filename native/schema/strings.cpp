#include "strings.h"

#include <algorithm>

namespace rast::schema {

namespace {

// Of one pattern, and of what several patterns and lengths say together: each becomes a rule.
constexpr size_t most_pattern_states = 2'000;
constexpr size_t most_product_states = 4'000;
constexpr size_t small_machine = 24;  // states: then an automaton is as good as the pattern as it is built

using expression = grammar_rules::expression;

// Code points of the shortest and the longest text.
struct span {
    uint64_t least;
    uint64_t most;
};

uint64_t sum(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t product(uint64_t a, uint64_t b) {
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

span span_of(const pattern_node & node) {
    span out{0, 0};
    switch (node.type) {
        case pattern_node::kind::set: return {1, 1};
        case pattern_node::kind::sequence:
            for (const auto & part : node.parts) {
                const span one = span_of(part);
                out = {sum(out.least, one.least), sum(out.most, one.most)};
            }
            return out;
        case pattern_node::kind::choice:
            out.least = UINT64_MAX;
            for (const auto & part : node.parts) {
                const span one = span_of(part);
                out = {std::min(out.least, one.least), std::max(out.most, one.most)};
            }
            return out;
        case pattern_node::kind::repeat: {
            const span one = span_of(node.parts.front());
            out.least = product(one.least, node.least);
            out.most = one.most == 0 ? 0 : node.most == unlimited ? UINT64_MAX : product(one.most, node.most);
            return out;
        }
        default: return out;
    }
}

// A pattern that is ^...$ as a whole, without them.
std::optional<pattern_node> inside_anchors(const pattern_node & root) {
    const bool whole = root.type == pattern_node::kind::sequence && root.parts.size() >= 2 &&
                       root.parts.front().type == pattern_node::kind::begin &&
                       root.parts.back().type == pattern_node::kind::end;
    if (!whole) {
        return std::nullopt;
    }
    pattern_node inner;
    inner.parts.assign(root.parts.begin() + 1, root.parts.end() - 1);
    return inner;
}

}  // namespace

const known_pattern * pattern_book::find(const std::string & source, part at, const std::string & keyword) {
    const auto found = known_.find(source);
    if (found != known_.end()) {
        return found->second.get();
    }
    auto made = std::make_unique<known_pattern>();
    try {
        made->tree = parse_pattern(source);
        try {
            made->machine = automaton::of_pattern(made->tree.root, most_pattern_states, document_.budget());
        } catch (const pattern_error &) {
            // as it is built, then
        }
    } catch (const pattern_error & error) {
        const std::string why = "the pattern " + source + " " + error.what();
        if (why.find("is no regular expression") != std::string::npos) {
            document_.invalid(at, keyword, why);
        }
        document_.unsupported(at, keyword, why);
        made = nullptr;
    }
    return known_.emplace(source, std::move(made)).first->second.get();
}

std::optional<automaton> strings_within(const string_limits & limits, bool only_exact, work_budget & budget) {
    automaton all = automaton::anything();
    for (const auto & one : limits.patterns) {
        const bool exact = one.exact && one.pattern->tree.exact;
        if (only_exact && !exact) {
            continue;
        }
        if (!one.pattern->machine || all.size() * one.pattern->machine->size() > 40 * most_product_states) {
            return std::nullopt;
        }
        all = all.intersect(one.matches ? *one.pattern->machine : one.pattern->machine->complement(), budget);
    }
    if (!limits.excluded.empty()) {
        const std::vector<std::string_view> texts(limits.excluded.begin(), limits.excluded.end());
        all = all.intersect(automaton::of_texts(texts, budget).complement(), budget);
    }
    if (limits.least > 0 || limits.most != UINT64_MAX) {
        return all.of_length(limits.least, limits.most, most_product_states, budget);
    }
    return all.minimal(budget);
}

string_writer::string_writer(schema_document & document, grammar_rules & rules) : document_(document), rules_(rules) {}

expression string_writer::quoted(expression inner) {
    return rules_.sequence({rules_.literal("\""), inner, rules_.literal("\"")});
}

expression string_writer::literal(const std::string & text) {
    std::string out;
    write_json_string(text, out);
    return rules_.literal(out);
}

// One code point as JSON has it: as it is, with a short escape, or as \uXXXX, two of them beyond the first plane.
expression string_writer::character() {
    if (!character_) {
        const auto set = [&](std::vector<code_point_set::range> ranges) {
            return rules_.one_of(code_point_set(std::move(ranges)));
        };
        const auto hex = set({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
        const auto word = [&](const char * text) { return rules_.literal(text); };
        std::vector<code_point_set::range> simple;
        for (const char c : std::string_view("\"\\/bfnrt")) {
            simple.emplace_back(c, c);
        }
        const auto d = set({{'D', 'D'}, {'d', 'd'}});
        const auto plain = rules_.sequence(
            {rules_.choice({rules_.sequence({set({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}}), hex}),
                            rules_.sequence({d, set({{'0', '7'}})})}),
             hex, hex});
        const auto pair = rules_.sequence({d, set({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}), hex, hex, word("\\u"), d,
                                           set({{'C', 'F'}, {'c', 'f'}}), hex, hex});
        const auto escaped = rules_.choice({set(simple), rules_.sequence({word("u"), rules_.choice({plain, pair})})});
        character_ =
            rules_.make(rules_.choice({set({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x7E}, {0x80, last_code_point}}),
                                       rules_.sequence({word("\\"), escaped})}));
    }
    return rules_.refer(*character_);
}

expression string_writer::any() {
    if (!any_) {
        any_ = rules_.make(quoted(rules_.repeat(character(), 0, UINT64_MAX)));
    }
    return rules_.refer(*any_);
}

expression string_writer::characters(const code_point_set & set) {
    if (set == code_point_set::all()) {
        return character();
    }
    const auto found = sets_.find(set.ranges());
    if (found != sets_.end()) {
        return rules_.refer(found->second);
    }
    static const code_point_set raw({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x7E}, {0x80, last_code_point}});
    const code_point_set as_is = set.intersect(raw);
    std::vector<expression> ways;
    if (!as_is.empty()) {
        ways.push_back(rules_.one_of(as_is));
    }
    std::vector<code_point_set::range> letters;
    std::vector<code_point_set::range> low;
    std::vector<code_point_set::range> high;
    for (const auto & [c, letter] :
         {std::pair<uint32_t, char>{'"', '"'}, {'\\', '\\'}, {8, 'b'}, {9, 't'}, {10, 'n'}, {12, 'f'}, {13, 'r'}}) {
        if (set.contains(c)) {
            letters.emplace_back(letter, letter);
        }
    }
    for (uint32_t c = 0; c < 0x20; ++c) {
        const bool is_short = (c >= 8 && c <= 10) || c == 12 || c == 13;
        if (set.contains(c) && !is_short) {
            const uint32_t digit = static_cast<unsigned char>("0123456789abcdef"[c & 15U]);
            (c < 0x10 ? low : high).emplace_back(digit, digit);
        }
    }
    std::vector<expression> escapes;
    const auto numbered = [&](const char * start, const std::vector<code_point_set::range> & digits) {
        if (!digits.empty()) {
            escapes.push_back(rules_.sequence({rules_.literal(start), rules_.one_of(code_point_set(digits))}));
        }
    };
    if (!letters.empty()) {
        escapes.push_back(rules_.one_of(code_point_set(letters)));
    }
    numbered("u000", low);
    numbered("u001", high);
    if (set.contains(0x7F)) {
        escapes.push_back(rules_.literal("u007f"));
    }
    const bool has_escapes = !escapes.empty();
    if (has_escapes) {
        ways.push_back(rules_.sequence({rules_.literal("\\"), rules_.choice(std::move(escapes))}));
    }
    const expression made = rules_.choice(std::move(ways));
    if (set.ranges().size() < 6 && !has_escapes && as_is == set) {
        return made;
    }
    const auto rule = rules_.make(made);
    sets_.emplace(set.ranges(), rule);
    return rules_.refer(rule);
}

expression string_writer::of_automaton(const automaton & machine) {
    if (machine.everything()) {
        return any();
    }
    std::vector<grammar_rules::rule> states;
    for (size_t i = 0; i < machine.size(); ++i) {
        states.push_back(rules_.declare());
    }
    for (size_t i = 0; i < machine.size(); ++i) {
        const auto edges = machine.edges(i);
        const bool rest = machine.accepts(i) && edges.size() == 1 && edges[0].set == code_point_set::all() &&
                          edges[0].to == static_cast<int32_t>(i);
        if (rest) {
            rules_.define(states[i], rules_.repeat(character(), 0, UINT64_MAX));
            continue;
        }
        std::vector<expression> ways;
        for (const auto & [set, to] : edges) {
            ways.push_back(rules_.sequence({characters(set), rules_.refer(states[static_cast<size_t>(to)])}));
        }
        if (machine.accepts(i)) {
            ways.push_back(rules_.empty());
        }
        rules_.define(states[i], rules_.choice(std::move(ways)));
    }
    return quoted(rules_.refer(states[0]));
}

std::optional<expression> string_writer::build(const pattern_node & node) {
    switch (node.type) {
        case pattern_node::kind::set: return characters(node.set);
        case pattern_node::kind::sequence:
        case pattern_node::kind::choice: {
            std::vector<expression> parts;
            for (const auto & part : node.parts) {
                const auto one = build(part);
                if (!one) {
                    return std::nullopt;
                }
                parts.push_back(*one);
            }
            return node.type == pattern_node::kind::sequence ? rules_.sequence(std::move(parts))
                                                             : rules_.choice(std::move(parts));
        }
        case pattern_node::kind::repeat: {
            const auto inner = build(node.parts.front());
            if (!inner || (node.most > 1 && span_of(node.parts.front()).least == 0)) {
                return std::nullopt;
            }
            return rules_.repeat(*inner, node.least, node.most == unlimited ? UINT64_MAX : node.most);
        }
        default: return std::nullopt;
    }
}

std::optional<expression> string_writer::as_built(const pattern_node & root) {
    if (const auto inner = inside_anchors(root)) {
        return build(*inner);
    }
    if (root.type == pattern_node::kind::choice) {
        return std::nullopt;
    }
    // open at one end or both
    pattern_node open;
    const bool is_sequence = root.type == pattern_node::kind::sequence;
    const bool begins = is_sequence && !root.parts.empty() && root.parts.front().type == pattern_node::kind::begin;
    const bool ends = is_sequence && !root.parts.empty() && root.parts.back().type == pattern_node::kind::end;
    if (is_sequence) {
        open.parts.assign(root.parts.begin() + (begins ? 1 : 0), root.parts.end() - (ends ? 1 : 0));
    } else {
        open.parts.push_back(root);
    }
    const auto inner = build(open);
    if (!inner) {
        return std::nullopt;
    }
    const auto around = [&] { return rules_.repeat(character(), 0, UINT64_MAX); };
    return rules_.sequence({begins ? rules_.empty() : around(), *inner, ends ? rules_.empty() : around()});
}

expression string_writer::within(const string_limits & given) {
    string_limits limits = given;
    if (limits.least > limits.most) {
        return rules_.nothing();
    }
    if (limits.patterns.size() == 1 && limits.patterns[0].matches && limits.excluded.empty()) {
        const known_pattern & only = *limits.patterns[0].pattern;
        if (const auto inner = inside_anchors(only.tree.root)) {
            // A length that the pattern keeps by itself is none to watch.
            const span length = span_of(*inner);
            limits.least = length.least >= limits.least ? 0 : limits.least;
            limits.most = length.most <= limits.most ? UINT64_MAX : limits.most;
        }
        const bool small = only.machine && only.machine->size() <= small_machine;
        if (limits.least == 0 && limits.most == UINT64_MAX && !small) {
            if (const auto built = as_built(only.tree.root)) {
                return quoted(*built);
            }
        }
    }
    if (limits.patterns.empty() && limits.excluded.empty()) {
        return quoted(rules_.repeat(character(), limits.least, limits.most));
    }
    if (const auto machine = strings_within(limits, false, document_.budget())) {
        return machine->empty() ? rules_.nothing() : of_automaton(*machine);
    }
    if (limits.patterns.empty()) {
        document_.unsupported(limits.at, "not", "excluded texts and lengths together need too large a grammar");
        limits.excluded.clear();
        return within(limits);
    }
    const auto & first = limits.patterns.front();
    document_.unsupported(first.at, first.keyword,
                          "together with the string's other limits it needs too large a grammar; write the length into "
                          "the pattern, as in ^[a-z]{2,80}$");
    limits.patterns.clear();
    return within(limits);
}

}  // namespace rast::schema
