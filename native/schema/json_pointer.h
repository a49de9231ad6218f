// JSON pointers (RFC 6901): from a document to a value in it, and back.
#pragma once

#include "json_value.h"

#include <string>
#include <string_view>

namespace rast::schema {

// The value that a pointer names, "" for the start itself; null if there is none.
const json_value * follow_pointer(const json_value & start, std::string_view pointer);

// Appends the pointer of a value, known by its address. @returns whether it is in there
bool find_pointer(const json_value & from, const json_value * wanted, std::string & out);

// A fragment of a URI without its escapes.
std::string percent_decoded(std::string_view text);

}  // namespace rast::schema
