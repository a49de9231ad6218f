#include "keywords.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

namespace rast::schema {

namespace {

const std::unordered_set<std::string_view> annotations{
    "$schema",
    "$id",
    "id",
    "$comment",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "readOnly",
    "writeOnly",
    "nullable",
    "deprecated",
    "contentMediaType",
    "contentSchema",
    "contentEncoding",
    "components",
    "$recursiveAnchor",
    "discriminator",
    "xml",
    "externalDocs",
    "enumNames",
    "enumDescriptions",
    "markdownDescription",
};

const std::unordered_set<std::string_view> assertions{
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "multipleOf",
    "minLength",
    "maxLength",
    "exclusiveMaximum",
    "pattern",
    "format",
    "items",
    "prefixItems",
    "contains",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "dependentRequired",
    "unevaluatedProperties",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
};

constexpr std::string_view of_schema[] = {
    "additionalProperties", "propertyNames",         "contains",       "not", "if", "then", "else",
    "unevaluatedItems",     "unevaluatedProperties", "additionalItems"};
constexpr std::string_view of_list[] = {"allOf", "anyOf", "oneOf", "prefixItems"};
constexpr std::string_view of_members[] = {"properties", "patternProperties", "dependentSchemas",
                                           "$defs",      "definitions",       "dependencies"};
constexpr std::string_view in_place[] = {
    "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"};

template <class List>
bool is_in(const List & list, std::string_view wanted) {
    return std::find(std::begin(list), std::end(list), wanted) != std::end(list);
}

}  // namespace

keyword_value schemas_in(std::string_view keyword) {
    return is_in(of_schema, keyword)    ? keyword_value::schema
           : is_in(of_list, keyword)    ? keyword_value::list
           : is_in(of_members, keyword) ? keyword_value::members
                                        : keyword_value::other;
}

bool applies_in_place(std::string_view keyword) {
    return is_in(in_place, keyword);
}

bool is_assertion(std::string_view keyword) {
    return assertions.count(keyword) > 0;
}

bool is_schema(const json_value & value) {
    return value.is(json_value::kind::object) || value.is(json_value::kind::boolean);
}

void for_each_schema(part at, const std::function<void(const std::string &, part)> & found) {
    for (const auto & [keyword, value] : at->members) {
        if (is_in(of_schema, keyword) && is_schema(value)) {
            found(keyword, &value);
        } else if (keyword == "items" && is_schema(value)) {
            found(keyword, &value);
        } else if (is_in(of_list, keyword) || keyword == "items") {
            for (const auto & item : value.items) {
                if (is_schema(item)) {
                    found(keyword, &item);
                }
            }
        } else if (is_in(of_members, keyword)) {
            for (const auto & [name, member] : value.members) {
                if (is_schema(member)) {
                    found(keyword, &member);
                }
            }
        }
    }
}

bool is_annotation(std::string_view keyword) {
    return annotations.count(keyword) > 0 || keyword.substr(0, 2) == "x-";
}

std::vector<std::string_view> assertions_of(part at) {
    std::vector<std::string_view> out;
    for (const auto & [keyword, value] : at->members) {
        if (!is_annotation(keyword)) {
            out.push_back(keyword);
        }
    }
    return out;
}

}  // namespace rast::schema
