// JSON schemas: a grammar that can be matched, or ERR_JSON_SCHEMA.
#include "../error.h"
#include "../grammar/grammar.h"
#include "../schema/schema.h"
#include "targets.h"

#include <string>

namespace rast::fuzz {

void schema(std::string_view bytes) {
    for (const bool ignore_unsupported : {false, true}) {
        std::string gbnf;
        try {
            gbnf = grammar_of_schema(std::string(bytes), ignore_unsupported);
        } catch (const rast_error & error) {
            if (error.code() != "ERR_JSON_SCHEMA") {
                broken(error.what());
            }
            continue;
        }
        try {
            const rast::grammar rules(gbnf);
        } catch (const rast_error & error) {
            broken(error.what());
        }
        grammar(gbnf);
    }
}

}  // namespace rast::fuzz
