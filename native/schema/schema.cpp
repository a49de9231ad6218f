#include "schema.h"

#include "../engine/error.h"

#include <common.h>
#include <json-schema-to-grammar.h>

std::string string_repeat(const std::string & text, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) {
        out += text;
    }
    return out;
}

std::string string_join(const std::vector<std::string> & values, const std::string & separator) {
    std::string out;
    for (size_t i = 0; i < values.size(); ++i) {
        out += (i == 0 ? "" : separator) + values[i];
    }
    return out;
}

std::vector<std::string> string_split(const std::string & text, const std::string & delimiter) {
    std::vector<std::string> out;
    size_t from = 0;
    for (size_t at = text.find(delimiter); at != std::string::npos; at = text.find(delimiter, from)) {
        out.push_back(text.substr(from, at - from));
        from = at + delimiter.size();
    }
    out.push_back(text.substr(from));
    return out;
}

namespace rast {

namespace {

constexpr int deepest = 100;  // the converter recurses

int depth_of(const std::string & json) {
    int depth = 0;
    int most = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (quoted) {
            i += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            most = std::max(most, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return most;
}

}  // namespace

std::string grammar_of_schema(const std::string & json) {
    if (depth_of(json) > deepest) {
        throw rast_error("ERR_JSON_SCHEMA", "The schema is nested more than " + std::to_string(deepest) + " deep");
    }
    try {
        return json_schema_to_grammar(common_json::parse(json), true);
    } catch (const std::exception & error) {
        throw rast_error("ERR_JSON_SCHEMA", std::string("The schema cannot be turned into a grammar: ") + error.what());
    }
}

}  // namespace rast
