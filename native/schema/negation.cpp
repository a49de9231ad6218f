// The opposite of a schema, as a schema: for `not`, `if` and alternatives of oneOf that may hold together.
#include "decimal.h"
#include "meaning.h"

#include <algorithm>
#include <unordered_set>

namespace rast::schema {

namespace {

constexpr int deepest_negation = 24;  // schemas inside schemas; it recurses

using member = json_value::member;

json_value typed(const char * type, std::vector<member> members) {
    members.insert(members.begin(), {"type", json_value::of_text(type)});
    return json_value::of_members(std::move(members));
}

json_value not_of(member one) {
    std::vector<member> inner;
    inner.push_back(std::move(one));
    std::vector<member> outer;
    outer.emplace_back("not", json_value::of_members(std::move(inner)));
    return json_value::of_members(std::move(outer));
}

json_value any_of(std::vector<json_value> ways) {
    if (ways.empty()) {
        return json_value::of_flag(false);
    }
    if (ways.size() == 1) {
        return std::move(ways.front());
    }
    std::vector<member> members;
    members.emplace_back("anyOf", json_value::of_items(std::move(ways)));
    return json_value::of_members(std::move(members));
}

struct limit {
    const char * keyword;
    const char * type;
    const char * opposite;
    int64_t step;  // from the limit to the opposite's
};

constexpr limit counts[] = {{"minLength", "string", "maxLength", -1},
                            {"maxLength", "string", "minLength", 1},
                            {"minItems", "array", "maxItems", -1},
                            {"maxItems", "array", "minItems", 1},
                            {"minProperties", "object", "maxProperties", -1},
                            {"maxProperties", "object", "minProperties", 1}};
constexpr limit bounds[] = {{"minimum", "number", "exclusiveMaximum", 0},
                            {"maximum", "number", "exclusiveMinimum", 0},
                            {"exclusiveMinimum", "number", "maximum", 0},
                            {"exclusiveMaximum", "number", "minimum", 0}};

}  // namespace

std::optional<json_value> meaning::negated(part of, std::string & obstacle, int depth) {
    document_.budget().spend();
    if (of->is(json_value::kind::boolean)) {
        return json_value::of_flag(!of->flag);
    }
    if (depth > deepest_negation) {
        obstacle = "$ref";
        return std::nullopt;
    }
    document_.check(of);
    std::vector<json_value> ways;
    const auto fail = [&](std::string_view keyword) {
        obstacle = std::string(keyword);
        return std::nullopt;
    };
    for (const auto & [keyword, value] : of->members) {
        if (is_annotation(keyword)) {
            continue;
        }
        document_.budget().spend();
        if (keyword == "type") {
            const uint8_t types = types_of(of, document_);
            if ((types & number_bits) == integer_bit) {
                return fail("type: integer");
            }
            static constexpr std::pair<uint8_t, const char *> names[] = {
                {null_bit, "null"},     {boolean_bit, "boolean"}, {fraction_bit, "number"},
                {string_bit, "string"}, {array_bit, "array"},     {object_bit, "object"}};
            std::vector<json_value> others;
            for (const auto & [bit, name] : names) {
                if ((types & bit) == 0) {
                    others.push_back(json_value::of_text(name));
                }
            }
            if (!others.empty()) {
                std::vector<member> members;
                members.emplace_back("type", json_value::of_items(std::move(others)));
                ways.push_back(json_value::of_members(std::move(members)));
            }
        } else if (keyword == "const" || keyword == "enum") {
            ways.push_back(not_of({keyword, value}));
        } else if (keyword == "pattern") {
            json_value other = not_of({keyword, value});
            other.members.emplace_back("type", json_value::of_text("string"));
            other.index();
            ways.push_back(std::move(other));
        } else if (keyword == "required") {
            for (const auto & name : value.items) {
                std::vector<member> absent;
                absent.emplace_back(name.text, json_value::of_flag(false));
                ways.push_back(typed("object", {{"properties", json_value::of_members(std::move(absent))}}));
            }
        } else if (keyword == "properties") {
            for (const auto & [name, schema] : value.members) {
                auto other = negated(&schema, obstacle, depth + 1);
                if (!other) {
                    return std::nullopt;
                }
                if (other->is(json_value::kind::boolean) && !other->flag) {
                    continue;
                }
                std::vector<member> properties;
                properties.emplace_back(name, std::move(*other));
                std::vector<json_value> names;
                names.push_back(json_value::of_text(name));
                ways.push_back(typed("object", {{"properties", json_value::of_members(std::move(properties))},
                                                {"required", json_value::of_items(std::move(names))}}));
            }
        } else if (keyword == "allOf") {
            for (const auto & one : value.items) {
                auto other = negated(&one, obstacle, depth + 1);
                if (!other) {
                    return std::nullopt;
                }
                ways.push_back(std::move(*other));
            }
        } else if (keyword == "anyOf") {
            std::vector<json_value> all;
            for (const auto & one : value.items) {
                auto other = negated(&one, obstacle, depth + 1);
                if (!other) {
                    return std::nullopt;
                }
                all.push_back(std::move(*other));
            }
            std::vector<member> members;
            members.emplace_back("allOf", json_value::of_items(std::move(all)));
            ways.push_back(json_value::of_members(std::move(members)));
        } else if (keyword == "not") {
            ways.push_back(value);
        } else if (keyword == "$ref") {
            auto other = negated(document_.resolve(of), obstacle, depth + 1);
            if (!other) {
                return std::nullopt;
            }
            ways.push_back(std::move(*other));
        } else if (keyword == "items" && !value.is(json_value::kind::array) && of->find("prefixItems") == nullptr) {
            auto other = negated(&value, obstacle, depth + 1);
            if (!other) {
                return std::nullopt;
            }
            if (!(other->is(json_value::kind::boolean) && !other->flag)) {
                ways.push_back(typed("array", {{"contains", std::move(*other)}}));
            }
        } else if (keyword == "additionalProperties" && value.is(json_value::kind::boolean) && value.flag) {
            // says nothing
        } else {
            const auto find = [&, keyword = std::string_view(keyword)](const auto & list) -> const limit * {
                for (const auto & one : list) {
                    if (keyword == one.keyword) {
                        return &one;
                    }
                }
                return nullptr;
            };
            const bool draft4 = value.is(json_value::kind::boolean);
            const json_value * strict = of->find(keyword == "minimum"   ? "exclusiveMinimum"
                                                 : keyword == "maximum" ? "exclusiveMaximum"
                                                                        : "");
            const bool beside_draft4 = strict != nullptr && strict->is(json_value::kind::boolean);
            if (const limit * count = find(counts)) {
                const uint64_t at = document_.count_of(of, count->keyword, 0);
                if (at == 0 && count->step < 0) {
                    continue;
                }
                const auto other = static_cast<int64_t>(at) + count->step;
                ways.push_back(typed(count->type, {{count->opposite, json_value::of_number(std::to_string(other))}}));
            } else if (const limit * bound = find(bounds); bound != nullptr && !draft4 && !beside_draft4) {
                ways.push_back(typed(bound->type, {{bound->opposite, value}}));
            } else {
                return fail(keyword);
            }
        }
    }
    return any_of(std::move(ways));
}

}  // namespace rast::schema
