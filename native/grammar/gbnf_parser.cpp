#include "gbnf_parser.h"

#include "../error.h"
#include "gbnf_text.h"

#include <map>
#include <unordered_map>
#include <utility>

namespace rast {

namespace {

using kind = gbnf_node::kind;

constexpr size_t longest_token_name = 512;  // bytes, with angle brackets: more than any piece of a vocabulary

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-';
}

class parser : private gbnf_text {
  public:
    parser(std::string_view text, const std::atomic<bool> * cancelled) : gbnf_text(text, cancelled) {}

    gbnf_tree parse() {
        if (text_.size() > longest_grammar_bytes) {
            throw rast_error("ERR_GRAMMAR", "The grammar has " + std::to_string(text_.size()) + " bytes, more than " +
                                                std::to_string(longest_grammar_bytes));
        }
        skip_space(true);
        while (!at_end()) {
            parse_rule();
        }
        finish();
        return std::move(tree_);
    }

  private:
    // ---- tree

    uint32_t add(const gbnf_node & node) {
        tree_.nodes.push_back(node);
        return static_cast<uint32_t>(tree_.nodes.size() - 1);
    }

    uint32_t add_parent(kind what, const std::vector<uint32_t> & children) {
        if (children.size() == 1) {
            return children[0];
        }
        gbnf_node node;
        node.what = what;
        node.value = static_cast<uint32_t>(tree_.children.size());
        node.count = static_cast<uint32_t>(children.size());
        tree_.children.insert(tree_.children.end(), children.begin(), children.end());
        return add(node);
    }

    uint32_t add_set(const code_set & set) {
        const bool one = set.size() == 1 && set[0].low == set[0].high;
        const auto fresh = static_cast<uint32_t>(tree_.sets.size());
        gbnf_node node;
        node.what = kind::characters;
        node.value = one ? characters_.try_emplace(set[0].low, fresh).first->second
                         : sets_.try_emplace(set, fresh).first->second;
        if (node.value == fresh) {
            tree_.sets.push_back(set);
        }
        return add(node);
    }

    uint32_t rule_named(std::string_view name) {
        const auto at = names_.try_emplace(std::string(name), static_cast<uint32_t>(tree_.rules.size()));
        if (at.second) {
            tree_.rules.push_back({std::string(name), 0, 0, 0});
        }
        return at.first->second;
    }

    // ---- grammar

    std::string_view parse_name() {
        const size_t from = at_;
        while (!at_end() && is_name_character(text_[at_])) {
            ++at_;
        }
        if (at_ == from) {
            expected("the name of a rule (letters, digits and \"-\")");
        }
        return text_.substr(from, at_ - from);
    }

    void parse_rule() {
        const size_t start = at_;
        const uint32_t rule = rule_named(parse_name());
        if (tree_.rules[rule].line != 0) {
            fail_at(start, "rule \"" + tree_.rules[rule].name + "\" is defined twice, the first time in line " +
                               std::to_string(tree_.rules[rule].line));
        }
        tree_.rules[rule].line = line_here();
        skip_space(false);
        if (text_.substr(at_, 3) != "::=") {
            expected("\"::=\"");
        }
        at_ += 3;
        skip_space(true);
        const uint32_t body = parse_choice(false);
        tree_.rules[rule].body = body;
        if (is('\r')) {
            at_ += peek(1) == '\n' ? 2 : 1;
        } else if (is('\n')) {
            at_ += 1;
        } else if (!at_end()) {
            expected("an element of a rule, \"|\" or the end of the line");
        }
        skip_space(true);
    }

    uint32_t parse_choice(bool nested) {
        std::vector<uint32_t> choices{parse_sequence(nested)};
        while (is('|')) {
            ++at_;
            skip_space(true);
            choices.push_back(parse_sequence(nested));
        }
        return add_parent(kind::choice, choices);
    }

    uint32_t parse_sequence(bool nested) {
        std::vector<uint32_t> items;
        for (;;) {
            look_for_cancellation();
            if (at_end()) {
                break;
            }
            const char c = text_[at_];
            if (c == '"') {
                items.push_back(parse_literal());
            } else if (c == '[') {
                items.push_back(parse_class());
            } else if (c == '<' || c == '!') {
                items.push_back(parse_token());
            } else if (is_name_character(c)) {
                const uint32_t line = line_here();
                gbnf_node node;
                node.what = kind::rule;
                node.value = rule_named(parse_name());
                gbnf_rule & rule = tree_.rules[node.value];
                rule.used = rule.used == 0 ? line : rule.used;
                items.push_back(add(node));
            } else if (c == '(') {
                items.push_back(parse_group());
            } else if (c == '.') {
                ++at_;
                items.push_back(add_set({{0, first_surrogate - 1}, {last_surrogate + 1, largest_code_point}}));
            } else if (c == '*' || c == '+' || c == '?') {
                repeat(items, c == '+' ? 1 : 0, c == '?' ? 1 : gbnf_node::endless);
                ++at_;
            } else if (c == '{') {
                parse_bounds(items, nested);
            } else {
                break;
            }
            skip_space(nested);
        }
        return add_parent(kind::sequence, items);
    }

    void repeat(std::vector<uint32_t> & items, uint32_t min, uint32_t max) {
        if (items.empty()) {
            fail("expected something to repeat in front of " + found());
        }
        gbnf_node node;
        node.what = kind::repeat;
        node.value = static_cast<uint32_t>(tree_.children.size());
        node.count = 1;
        node.min = min;
        node.max = max;
        tree_.children.push_back(items.back());
        items.back() = add(node);
    }

    uint32_t parse_count() {
        const size_t start = at_;
        uint64_t count = 0;
        while (!at_end() && is_digit(text_[at_])) {
            count = count * 10 + static_cast<uint64_t>(text_[at_] - '0');
            if (count > most_grammar_repetitions) {
                fail_at(start, "a number of repetitions is more than " + std::to_string(most_grammar_repetitions));
            }
            ++at_;
        }
        if (at_ == start) {
            expected("a number of repetitions");
        }
        return static_cast<uint32_t>(count);
    }

    void parse_bounds(std::vector<uint32_t> & items, bool nested) {
        const size_t start = at_;
        ++at_;
        skip_space(nested);
        const uint32_t min = parse_count();
        uint32_t max = min;
        skip_space(nested);
        if (is(',')) {
            ++at_;
            skip_space(nested);
            max = gbnf_node::endless;
            if (!at_end() && is_digit(text_[at_])) {
                max = parse_count();
                skip_space(nested);
            }
            if (!is('}')) {
                expected("\"}\"");
            }
        } else if (!is('}')) {
            expected("\",\" or \"}\"");
        }
        if (max < min) {
            fail_at(start, "at least " + std::to_string(min) + " and at most " + std::to_string(max) +
                               " repetitions contradict each other");
        }
        const size_t end = at_;
        at_ = start;  // for the message, should there be nothing to repeat
        repeat(items, min, max);
        at_ = end + 1;
    }

    uint32_t parse_group() {
        const size_t start = at_;
        if (++depth_ > deepest_grammar_parentheses) {
            fail("parentheses are nested more than " + std::to_string(deepest_grammar_parentheses) + " deep");
        }
        ++at_;
        skip_space(true);
        const uint32_t inside = parse_choice(true);
        if (at_end()) {
            fail_at(start, "the parenthesis is never closed");
        }
        if (!is(')')) {
            expected("an element of a rule, \"|\" or \")\"");
        }
        ++at_;
        --depth_;
        return inside;
    }

    uint32_t parse_literal() {
        const size_t start = at_++;
        std::vector<uint32_t> characters;
        while (!is('"')) {
            if (at_end()) {
                fail_at(start, "the text in quotes is never closed");
            }
            look_for_cancellation();
            const size_t place = at_;
            const uint32_t c = parse_character();
            if (c > largest_code_point || (c >= first_surrogate && c <= last_surrogate)) {
                fail_at(place, "there is no such character: no text can hold it");
            }
            characters.push_back(add_set({{c, c}}));
        }
        ++at_;
        return add_parent(kind::sequence, characters);
    }

    uint32_t parse_class() {
        const size_t start = at_++;
        const bool negated = is('^');
        at_ += negated ? 1 : 0;
        code_set ranges;
        while (!is(']')) {
            if (at_end()) {
                fail_at(start, "the class of characters is never closed");
            }
            look_for_cancellation();
            const size_t place = at_;
            const uint32_t low = parse_character();
            uint32_t high = low;
            if (is('-') && at_ + 1 < text_.size() && peek(1) != ']') {
                ++at_;
                high = parse_character();
                if (high < low) {
                    fail_at(place, "the range of characters ends before it begins");
                }
            }
            ranges.push_back({low, high});
        }
        if (ranges.empty()) {
            fail_at(start, "the class of characters is empty");
        }
        ++at_;
        const code_set set = normal_set(ranges, negated);
        if (set.empty()) {
            fail_at(start, "the class holds no character that a text can hold");
        }
        return add_set(set);
    }

    uint32_t parse_token() {
        const size_t start = at_;
        const bool negated = is('!');
        at_ += negated ? 1 : 0;
        if (!is('<')) {
            expected("\"<\"");
        }
        const size_t name = at_++;
        gbnf_node node;
        if (is('[')) {
            ++at_;
            uint64_t id = 0;
            const size_t digits = at_;
            while (!at_end() && is_digit(text_[at_]) && id <= INT32_MAX) {
                id = id * 10 + static_cast<uint64_t>(text_[at_++] - '0');
            }
            if (at_ == digits) {
                expected("a token's id");
            }
            if (id > INT32_MAX) {
                fail_at(digits, "no token has such an id");
            }
            if (text_.substr(at_, 2) != "]>") {
                expected("\"]>\"");
            }
            at_ += 2;
            node.what = negated ? kind::not_token : kind::token;
            node.value = static_cast<uint32_t>(id);
            return add(node);
        }
        while (!at_end() && text_[at_] != '>' && text_[at_] != '\n') {
            ++at_;
        }
        if (!is('>')) {
            fail_at(start, "the token's name is never closed by \">\"");
        }
        ++at_;
        if (at_ - name > longest_token_name) {
            fail_at(start, "no token has so long a name");
        }
        node.what = negated ? kind::not_named_token : kind::named_token;
        node.value = static_cast<uint32_t>(tree_.token_names.size());
        tree_.token_names.emplace_back(text_.substr(name, at_ - name));
        return add(node);
    }

    void finish() {
        for (const gbnf_rule & rule : tree_.rules) {
            if (rule.line == 0) {
                throw rast_error(
                    "ERR_GRAMMAR",
                    "The grammar's line " + std::to_string(rule.used) + ": rule \"" + rule.name + "\" is not defined",
                    {{"line", static_cast<double>(rule.used)}, {"rule", rule.name}});
            }
        }
        const auto root = names_.find("root");
        if (root == names_.end()) {
            throw rast_error("ERR_GRAMMAR", "The grammar defines no rule \"root\"");
        }
        tree_.root = root->second;
    }

    uint32_t depth_ = 0;
    gbnf_tree tree_;
    std::unordered_map<std::string, uint32_t> names_;
    std::unordered_map<uint32_t, uint32_t> characters_;  // sets of one
    std::map<code_set, uint32_t> sets_;                  // others
};

}  // namespace

gbnf_tree parse_gbnf(std::string_view text, const std::atomic<bool> * cancelled) {
    return parser(text, cancelled).parse();
}

}  // namespace rast
