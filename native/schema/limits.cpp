#include "limits.h"

#include "formats.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace rast::schema {

namespace {

constexpr size_t most_excluded_characters = 3'000;  // of known keys, before further ones may not begin like these

void add(part_list & list, part one) {
    if (!(one->is(json_value::kind::boolean) && one->flag) && std::find(list.begin(), list.end(), one) == list.end()) {
        list.push_back(one);
    }
}

const json_value * tuple_of(part at) {
    const json_value * items = at->find("items");
    return items != nullptr && items->is(json_value::kind::array) ? items : at->find("prefixItems");
}

const json_value * rest_of(part at) {
    const json_value * items = at->find("items");
    return items != nullptr && items->is(json_value::kind::array) ? at->find("additionalItems") : items;
}

}  // namespace

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
                add(out, child);
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

bool limits_reader::evaluates(const part_list & scope, part from, const std::string * key) {
    for (const part at : scope) {
        const json_value * properties = at->find("properties");
        const json_value * by_pattern = at->find("patternProperties");
        if (at->find("additionalProperties") != nullptr ||
            (at != from && at->find("unevaluatedProperties") != nullptr) ||
            (key != nullptr && properties != nullptr && properties->find(*key) != nullptr)) {
            return true;
        }
        if (key != nullptr && by_pattern != nullptr) {
            for (const auto & [source, schema] : by_pattern->members) {
                const known_pattern * known = patterns_.find(source, at, "patternProperties");
                if (known != nullptr && known->machine && known->machine->matches(*key)) {
                    return true;
                }
            }
        }
    }
    return false;
}

part_list limits_reader::value_of(const alternative & one, const std::string & key, bool proof) {
    part_list out;
    for (const part at : one.parts) {
        bool known = false;
        const json_value * properties = at->find("properties");
        if (const json_value * own = properties == nullptr ? nullptr : properties->find(key)) {
            known = true;
            add(out, own);
        }
        if (const json_value * by_pattern = at->find("patternProperties")) {
            for (const auto & [source, schema] : by_pattern->members) {
                const known_pattern * pattern = patterns_.find(source, at, "patternProperties");
                if (pattern == nullptr) {
                    continue;
                }
                if (!pattern->machine || !pattern->tree.exact) {
                    document_.unsupported(at, "patternProperties", "whether " + source + " matches a key is not known");
                } else if (pattern->machine->matches(key)) {
                    known = true;
                    add(out, &schema);
                }
            }
        }
        const json_value * rest = at->find("additionalProperties");
        if (!known && rest != nullptr) {
            add(out, rest);
        }
        if (const json_value * unevaluated = at->find("unevaluatedProperties")) {
            if (!evaluates(scope_of(one, at), at, &key)) {
                add(out, unevaluated);
            }
        }
        if (const json_value * names = at->find("propertyNames")) {
            const verdict allowed = values_.validate(json_value::of_text(key), names);
            if (allowed == verdict::no || (!proof && allowed != verdict::yes)) {
                add(out, never());
            }
        }
    }
    return out;
}

// Texts that the propertyNames of all parts allow; nothing if they say nothing.
std::optional<automaton> limits_reader::key_names(const alternative & one) {
    std::optional<automaton> out;
    for (const part at : one.parts) {
        const json_value * names = at->find("propertyNames");
        if (names == nullptr || (names->is(json_value::kind::boolean) && names->flag)) {
            continue;
        }
        part target = names;
        while (target->find("$ref") != nullptr && assertions_of(target).size() == 1) {
            target = document_.resolve(target);
        }
        static const std::unordered_set<std::string_view> plain{"type",   "pattern", "minLength", "maxLength",
                                                                "format", "enum",    "const"};
        const auto keywords = assertions_of(target);
        const bool known = target->is(json_value::kind::object) &&
                           std::all_of(keywords.begin(), keywords.end(), [&](auto k) { return plain.count(k) > 0; });
        if (!known) {
            if (!target->is(json_value::kind::boolean)) {
                document_.unsupported(at, "propertyNames",
                                      "only type, enum, pattern, format and lengths are supported");
                continue;
            }
            out = automaton::anything().complement().minimal(document_.budget());
            continue;
        }
        const alternative alone{{target}, {}};
        std::optional<automaton> allowed;
        if ((types(alone) & string_bit) == 0) {
            allowed = automaton::anything().complement().minimal(document_.budget());
        } else if (const auto listed = values(alone, false)) {
            std::vector<std::string_view> texts;
            for (const part value : *listed) {
                if (value->is(json_value::kind::string)) {
                    texts.push_back(value->text);
                }
            }
            allowed = automaton::of_texts(texts, document_.budget()).minimal(document_.budget());
        } else {
            allowed = strings_within(strings(alone), false, document_.budget());
        }
        if (!allowed) {
            document_.unsupported(at, "propertyNames", "it needs too large a grammar");
            continue;
        }
        out = out ? out->intersect(*allowed, document_.budget()) : *allowed;
    }
    return out;
}

void limits_reader::read_further_keys(const alternative & one, object_limits & out) {
    work_budget & budget = document_.budget();
    part_list value;
    bool open = false;
    bool named = false;
    struct pattern_key {
        part at;
        const known_pattern * pattern;
        part schema;
    };
    std::vector<pattern_key> patterns;
    for (const part at : one.parts) {
        const json_value * rest = at->find("additionalProperties");
        const json_value * unevaluated = at->find("unevaluatedProperties");
        named = named || at->find("properties") != nullptr;
        for (const json_value * stated : {rest, unevaluated}) {
            open = open || stated != nullptr;
        }
        if (rest != nullptr) {
            add(value, rest);
        }
        if (unevaluated != nullptr && !evaluates(scope_of(one, at), at, nullptr)) {
            add(value, unevaluated);
        }
        if (const json_value * by_pattern = at->find("patternProperties")) {
            for (const auto & [source, schema] : by_pattern->members) {
                if (const known_pattern * known = patterns_.find(source, at, "patternProperties")) {
                    patterns.push_back({at, known, &schema});
                }
            }
        }
    }
    // Where properties are listed and nothing is said of others, there are none, unless some are missing.
    open = open || (!named && patterns.empty()) || out.least > out.known.size();

    if (!open && patterns.empty()) {
        return;
    }
    std::vector<std::string_view> known;
    size_t characters = 0;
    for (const auto & key : out.known) {
        known.emplace_back(key.name);
        characters += key.name.size();
    }
    const auto names = key_names(one);
    std::optional<automaton> allowed = names;
    if (!known.empty()) {
        if (characters > most_excluded_characters) {
            // Further keys then begin with a character that no known one begins with.
            std::vector<code_point_set::range> starts;
            for (const auto & key : known) {
                if (!key.empty()) {
                    const uint32_t c = decode_utf8(key).front();
                    starts.emplace_back(c, c);
                }
            }
            pattern_node root;
            pattern_node begin;
            begin.type = pattern_node::kind::begin;
            pattern_node other;
            other.type = pattern_node::kind::set;
            other.set = code_point_set(std::move(starts)).complement();
            root.parts = {begin, other};
            const auto strangers = automaton::of_pattern(root, 100, budget);
            allowed = allowed ? allowed->intersect(*strangers, budget) : *strangers;
        } else {
            const automaton strangers = automaton::of_texts(known, budget).complement().minimal(budget);
            allowed = allowed ? allowed->intersect(strangers, budget) : strangers;
        }
    }
    const auto more = [&](std::optional<automaton> keys, part_list parts) {
        const bool forbidden = std::find_if(parts.begin(), parts.end(), [](part at) {
                                   return at->is(json_value::kind::boolean) && !at->flag;
                               }) != parts.end();
        if (!forbidden && !(keys && keys->empty())) {
            const bool once = keys && !keys->always_extends();
            out.more.push_back({std::move(keys), std::move(parts), once});
        }
    };
    for (size_t i = 0; i < patterns.size(); ++i) {
        // keys of this pattern and of no other
        if (!patterns[i].pattern->machine) {
            document_.unsupported(patterns[i].at, "patternProperties", "a pattern needs too large a grammar");
            continue;
        }
        automaton keys =
            allowed ? allowed->intersect(*patterns[i].pattern->machine, budget) : *patterns[i].pattern->machine;
        part_list parts{};
        add(parts, patterns[i].schema);
        for (size_t k = 0; k < patterns.size(); ++k) {
            if (k == i || patterns[k].pattern == patterns[i].pattern) {
                if (k != i) {
                    add(parts, patterns[k].schema);
                }
                continue;
            }
            if (!patterns[k].pattern->machine || !patterns[k].pattern->tree.exact) {
                document_.unsupported(patterns[k].at, "patternProperties",
                                      "what a pattern does not match is not known");
                continue;
            }
            keys = keys.intersect(patterns[k].pattern->machine->complement(), budget);
        }
        for (const part at : one.parts) {
            const json_value * rest = at->find("additionalProperties");
            const bool covered = std::any_of(patterns.begin(), patterns.end(), [&](const auto & other) {
                return other.at == at && other.pattern == patterns[i].pattern;
            });
            if (rest != nullptr && !covered) {
                add(parts, rest);
            }
            if (const json_value * unevaluated = at->find("unevaluatedProperties")) {
                const part_list scope = scope_of(one, at);
                const bool seen = evaluates(scope, at, nullptr) ||
                                  std::any_of(patterns.begin(), patterns.end(), [&](const auto & other) {
                                      return other.pattern == patterns[i].pattern &&
                                             std::find(scope.begin(), scope.end(), other.at) != scope.end();
                                  });
                if (!seen) {
                    add(parts, unevaluated);
                }
            }
        }
        const bool seen_before = std::any_of(patterns.begin(), patterns.begin() + static_cast<std::ptrdiff_t>(i),
                                             [&](const auto & other) { return other.pattern == patterns[i].pattern; });
        if (!seen_before) {
            more(std::move(keys), std::move(parts));
        }
    }
    if (!open) {
        return;
    }
    bool exact = true;
    for (const auto & one_pattern : patterns) {
        if (!one_pattern.pattern->machine || !one_pattern.pattern->tree.exact) {
            exact = false;
            continue;
        }
        const automaton others = one_pattern.pattern->machine->complement();
        allowed = allowed ? allowed->intersect(others, budget) : others.minimal(budget);
    }
    if (exact) {
        more(std::move(allowed), std::move(value));
    }
}

object_limits limits_reader::objects(const alternative & one, bool proof) {
    object_limits out;
    std::unordered_map<std::string, size_t> places;
    const auto place_of = [&](const std::string & name) {
        const auto [at, added] = places.emplace(name, out.known.size());
        if (added) {
            out.known.push_back({name, {}, false});
        }
        return at->second;
    };
    for (const part at : one.parts) {
        if (const json_value * properties = at->find("properties")) {
            for (const auto & [name, schema] : properties->members) {
                place_of(name);
            }
        }
    }
    for (const part at : one.parts) {
        if (const json_value * required = at->find("required")) {
            for (const auto & name : required->items) {
                out.known[place_of(name.text)].required = true;
            }
        }
        out.least = std::max(out.least, document_.count_of(at, "minProperties", 0));
        out.most = std::min(out.most, document_.count_of(at, "maxProperties", UINT64_MAX));
    }
    if (!proof) {
        // Names that are listed are known keys, too.
        for (const part at : one.parts) {
            const json_value * names = at->find("propertyNames");
            const json_value * listed = names == nullptr ? nullptr : names->find("enum");
            const bool closed = std::any_of(one.parts.begin(), one.parts.end(), [](part other) {
                return other->find("properties") != nullptr && other->find("additionalProperties") == nullptr;
            });
            if (listed != nullptr && listed->is(json_value::kind::array) && !closed) {
                for (const auto & name : listed->items) {
                    if (name.is(json_value::kind::string)) {
                        place_of(name.text);
                    }
                }
            }
        }
    }
    for (auto & key : out.known) {
        document_.budget().spend(one.parts.size());
        key.value = value_of(one, key.name, proof);
    }
    if (!proof) {
        read_further_keys(one, out);
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
                add(parts, &tuple->items[i]);
            } else if (const json_value * rest = rest_of(at)) {
                add(parts, rest);
            }
            if (const json_value * unevaluated = at->find("unevaluatedItems")) {
                const part_list scope = scope_of(one, at);
                const bool seen = std::any_of(scope.begin(), scope.end(), [&](part other) {
                    const json_value * others = tuple_of(other);
                    return rest_of(other) != nullptr || (others != nullptr && i < others->items.size()) ||
                           (other != at && other->find("unevaluatedItems") != nullptr);
                });
                if (!seen) {
                    add(parts, unevaluated);
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
