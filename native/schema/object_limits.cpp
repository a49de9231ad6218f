#include "further_keys.h"
#include "limits.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace rast::schema {

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
            add_part(out, own);
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
                    add_part(out, &schema);
                }
            }
        }
        const json_value * rest = at->find("additionalProperties");
        if (!known && rest != nullptr) {
            add_part(out, rest);
        }
        if (const json_value * unevaluated = at->find("unevaluatedProperties")) {
            if (!evaluates(scope_of(one, at), at, &key)) {
                add_part(out, unevaluated);
            }
        }
        if (const json_value * names = at->find("propertyNames")) {
            const verdict allowed = values_.validate(json_value::of_text(key), names);
            if (allowed == verdict::no || (!proof && allowed != verdict::yes)) {
                add_part(out, never());
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
        further_keys(*this, one, out).read();
    }
    return out;
}

}  // namespace rast::schema
