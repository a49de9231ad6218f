#include "limits.h"

#include "formats.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace rast::schema {

namespace {

const json_value * tuple_of(part at) {
    const json_value * items = at->find("items");
    return items != nullptr && items->is(json_value::kind::array) ? items : at->find("prefixItems");
}

const json_value * rest_of(part at) {
    const json_value * items = at->find("items");
    return items != nullptr && items->is(json_value::kind::array) ? at->find("additionalItems") : items;
}

}  // namespace

void add_part(part_list & list, part one) {
    if (!(one->is(json_value::kind::boolean) && one->flag) && std::find(list.begin(), list.end(), one) == list.end()) {
        list.push_back(one);
    }
}

part never() {
    static const json_value value = json_value::of_flag(false);
    return &value;
}

bool limits_reader::is_simple_not(part of) {
    if (!of->is(json_value::kind::object)) {
        return false;
    }
    const auto keywords = assertions_of(of);
    return keywords.size() == 1 && (keywords[0] == "enum" || keywords[0] == "const" || keywords[0] == "pattern");
}

uint8_t limits_reader::types(const alternative & one) {
    uint8_t out = every_bit;
    for (const part at : one.parts) {
        if (at->is(json_value::kind::boolean)) {
            return at->flag ? out : 0;
        }
        out &= types_of(at, document_);
        const json_value * negated = at->find("not");
        if (negated == nullptr || !is_simple_not(negated)) {
            continue;
        }
        if (negated->find("pattern") != nullptr) {
            out &= string_bit;
        }
        for (const bool flag : {false, true}) {
            if (values_.validate(json_value::of_flag(flag), at) == verdict::yes) {
                break;
            }
            out &= flag ? every_bit ^ boolean_bit : every_bit;
        }
        if (values_.validate({}, at) == verdict::no) {
            out &= every_bit ^ null_bit;
        }
    }
    return out;
}

uint8_t limits_reader::meant_types(const alternative & one) {
    static const std::unordered_map<std::string_view, uint8_t> meant{{"minimum", number_bits},
                                                                     {"maximum", number_bits},
                                                                     {"exclusiveMinimum", number_bits},
                                                                     {"exclusiveMaximum", number_bits},
                                                                     {"multipleOf", number_bits},
                                                                     {"minLength", string_bit},
                                                                     {"maxLength", string_bit},
                                                                     {"pattern", string_bit},
                                                                     {"items", array_bit},
                                                                     {"prefixItems", array_bit},
                                                                     {"contains", array_bit},
                                                                     {"additionalItems", array_bit},
                                                                     {"minItems", array_bit},
                                                                     {"maxItems", array_bit},
                                                                     {"uniqueItems", array_bit},
                                                                     {"unevaluatedItems", array_bit},
                                                                     {"properties", object_bit},
                                                                     {"required", object_bit},
                                                                     {"minProperties", object_bit},
                                                                     {"maxProperties", object_bit},
                                                                     {"propertyNames", object_bit},
                                                                     {"patternProperties", object_bit},
                                                                     {"additionalProperties", object_bit},
                                                                     {"unevaluatedProperties", object_bit}};
    const uint8_t allowed = types(one);
    uint8_t about = 0;
    for (const part at : one.parts) {
        if (at->find("type") != nullptr) {
            return allowed;
        }
        for (const auto & [keyword, value] : at->members) {
            const auto found = meant.find(keyword);
            about |= found == meant.end() ? 0 : found->second;
            if (keyword == "format" && value.is(json_value::kind::string)) {
                const auto kind = format_named(value.text).kind;
                const bool of_text =
                    kind == format_kind::text || kind == format_kind::any_text || kind == format_kind::unknown;
                about |= of_text ? string_bit : number_bits;
            }
        }
    }
    return (allowed & about) != 0 ? allowed & about : allowed;
}

std::optional<std::vector<part>> limits_reader::values(const alternative & one, bool perhaps) {
    std::vector<part> out;
    bool stated = false;
    part stating = nullptr;
    for (const part at : one.parts) {
        stating = at;
        if (const json_value * constant = at->find("const")) {
            stated = true;
            out.push_back(constant);
        } else if (const json_value * list = at->find("enum")) {
            stated = true;
            for (const auto & value : list->items) {
                out.push_back(&value);
            }
        }
        if (stated) {
            break;
        }
    }
    if (!stated) {
        return std::nullopt;
    }
    std::vector<part> kept;
    std::unordered_set<std::string> seen;
    for (const part value : out) {
        const bool allowed = std::all_of(one.parts.begin(), one.parts.end(), [&](part at) {
            const verdict found = values_.validate(*value, at, at == stating);
            return found == verdict::yes || (perhaps && found == verdict::unknown);
        });
        std::string text;
        write_json(*value, text);
        if (allowed && seen.insert(text).second) {
            kept.push_back(value);
        }
    }
    return kept;
}

number_limits limits_reader::numbers(const alternative & one, bool integer) {
    number_limits out;
    out.integer = integer;
    for (const part at : one.parts) {
        for (const bool lower : {true, false}) {
            const json_value * bound = at->find(lower ? "minimum" : "maximum");
            const json_value * strict = at->find(lower ? "exclusiveMinimum" : "exclusiveMaximum");
            const auto limit = [&](const json_value & value, bool exclusive) {
                lower ? out.raise(decimal(value.text), exclusive) : out.lower(decimal(value.text), exclusive);
            };
            const bool draft4 = strict != nullptr && strict->is(json_value::kind::boolean);
            if (bound != nullptr) {
                limit(*bound, draft4 && strict->flag);
            }
            if (strict != nullptr && !draft4) {
                limit(*strict, true);
            }
        }
        if (const json_value * step = at->find("multipleOf")) {
            const decimal by(step->text);
            if (by.digits().size() > most_step_digits) {
                document_.unsupported(at, "multipleOf",
                                      "more than " + std::to_string(most_step_digits) + " digits are not supported");
            } else {
                out.steps.push_back(by);
            }
        }
        if (const json_value * negated = at->find("not")) {
            for (const json_value * values : {negated->find("const"), negated->find("enum")}) {
                const auto exclude = [&](const json_value & value) {
                    if (value.is(json_value::kind::number)) {
                        out.excluded.emplace_back(value.text);
                    }
                };
                if (values != nullptr && values == negated->find("const")) {
                    exclude(*values);
                } else if (values != nullptr) {
                    std::for_each(values->items.begin(), values->items.end(), exclude);
                }
            }
        }
        if (const json_value * name = at->find("format")) {
            switch (format_named(name->text).kind) {
                case format_kind::int32:
                    out.integer = true;
                    out.raise(decimal("-2147483648"), false);
                    out.lower(decimal("2147483647"), false);
                    break;
                case format_kind::int64:
                    out.integer = true;
                    out.raise(decimal("-9223372036854775808"), false);
                    out.lower(decimal("9223372036854775807"), false);
                    break;
                case format_kind::unknown:
                    document_.unsupported(at, "format", "the format \"" + name->text + "\" is not known");
                    break;
                default: break;
            }
        }
    }
    return out;
}

string_limits limits_reader::strings(const alternative & one) {
    string_limits out;
    const auto want = [&](const std::string & source, part at, const char * keyword, bool matches, bool exact) {
        const known_pattern * known = patterns_.find(source, at, keyword);
        if (known == nullptr) {
            return;
        }
        if (!matches && !known->tree.exact) {
            document_.unsupported(at, keyword, "what a pattern with \\p{...} does not match is not known");
            return;
        }
        out.patterns.push_back({known, at, keyword, matches, exact});
    };
    for (const part at : one.parts) {
        const uint64_t least = document_.count_of(at, "minLength", 0);
        const uint64_t most = document_.count_of(at, "maxLength", UINT64_MAX);
        if (least > out.least || most < out.most) {
            out.at = at;
        }
        out.least = std::max(out.least, least);
        out.most = std::min(out.most, most);
        if (const json_value * source = at->find("pattern")) {
            want(source->text, at, "pattern", true, true);
        }
        if (const json_value * name = at->find("format")) {
            const format known = format_named(name->text);
            if (known.kind == format_kind::unknown) {
                document_.unsupported(at, "format", "the format \"" + name->text + "\" is not known");
            } else if (known.kind == format_kind::text) {
                want(known.pattern, at, "format", true, false);
            }
        }
        if (const json_value * negated = at->find("not")) {
            out.at = at;
            const auto exclude = [&](const json_value & value) {
                if (value.is(json_value::kind::string)) {
                    out.excluded.push_back(value.text);
                }
            };
            if (const json_value * value = negated->find("const")) {
                exclude(*value);
            } else if (const json_value * values = negated->find("enum")) {
                std::for_each(values->items.begin(), values->items.end(), exclude);
            } else if (const json_value * source = negated->find("pattern")) {
                want(source->text, at, "not", false, true);
            }
        }
    }
    return out;
}

part_list limits_reader::scope_of(const alternative & one, part from) {
    part_list out{from};
    for (size_t i = 0; i < out.size(); ++i) {
        for (const auto & [parent, child] : one.links) {
            document_.budget().spend();
            if (parent == out[i]) {
                add_part(out, child);
            }
        }
    }
    for (const part at : out) {
        if (document_.made(at)) {
            document_.unsupported(
                from, from->find("unevaluatedItems") != nullptr ? "unevaluatedItems" : "unevaluatedProperties",
                "beside if, not, oneOf or dependencies it is not supported");
        }
    }
    return out;
}

array_limits limits_reader::arrays(const alternative & one) {
    array_limits out;
    size_t fixed = 0;
    for (const part at : one.parts) {
        const json_value * tuple = tuple_of(at);
        fixed = std::max(fixed, tuple == nullptr ? 0 : tuple->items.size());
        out.rest_stated = out.rest_stated || rest_of(at) != nullptr || at->find("unevaluatedItems") != nullptr;
        out.least = std::max(out.least, document_.count_of(at, "minItems", 0));
        out.most = std::min(out.most, document_.count_of(at, "maxItems", UINT64_MAX));
        if (document_.flag_of(at, "uniqueItems")) {
            out.unique = true;
            out.at = at;
        }
        if (at->find("contains") != nullptr) {
            if (out.contains != nullptr && out.contains != at) {
                document_.unsupported(at, "contains", "only one for an array is supported");
                continue;
            }
            out.contains = at;
        }
    }
    const auto about = [&](size_t i) {
        part_list parts;
        for (const part at : one.parts) {
            const json_value * tuple = tuple_of(at);
            const bool own = tuple != nullptr && i < tuple->items.size();
            if (own) {
                add_part(parts, &tuple->items[i]);
            } else if (const json_value * rest = rest_of(at)) {
                add_part(parts, rest);
            }
            if (const json_value * unevaluated = at->find("unevaluatedItems")) {
                const part_list scope = scope_of(one, at);
                const bool seen = std::any_of(scope.begin(), scope.end(), [&](part other) {
                    const json_value * others = tuple_of(other);
                    return rest_of(other) != nullptr || (others != nullptr && i < others->items.size()) ||
                           (other != at && other->find("unevaluatedItems") != nullptr);
                });
                if (!seen) {
                    add_part(parts, unevaluated);
                }
            }
        }
        return parts;
    };
    for (size_t i = 0; i < fixed; ++i) {
        out.fixed.push_back(about(i));
    }
    out.rest = about(fixed);
    return out;
}

}  // namespace rast::schema
