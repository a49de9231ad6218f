// JSON schemas: a grammar that parses, or ERR_JSON_SCHEMA.
#include "../engine/error.h"
#include "../schema/schema.h"
#include "targets.h"

#include <string>

namespace rast::fuzz {

void schema(std::string_view bytes) {
    std::string gbnf;
    try {
        gbnf = grammar_of_schema(std::string(bytes));
    } catch (const rast_error & error) {
        if (error.code() != "ERR_JSON_SCHEMA") {
            broken(error.what());
        }
        return;
    }
    if (gbnf.find("root ::=") == std::string::npos) {
        broken("a grammar has a root");
    }
    grammar(gbnf);
}

}  // namespace rast::fuzz
