// Keywords of JSON schemas: which say what is valid, and where schemas stand in their values.
#pragma once

#include "json_value.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rast::schema {

using part = const json_value *;
using part_list = std::vector<part>;

// What a keyword's value holds; `items` may be a schema or a list, and is neither here.
enum class keyword_value : uint8_t { other, schema, list, members };

keyword_value schemas_in(std::string_view keyword);

// Whether the schemas of a keyword are about the same value as the schema that has it.
bool applies_in_place(std::string_view keyword);

// Whether a keyword says nothing about what is valid.
bool is_annotation(std::string_view keyword);

// Whether it says something, and is known.
bool is_assertion(std::string_view keyword);

bool is_schema(const json_value & value);

// Calls back with every schema that stands directly in this one, and its keyword.
void for_each_schema(part at, const std::function<void(const std::string & keyword, part child)> & found);

// Keywords that say something about what is valid.
std::vector<std::string_view> assertions_of(part at);

}  // namespace rast::schema
