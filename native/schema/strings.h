// What a string may be.
#pragma once

#include "automaton.h"
#include "grammar_rules.h"
#include "schema_document.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rast::schema {

// A pattern, read once, and its automaton where that is small enough.
struct known_pattern {
    pattern tree;
    std::optional<automaton> machine;
};

class pattern_book {
  public:
    explicit pattern_book(schema_document & document) : document_(document) {}

    // Null if the pattern cannot be kept and that is to be ignored; else throws. The part and keyword are for messages.
    const known_pattern * find(const std::string & source, part at, const std::string & keyword);

  private:
    schema_document & document_;
    std::map<std::string, std::unique_ptr<known_pattern>> known_;
};

struct string_limits {
    struct wanted {
        const known_pattern * pattern;
        part at;
        const char * keyword;
        bool matches;  // or must not
        bool exact;    // false for formats: others may be valid too
    };

    uint64_t least = 0;
    uint64_t most = UINT64_MAX;
    std::vector<wanted> patterns;
    std::vector<std::string> excluded;
    part at = nullptr;  // what limits the length, for messages

    bool limited() const { return least > 0 || most != UINT64_MAX || !patterns.empty() || !excluded.empty(); }
};

// The strings within the limits, or nothing if that is too large. Leaves out what is not exact if asked to, so that the
// result holds at least all that is valid.
std::optional<automaton> strings_within(const string_limits & limits, bool only_exact, work_budget & budget);

// Characters and strings of JSON, in a grammar.
class string_writer {
  public:
    explicit string_writer(schema_document & document, grammar_rules & rules);

    // Any string: the shared rule.
    grammar_rules::expression any();

    // A string within the limits, with its quotes.
    grammar_rules::expression within(const string_limits & limits);

    // A string of the automaton, with its quotes.
    grammar_rules::expression of_automaton(const automaton & machine);

    // This string, with its quotes.
    grammar_rules::expression literal(const std::string & text);

  private:
    grammar_rules::expression character();  // any, however escaped
    grammar_rules::expression characters(const code_point_set & set);
    grammar_rules::expression quoted(grammar_rules::expression inner);
    // The texts of a pattern as it is built; nothing if it has anchors inside or repeats what may be empty.
    std::optional<grammar_rules::expression> as_built(const pattern_node & root);
    std::optional<grammar_rules::expression> build(const pattern_node & node);

    schema_document & document_;
    grammar_rules & rules_;
    std::optional<grammar_rules::rule> character_;
    std::optional<grammar_rules::rule> any_;
    std::optional<grammar_rules::rule> rest_;
    std::map<std::vector<code_point_set::range>, grammar_rules::rule> sets_;
};

}  // namespace rast::schema
