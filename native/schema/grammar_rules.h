// A grammar while it is made: expressions and rules, of which only what can end is written out, as GBNF.
#pragma once

#include "automaton.h"
#include "code_points.h"
#include "refusal.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rast::schema {

class grammar_rules {
  public:
    using expression = uint32_t;
    using rule = uint32_t;

    explicit grammar_rules(work_budget & budget) : budget_(budget) {}

    expression nothing() { return add({kind::choice, "", {}, {}, 0, 0}); }  // no text at all

    expression empty() { return add({kind::sequence, "", {}, {}, 0, 0}); }  // the empty text

    expression literal(const std::string & utf8);
    expression one_of(const code_point_set & set);
    expression sequence(std::vector<expression> parts);
    expression choice(std::vector<expression> parts);
    // `most` may be UINT64_MAX: without end.
    expression repeat(expression part, uint64_t least, uint64_t most);

    expression optional(expression part) { return repeat(part, 0, 1); }

    expression refer(rule target);

    // A rule that is defined later.
    rule declare();
    void define(rule target, expression body);
    rule make(expression body);

    // A rule for every state: the texts of the automaton, which must be minimal, with code points written by `write`.
    template <class Write>
    expression of_automaton(const automaton & machine, const Write & write) {
        std::vector<rule> states;
        for (size_t i = 0; i < machine.size(); ++i) {
            states.push_back(declare());
        }
        for (size_t i = 0; i < machine.size(); ++i) {
            std::vector<expression> ways;
            for (const auto & [set, to] : machine.edges(i)) {
                ways.push_back(sequence({write(set), refer(states[static_cast<size_t>(to)])}));
            }
            if (machine.accepts(i)) {
                ways.push_back(empty());
            }
            define(states[i], choice(std::move(ways)));
        }
        return refer(states[0]);
    }

    // Whether some finite text follows the rule.
    bool can_end(rule target);

    // GBNF whose root is this rule. Throws ERR_JSON_SCHEMA if it takes more than `most_bytes`.
    std::string write(rule root, size_t most_bytes);

    size_t size() const { return expressions_.size(); }

  private:
    enum class kind : uint8_t { literal, set, sequence, choice, repeat, refer };

    struct node {
        kind type;
        std::string text;
        code_point_set set;
        std::vector<expression> parts;  // of refer: the rule
        uint64_t least;
        uint64_t most;
    };

    expression add(node made);
    void find_ends();
    rule followed(rule target) const;
    bool ends(expression at) const;
    bool is_empty(expression at) const;
    // `tight`: in parentheses unless it is one item.
    void write_expression(expression at, bool tight, std::string & out);
    void write_parts(const node & from, const char * between, std::string & out);

    work_budget & budget_;
    std::vector<node> expressions_;
    std::vector<expression> bodies_;
    std::vector<bool> ends_;
    size_t known_ = SIZE_MAX;  // expressions there when ends_ was found
    std::map<rule, uint32_t> names_;
    std::vector<rule> queue_;
};

}  // namespace rast::schema
