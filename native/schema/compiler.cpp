#include "compiler.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr size_t most_listed_integers = 64;  // a range of integers up to here is listed value by value

bool is_true(part at) {
    return at->is(json_value::kind::boolean) && at->flag;
}

}  // namespace

compiler::compiler(schema_document & document)
    : document_(document),
      budget_(document.budget()),
      rules_(budget_),
      patterns_(document),
      values_(document, patterns_),
      meaning_(document, patterns_, values_),
      strings_(document, rules_) {}

std::string compiler::compile(size_t most_bytes) {
    document_.check_circles();
    const rule root = rule_of({document_.root()});
    while (!queue_.empty()) {
        const auto [target, all] = queue_.front();
        queue_.pop_front();
        rules_.define(target, of_conjunction(all));
    }
    if (!rules_.can_end(root)) {
        if (contradicts_ != nullptr) {
            const std::string pointer = document_.pointer_of(contradicts_);
            refuse_schema(
                "The schema allows no value: \"" + contradiction_keyword_ + "\" at " +
                    (pointer.empty() ? "the root" : pointer) + ": " + contradiction_,
                {{"keyword", contradiction_keyword_}, {"pointer", pointer}, {"reason", std::string("contradiction")}});
        }
        refuse_schema("The schema allows no value: its limits contradict each other, or nothing that they allow ends",
                      {{"reason", std::string("contradiction")}});
    }
    return rules_.write(root, most_bytes);
}

compiler::expression compiler::value_of(const part_list & all) {
    return rules_.refer(rule_of(all));
}

compiler::rule compiler::rule_of(const part_list & all) {
    // References alone are followed at once, so that all that lead to one schema share its rule.
    part_list direct;
    for (part at : all) {
        while (at->is(json_value::kind::object) && at->find("$ref") != nullptr && assertions_of(at).size() == 1) {
            document_.check(at);
            budget_.spend();
            at = document_.resolve(at);
        }
        at = first_like(at);
        if (!is_true(at) && std::find(direct.begin(), direct.end(), at) == direct.end()) {
            direct.push_back(at);
        }
    }
    part_list key = direct;
    std::sort(key.begin(), key.end());
    const auto found = known_.find(key);
    if (found != known_.end()) {
        return found->second;
    }
    const rule made = rules_.declare();
    known_.emplace(std::move(key), made);
    queue_.emplace_back(made, std::move(direct));
    return made;
}

// Short schemas that say the same share their rules.
part compiler::first_like(part at) {
    if (at->members.size() > 6) {
        return at;
    }
    for (const auto & [keyword, value] : at->members) {
        const bool plain = value.is(json_value::kind::number) || value.is(json_value::kind::string) ||
                           value.is(json_value::kind::boolean);
        if (!plain || keyword == "$ref" || keyword == "$id") {
            return at;
        }
    }
    std::string text;
    write_json(*at, text);
    return alike_.emplace(std::move(text), at).first->second;
}

compiler::expression compiler::of_conjunction(const part_list & all) {
    if (all.size() == 1 && all[0]->is(json_value::kind::object)) {
        const auto keywords = assertions_of(all[0]);
        if (keywords.size() == 1 && keywords[0] == "anyOf") {
            document_.check(all[0]);
            std::vector<expression> ways;
            for (const auto & one : all[0]->find("anyOf")->items) {
                ways.push_back(value_of({&one}));
            }
            return rules_.choice(std::move(ways));
        }
    }
    std::vector<expression> ways;
    for (const auto & one : meaning_.alternatives(all)) {
        ways.push_back(of_alternative(one));
    }
    return rules_.choice(std::move(ways));
}

compiler::expression compiler::of_alternative(const alternative & one) {
    if (one.parts.empty()) {
        return any_value();
    }
    const bool linked = std::any_of(one.parts.begin(), one.parts.end(), [](part at) {
        return at->find("unevaluatedProperties") != nullptr || at->find("unevaluatedItems") != nullptr;
    });
    if (linked) {
        return of_types(one);
    }
    part_list key = one.parts;
    std::sort(key.begin(), key.end());
    const auto found = alternatives_.find(key);
    if (found != alternatives_.end()) {
        return rules_.refer(found->second);
    }
    const rule made = rules_.declare();
    alternatives_.emplace(std::move(key), made);
    rules_.define(made, of_types(one));
    return rules_.refer(made);
}

compiler::expression compiler::contradiction(part at, const char * keyword, const std::string & why) {
    if (contradicts_ == nullptr) {
        contradicts_ = at;
        contradiction_keyword_ = keyword;
        contradiction_ = why;
    }
    return rules_.nothing();
}

compiler::expression compiler::of_types(const alternative & one) {
    if (const auto values = meaning_.limits().values(one, false)) {
        const bool constant = one.parts.front()->find("const") != nullptr;
        return values->empty() ? contradiction(one.parts.front(), constant ? "const" : "enum",
                                               "none of its values is valid by all that is asked")
                               : of_values(*values);
    }
    const uint8_t types = meaning_.limits().meant_types(one);
    std::vector<expression> ways;
    if ((types & object_bit) != 0) {
        ways.push_back(of_objects(one));
    }
    if ((types & array_bit) != 0) {
        ways.push_back(of_array(one));
    }
    if ((types & string_bit) != 0) {
        const string_limits limits = meaning_.limits().strings(one);
        if (limits.least > limits.most) {
            ways.push_back(contradiction(limits.at, "minLength", "it is above maxLength"));
        } else {
            ways.push_back(limits.limited() ? strings_.within(limits) : strings_.any());
        }
    }
    if ((types & number_bits) != 0) {
        ways.push_back(of_numbers(one, types));
    }
    if ((types & boolean_bit) != 0) {
        ways.push_back(of_booleans(one));
    }
    if ((types & null_bit) != 0) {
        ways.push_back(rules_.literal("null"));
    }
    return rules_.choice(std::move(ways));
}

compiler::expression compiler::of_values(const std::vector<part> & values) {
    std::vector<expression> ways;
    for (const part value : values) {
        std::string text;
        write_json(*value, text);
        ways.push_back(rules_.literal(text));
    }
    return rules_.choice(std::move(ways));
}

compiler::expression compiler::of_booleans(const alternative & one) {
    std::vector<expression> ways;
    for (const bool flag : {true, false}) {
        const json_value value = json_value::of_flag(flag);
        const bool allowed = std::all_of(one.parts.begin(), one.parts.end(),
                                         [&](part at) { return values_.validate(value, at) == verdict::yes; });
        if (allowed) {
            ways.push_back(rules_.literal(flag ? "true" : "false"));
        }
    }
    return rules_.choice(std::move(ways));
}

compiler::expression compiler::of_numbers(const alternative & one, uint8_t types) {
    const number_limits limits = meaning_.limits().numbers(one, (types & fraction_bit) == 0);
    const part at = one.parts.front();
    const char * bound = limits.least && limits.least->exclusive ? "exclusiveMinimum" : "minimum";
    if (limits.empty()) {
        return contradiction(at, bound, "no number lies between it and the upper bound");
    }
    if ((types & integer_bit) == 0) {
        document_.unsupported(at, "type", "numbers that are no integers cannot be told apart");
    }
    if (limits.limited()) {
        const auto machine = numbers_within(limits, budget_);
        if (machine) {
            return machine->empty()
                       ? rules_.nothing()
                       : rules_.of_automaton(*machine, [&](const code_point_set & set) { return rules_.one_of(set); });
        }
        document_.unsupported(at, limits.steps.empty() ? "minimum" : "multipleOf", "it needs too large a grammar");
    }
    auto & shared = limits.integer ? integer_ : number_;
    if (!shared) {
        const auto digits = [&](char from, uint64_t least, uint64_t most) {
            return rules_.repeat(rules_.one_of(code_point_set({{static_cast<uint32_t>(from), '9'}})), least, most);
        };
        // Sixteen digits and a power of ten of two: what a double holds.
        const expression minus = rules_.optional(rules_.literal("-"));
        const expression natural = rules_.sequence({digits('1', 1, 1), digits('0', 0, 15)});
        if (limits.integer) {
            shared = rules_.make(rules_.choice({rules_.literal("0"), rules_.sequence({minus, natural})}));
        } else {
            const expression whole = rules_.sequence({minus, rules_.choice({rules_.literal("0"), natural})});
            const expression fraction = rules_.optional(rules_.sequence({rules_.literal("."), digits('0', 1, 16)}));
            const expression power = rules_.optional(rules_.sequence(
                {rules_.one_of(code_point_set({{'E', 'E'}, {'e', 'e'}})),
                 rules_.optional(rules_.one_of(code_point_set({{'+', '+'}, {'-', '-'}}))), digits('0', 1, 2)}));
            shared = rules_.make(rules_.sequence({whole, fraction, power}));
        }
    }
    return rules_.refer(*shared);
}

std::optional<std::vector<part>> compiler::finite_values(const part_list & all) {
    std::vector<part> out;
    const auto add = [&](part value) {
        if (std::none_of(out.begin(), out.end(), [&](part other) { return equal(*value, *other); })) {
            out.push_back(value);
        }
    };
    for (const auto & one : meaning_.alternatives(all)) {
        if (const auto values = meaning_.limits().values(one, false)) {
            std::for_each(values->begin(), values->end(), add);
            continue;
        }
        const uint8_t types = one.parts.empty() ? static_cast<uint8_t>(every_bit) : meaning_.limits().types(one);
        std::vector<json_value> candidates;
        if ((types & (string_bit | array_bit | object_bit | fraction_bit)) != 0) {
            return std::nullopt;
        }
        if ((types & null_bit) != 0) {
            candidates.emplace_back();
        }
        if ((types & boolean_bit) != 0) {
            candidates.push_back(json_value::of_flag(true));
            candidates.push_back(json_value::of_flag(false));
        }
        if ((types & integer_bit) != 0) {
            const number_limits limits = meaning_.limits().numbers(one, true);
            if (!limits.least || !limits.most || limits.least->value.whole().size() > 9 ||
                limits.most->value.whole().size() > 9) {
                return std::nullopt;
            }
            const auto whole = [](const decimal & value) {
                return (value.negative() ? -1 : 1) * std::stoll(value.whole());
            };
            const int64_t from = whole(limits.least->value);
            const int64_t to = whole(limits.most->value);
            if (to - from > static_cast<int64_t>(most_listed_integers)) {
                return std::nullopt;
            }
            for (int64_t i = from - 1; i <= to + 1; ++i) {
                candidates.push_back(json_value::of_number(std::to_string(i)));
            }
        }
        for (auto & candidate : candidates) {
            const bool allowed = std::all_of(one.parts.begin(), one.parts.end(),
                                             [&](part at) { return values_.validate(candidate, at) == verdict::yes; });
            if (allowed) {
                add(document_.add(std::move(candidate), document_.root()));
            }
        }
    }
    return out;
}

compiler::expression compiler::brackets(const char * open, expression inner, const char * close) {
    return rules_.sequence({rules_.literal(open), space(), inner, space(), rules_.literal(close)});
}

// None, one blank, or line ends with what indents the next line: never without end.
compiler::expression compiler::space() {
    if (!space_) {
        const expression lines =
            rules_.sequence({rules_.repeat(rules_.literal("\n"), 1, 2),
                             rules_.repeat(rules_.one_of(code_point_set({{'\t', '\t'}, {' ', ' '}})), 0, 20)});
        space_ = rules_.make(rules_.choice({rules_.empty(), rules_.literal(" "), lines}));
    }
    return rules_.refer(*space_);
}

compiler::expression compiler::comma() {
    return rules_.sequence({rules_.literal(","), space()});
}

compiler::expression compiler::any_value() {
    if (!any_value_) {
        static const json_value nothing_said = json_value::of_members({});
        any_value_ = rules_.declare();
        const alternative free{{&nothing_said}, {}};
        rules_.define(*any_value_, of_types(free));
    }
    return rules_.refer(*any_value_);
}

}  // namespace rast::schema
