// JSON schema to GBNF, by llama.cpp's own converter, which is compiled from the sources that node-llama-cpp bundles.
#pragma once

#include <string>

namespace rast {

// Throws ERR_JSON_SCHEMA.
std::string grammar_of_schema(const std::string & json);

}  // namespace rast
