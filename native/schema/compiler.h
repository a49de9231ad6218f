// A schema into a grammar: one rule for every conjunction of schemas that a value must be valid by.
#pragma once

#include "grammar_rules.h"
#include "meaning.h"
#include "strings.h"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rast::schema {

class compiler {
  public:
    explicit compiler(schema_document & document);

    // Throws ERR_JSON_SCHEMA.
    std::string compile(size_t most_bytes);

  private:
    using expression = grammar_rules::expression;
    using rule = grammar_rules::rule;
    class object_keys;

    expression value_of(const part_list & all);  // a reference; the rule is made later
    rule rule_of(const part_list & all);
    part first_like(part at);
    expression of_conjunction(const part_list & all);
    expression of_alternative(const alternative & one);
    expression of_types(const alternative & one);
    expression of_values(const std::vector<part> & values);
    expression of_booleans(const alternative & one);
    expression of_numbers(const alternative & one, uint8_t types);

    expression of_objects(const alternative & one);
    expression of_array(const alternative & one);
    expression tuple(const array_limits & limits);
    expression counted_array(const array_limits & limits);
    expression unique_array(const array_limits & limits);
    // The values of a finite conjunction, or nothing.
    std::optional<std::vector<part>> finite_values(const part_list & all);
    bool distinct(const array_limits & limits);

    // Remembers what allows nothing, for the message if nothing else is allowed either. No text at all.
    expression contradiction(part at, const char * keyword, const std::string & why);

    expression brackets(const char * open, expression inner, const char * close);
    expression space();
    expression comma();
    expression any_value();

    schema_document & document_;
    work_budget & budget_;
    grammar_rules rules_;
    pattern_book patterns_;
    validator values_;
    meaning meaning_;
    string_writer strings_;

    part contradicts_ = nullptr;
    std::string contradiction_keyword_;
    std::string contradiction_;

    std::map<std::string, part> alike_;       // by JSON text
    std::map<part_list, rule> known_;         // by conjunction, sorted
    std::map<part_list, rule> alternatives_;  // by parts, sorted
    std::deque<std::pair<rule, part_list>> queue_;
    std::optional<rule> space_;
    std::optional<rule> any_value_;
    std::optional<rule> number_;
    std::optional<rule> integer_;
};

}  // namespace rast::schema
