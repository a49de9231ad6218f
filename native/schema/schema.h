// JSON schema to GBNF: every text of the grammar is valid by the schema, or the schema is refused.
#pragma once

#include <string>

namespace rast {

// @param json the schema as JSON text: the order of its keys and the digits of its numbers are kept
// @param ignore_unsupported leaves out keywords that cannot be kept, instead of throwing
// Throws ERR_JSON_SCHEMA; details name keyword, pointer and reason ("unsupported", "invalid", "contradiction", "too
// complex") where one keyword is the reason. Any thread; bounded in time, memory and stack.
std::string grammar_of_schema(const std::string & json, bool ignore_unsupported = false);

}  // namespace rast
