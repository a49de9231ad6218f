#include "validator.h"

#include "decimal.h"
#include "formats.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr int deepest_validation = 200;  // validating recurses

verdict all_of(verdict a, verdict b) {
    return std::min(a, b);
}

verdict any_of(verdict a, verdict b) {
    return std::max(a, b);
}

verdict not_of(verdict a) {
    return a == verdict::yes ? verdict::no : a == verdict::no ? verdict::yes : verdict::unknown;
}

verdict of(bool yes) {
    return yes ? verdict::yes : verdict::no;
}

}  // namespace

uint8_t type_of_value(const json_value & value) {
    switch (value.type) {
        case json_value::kind::null: return null_bit;
        case json_value::kind::boolean: return boolean_bit;
        case json_value::kind::number: return decimal(value.text).integer() ? integer_bit : fraction_bit;
        case json_value::kind::string: return string_bit;
        case json_value::kind::array: return array_bit;
        case json_value::kind::object: return object_bit;
    }
    return 0;
}

uint8_t types_of(part at, const schema_document & document) {
    const json_value * type = at->find("type");
    if (type == nullptr) {
        return every_bit;
    }
    const auto bits = [&](const json_value & name) -> uint8_t {
        static constexpr std::pair<std::string_view, uint8_t> known[] = {
            {"null", null_bit},     {"boolean", boolean_bit}, {"integer", integer_bit}, {"number", number_bits},
            {"string", string_bit}, {"array", array_bit},     {"object", object_bit}};
        for (const auto & [text, bit] : known) {
            if (name.is(json_value::kind::string) && name.text == text) {
                return bit;
            }
        }
        std::string shown;
        write_json(name, shown);
        document.invalid(at, "type", shown + " is no type");
    };
    uint8_t out = 0;
    if (type->is(json_value::kind::array)) {
        for (const auto & name : type->items) {
            out |= bits(name);
        }
    } else {
        out = bits(*type);
    }
    return document.flag_of(at, "nullable") ? out | null_bit : out;
}

verdict validator::match(const std::string & text, const std::string & source, part by, const char * keyword,
                         bool exact) {
    const known_pattern * known = patterns_.find(source, by, keyword);
    if (known == nullptr) {
        return verdict::yes;
    }
    if (!known->machine) {
        return verdict::unknown;
    }
    return known->machine->matches(text) ? verdict::yes : exact && known->tree.exact ? verdict::no : verdict::unknown;
}

verdict validator::check_number(const json_value & value, part by) {
    const decimal number(value.text);
    verdict out = verdict::yes;
    const auto limit = [&](const char * keyword, const char * exclusive, int sign) {
        const json_value * bound = by->find(keyword);
        const json_value * strict = by->find(exclusive);
        const bool draft4 = strict != nullptr && strict->is(json_value::kind::boolean);
        if (bound != nullptr && bound->is(json_value::kind::number)) {
            const int order = sign * number.compare(decimal(bound->text));
            out = all_of(out, of(draft4 && strict->flag ? order > 0 : order >= 0));
        }
        if (strict != nullptr && strict->is(json_value::kind::number)) {
            out = all_of(out, of(sign * number.compare(decimal(strict->text)) > 0));
        }
    };
    limit("minimum", "exclusiveMinimum", 1);
    limit("maximum", "exclusiveMaximum", -1);
    if (const json_value * step = by->find("multipleOf"); step != nullptr && step->is(json_value::kind::number)) {
        const decimal by_step(step->text);
        out = all_of(out,
                     by_step.digits().size() > most_step_digits ? verdict::unknown : of(number.multiple_of(by_step)));
    }
    return out;
}

verdict validator::check_string(const json_value & value, part by) {
    const uint64_t length = decode_utf8(value.text).size();
    verdict out = of(length >= document_.count_of(by, "minLength", 0) &&
                     length <= document_.count_of(by, "maxLength", UINT64_MAX));
    if (const json_value * source = by->find("pattern"); source != nullptr && source->is(json_value::kind::string)) {
        out = all_of(out, match(value.text, source->text, by, "pattern", true));
    }
    if (const json_value * name = by->find("format"); name != nullptr && name->is(json_value::kind::string)) {
        const format known = format_named(name->text);
        if (known.kind == format_kind::text) {
            out = all_of(out, match(value.text, known.pattern, by, "format", false));
        } else if (known.kind == format_kind::unknown) {
            document_.unsupported(by, "format", "the format \"" + name->text + "\" is not known");
        }
    }
    return out;
}

verdict validator::check_array(const json_value & value, part by, int depth) {
    const size_t count = value.items.size();
    verdict out =
        of(count >= document_.count_of(by, "minItems", 0) && count <= document_.count_of(by, "maxItems", UINT64_MAX));
    const json_value * prefix = by->find("prefixItems");
    const json_value * items = by->find("items");
    const json_value * rest = items;
    if (items != nullptr && items->is(json_value::kind::array)) {
        prefix = items;
        rest = by->find("additionalItems");
    }
    const size_t fixed = prefix == nullptr ? 0 : prefix->items.size();
    for (size_t i = 0; i < count; ++i) {
        if (i < fixed) {
            out = all_of(out, check(value.items[i], &prefix->items[i], depth));
        } else if (rest != nullptr) {
            out = all_of(out, check(value.items[i], rest, depth));
        }
    }
    if (const json_value * contains = by->find("contains")) {
        uint64_t sure = 0;
        uint64_t perhaps = 0;
        for (const auto & item : value.items) {
            const verdict one = check(item, contains, depth);
            sure += one == verdict::yes ? 1 : 0;
            perhaps += one == verdict::no ? 0 : 1;
        }
        const uint64_t least = document_.count_of(by, "minContains", 1);
        const uint64_t most = document_.count_of(by, "maxContains", UINT64_MAX);
        out = all_of(out, perhaps < least || sure > most     ? verdict::no
                          : sure >= least && perhaps <= most ? verdict::yes
                                                             : verdict::unknown);
    }
    if (document_.flag_of(by, "uniqueItems")) {
        for (size_t i = 0; i < count; ++i) {
            for (size_t k = 0; k < i; ++k) {
                document_.budget().spend();
                out = equal(value.items[i], value.items[k]) ? verdict::no : out;
            }
        }
    }
    return out;
}

verdict validator::check_object(const json_value & value, part by, int depth) {
    const size_t count = value.members.size();
    verdict out = of(count >= document_.count_of(by, "minProperties", 0) &&
                     count <= document_.count_of(by, "maxProperties", UINT64_MAX));
    const auto require = [&](const json_value & names) {
        for (const auto & name : names.items) {
            out = value.find(name.text) == nullptr ? verdict::no : out;
        }
    };
    if (const json_value * required = by->find("required"); required != nullptr) {
        require(*required);
    }
    for (const char * keyword : {"dependentRequired", "dependencies", "dependentSchemas"}) {
        if (const json_value * dependent = by->find(keyword)) {
            for (const auto & [name, what] : dependent->members) {
                if (value.find(name) == nullptr) {
                    continue;
                }
                if (what.is(json_value::kind::array)) {
                    require(what);
                } else {
                    out = all_of(out, check(value, &what, depth));
                }
            }
        }
    }
    const json_value * properties = by->find("properties");
    const json_value * by_pattern = by->find("patternProperties");
    const json_value * rest = by->find("additionalProperties");
    const json_value * names = by->find("propertyNames");
    for (const auto & [name, member] : value.members) {
        bool known = false;
        if (const json_value * own = properties == nullptr ? nullptr : properties->find(name)) {
            known = true;
            out = all_of(out, check(member, own, depth));
        }
        if (by_pattern != nullptr) {
            for (const auto & [source, schema] : by_pattern->members) {
                const verdict matched = match(name, source, by, "patternProperties", true);
                if (matched == verdict::yes) {
                    known = true;
                    out = all_of(out, check(member, &schema, depth));
                } else if (matched == verdict::unknown) {
                    out = all_of(out, verdict::unknown);
                }
            }
        }
        if (!known && rest != nullptr) {
            out = all_of(out, check(member, rest, depth));
        }
        if (names != nullptr) {
            out = all_of(out, check(json_value::of_text(name), names, depth));
        }
    }
    return out;
}

verdict validator::check_applied(const json_value & value, part by, int depth) {
    verdict out = verdict::yes;
    if (by->find("$ref") != nullptr) {
        out = all_of(out, check(value, document_.resolve(by), depth));
    }
    if (const json_value * all = by->find("allOf")) {
        for (const auto & one : all->items) {
            out = all_of(out, check(value, &one, depth));
        }
    }
    if (const json_value * any = by->find("anyOf")) {
        verdict found = verdict::no;
        for (const auto & one : any->items) {
            found = any_of(found, check(value, &one, depth));
        }
        out = all_of(out, found);
    }
    if (const json_value * one_of = by->find("oneOf")) {
        size_t sure = 0;
        size_t perhaps = 0;
        for (const auto & one : one_of->items) {
            const verdict found = check(value, &one, depth);
            sure += found == verdict::yes ? 1 : 0;
            perhaps += found == verdict::unknown ? 1 : 0;
        }
        out = all_of(out, sure > 1 || sure + perhaps == 0 ? verdict::no
                          : perhaps > 0                   ? verdict::unknown
                                                          : verdict::yes);
    }
    if (const json_value * negated = by->find("not")) {
        out = all_of(out, not_of(check(value, negated, depth)));
    }
    if (const json_value * condition = by->find("if")) {
        const verdict holds = check(value, condition, depth);
        const auto branch = [&](const char * keyword) {
            const json_value * then = by->find(keyword);
            return then == nullptr ? verdict::yes : check(value, then, depth);
        };
        out = all_of(out, holds == verdict::yes  ? branch("then")
                          : holds == verdict::no ? branch("else")
                                                 : all_of(branch("then"), branch("else")));
    }
    return out;
}

verdict validator::check(const json_value & value, part by, int depth) {
    document_.budget().spend();
    if (by->is(json_value::kind::boolean)) {
        return of(by->flag);
    }
    if (depth > deepest_validation) {
        refuse_schema("The schema is too complex: its references are nested more than " +
                      std::to_string(deepest_validation) + " deep around an enum or const");
    }
    document_.check(by);
    const uint8_t type = type_of_value(value);
    verdict out = of((types_of(by, document_) & type) != 0);
    if (const json_value * constant = by->find("const")) {
        out = all_of(out, of(equal(value, *constant)));
    }
    if (const json_value * values = document_.list_of(by, "enum"); values != nullptr && by != listing_) {
        document_.budget().spend(values->items.size());
        out = all_of(out, of(std::any_of(values->items.begin(), values->items.end(),
                                         [&](const json_value & one) { return equal(value, one); })));
    }
    if ((type & number_bits) != 0) {
        out = all_of(out, check_number(value, by));
    } else if (type == string_bit) {
        out = all_of(out, check_string(value, by));
    } else if (type == array_bit) {
        out = all_of(out, check_array(value, by, depth + 1));
    } else if (type == object_bit) {
        out = all_of(out, check_object(value, by, depth + 1));
    }
    for (const char * keyword : {"unevaluatedProperties", "unevaluatedItems"}) {
        if (by->find(keyword) != nullptr && out != verdict::no && (type & (array_bit | object_bit)) != 0) {
            document_.unsupported(by, keyword, "beside an enum or const of objects or arrays it is not supported");
        }
    }
    return out == verdict::no ? out : all_of(out, check_applied(value, by, depth + 1));
}

}  // namespace rast::schema
