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

// A schema's one keyword, with the limit that its opposite has.
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

bool allows_nothing(const json_value & schema) {
    return schema.is(json_value::kind::boolean) && !schema.flag;
}

// What makes a value invalid by a schema: a list of ways, one for every keyword (or part of one) that can fail.
class negator {
  public:
    // @param obstacle the keyword that has no opposite, where that is why there is no answer
    negator(schema_document & document, std::string & obstacle) : document_(document), obstacle_(obstacle) {}

    // Nothing where a keyword has no opposite that a schema can say.
    std::optional<json_value> of(part schema, int depth) {
        document_.budget().spend();
        if (schema->is(json_value::kind::boolean)) {
            return json_value::of_flag(!schema->flag);
        }
        if (depth > deepest_negation) {
            obstacle_ = "$ref";
            return std::nullopt;
        }
        document_.check(schema);
        std::vector<json_value> ways;
        for (const auto & [keyword, value] : schema->members) {
            if (is_annotation(keyword)) {
                continue;
            }
            document_.budget().spend();
            if (!(this->*opposite_of(keyword))({schema, keyword, value, depth}, ways)) {
                return std::nullopt;
            }
        }
        return any_of(std::move(ways));
    }

  private:
    struct place {
        part schema;
        const std::string & keyword;
        const json_value & value;
        int depth;
    };
    using ways = std::vector<json_value>;
    // Adds the ways in which the keyword fails. False where it has no opposite.
    using opposite = bool (negator::*)(const place & at, ways & out);

    static opposite opposite_of(std::string_view keyword);

    bool fail(std::string_view keyword) {
        obstacle_ = std::string(keyword);
        return false;
    }

    std::optional<json_value> inner(part schema, const place & at) { return of(schema, at.depth + 1); }

    bool of_type(const place & at, ways & out) {
        const uint8_t types = types_of(at.schema, document_);
        if ((types & number_bits) == integer_bit) {
            return fail("type: integer");
        }
        static constexpr std::pair<uint8_t, const char *> names[] = {{null_bit, "null"},       {boolean_bit, "boolean"},
                                                                     {fraction_bit, "number"}, {string_bit, "string"},
                                                                     {array_bit, "array"},     {object_bit, "object"}};
        std::vector<json_value> others;
        for (const auto & [bit, name] : names) {
            if ((types & bit) == 0) {
                others.push_back(json_value::of_text(name));
            }
        }
        if (!others.empty()) {
            std::vector<member> members;
            members.emplace_back("type", json_value::of_items(std::move(others)));
            out.push_back(json_value::of_members(std::move(members)));
        }
        return true;
    }

    bool of_values(const place & at, ways & out) {
        out.push_back(not_of({at.keyword, at.value}));
        return true;
    }

    bool of_pattern(const place & at, ways & out) {
        json_value other = not_of({at.keyword, at.value});
        other.members.emplace_back("type", json_value::of_text("string"));
        other.index();
        out.push_back(std::move(other));
        return true;
    }

    bool of_required(const place & at, ways & out) {
        for (const auto & name : at.value.items) {
            std::vector<member> absent;
            absent.emplace_back(name.text, json_value::of_flag(false));
            out.push_back(typed("object", {{"properties", json_value::of_members(std::move(absent))}}));
        }
        return true;
    }

    // One of them is there, and is something else.
    bool of_properties(const place & at, ways & out) {
        for (const auto & [name, schema] : at.value.members) {
            auto other = inner(&schema, at);
            if (!other) {
                return false;
            }
            if (allows_nothing(*other)) {
                continue;
            }
            std::vector<member> properties;
            properties.emplace_back(name, std::move(*other));
            std::vector<json_value> names;
            names.push_back(json_value::of_text(name));
            out.push_back(typed("object", {{"properties", json_value::of_members(std::move(properties))},
                                           {"required", json_value::of_items(std::move(names))}}));
        }
        return true;
    }

    bool of_all_of(const place & at, ways & out) {
        return std::all_of(at.value.items.begin(), at.value.items.end(),
                           [&](const json_value & one) { return add(inner(&one, at), out); });
    }

    bool of_any_of(const place & at, ways & out) {
        std::vector<json_value> all;
        for (const auto & one : at.value.items) {
            if (!add(inner(&one, at), all)) {
                return false;
            }
        }
        std::vector<member> members;
        members.emplace_back("allOf", json_value::of_items(std::move(all)));
        out.push_back(json_value::of_members(std::move(members)));
        return true;
    }

    bool of_not(const place & at, ways & out) {
        out.push_back(at.value);
        return true;
    }

    bool of_reference(const place & at, ways & out) { return add(inner(document_.resolve(at.schema), at), out); }

    bool of_items(const place & at, ways & out) {
        if (at.value.is(json_value::kind::array) || at.schema->find("prefixItems") != nullptr) {
            return fail(at.keyword);
        }
        auto other = inner(&at.value, at);
        if (other && !allows_nothing(*other)) {
            out.push_back(typed("array", {{"contains", *other}}));
        }
        return other.has_value();
    }

    bool of_additional_properties(const place & at, ways &) {
        const bool says_nothing = at.value.is(json_value::kind::boolean) && at.value.flag;
        return says_nothing || fail(at.keyword);
    }

    bool of_limit(const place & at, ways & out) {
        const auto find = [&](const auto & list) -> const limit * {
            const auto * const end = std::end(list);
            const auto * const found =
                std::find_if(std::begin(list), end, [&](const limit & one) { return at.keyword == one.keyword; });
            return found == end ? nullptr : found;
        };
        if (const limit * count = find(counts)) {
            const uint64_t least = document_.count_of(at.schema, count->keyword, 0);
            if (least > 0 || count->step > 0) {
                const auto other = static_cast<int64_t>(least) + count->step;
                out.push_back(typed(count->type, {{count->opposite, json_value::of_number(std::to_string(other))}}));
            }
            return true;
        }
        const limit * bound = find(bounds);
        if (bound == nullptr || is_flag_of_draft4(at)) {
            return fail(at.keyword);
        }
        out.push_back(typed(bound->type, {{bound->opposite, at.value}}));
        return true;
    }

    // Draft 4 says exclusiveMinimum: true beside minimum.
    static bool is_flag_of_draft4(const place & at) {
        const json_value * strict = at.schema->find(at.keyword == "minimum"   ? "exclusiveMinimum"
                                                    : at.keyword == "maximum" ? "exclusiveMaximum"
                                                                              : "");
        return at.value.is(json_value::kind::boolean) || (strict != nullptr && strict->is(json_value::kind::boolean));
    }

    static bool add(std::optional<json_value> one, ways & out) {
        if (one) {
            out.push_back(std::move(*one));
        }
        return one.has_value();
    }

    schema_document & document_;
    std::string & obstacle_;
};

negator::opposite negator::opposite_of(std::string_view keyword) {
    static constexpr std::pair<std::string_view, opposite> known[] = {
        {"type", &negator::of_type},         {"const", &negator::of_values},
        {"enum", &negator::of_values},       {"pattern", &negator::of_pattern},
        {"required", &negator::of_required}, {"properties", &negator::of_properties},
        {"allOf", &negator::of_all_of},      {"anyOf", &negator::of_any_of},
        {"not", &negator::of_not},           {"$ref", &negator::of_reference},
        {"items", &negator::of_items},       {"additionalProperties", &negator::of_additional_properties}};
    for (const auto & [name, make] : known) {
        if (name == keyword) {
            return make;
        }
    }
    return &negator::of_limit;
}

}  // namespace

std::optional<json_value> meaning::negated(part of, std::string & obstacle) {
    return negator(document_, obstacle).of(of, 0);
}

}  // namespace rast::schema
