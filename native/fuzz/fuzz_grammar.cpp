// GBNF: a tree, or ERR_GRAMMAR.
#include "../engine/error.h"
#include "targets.h"

#if __has_include("../engine/gbnf_parser.h")
#    include "../engine/gbnf_parser.h"
#else
// llama.cpp's parser needs a model
#    include <string>
#endif

namespace rast::fuzz {

void grammar(std::string_view bytes) {
#if __has_include("../engine/gbnf_parser.h")
    try {
        const gbnf_tree tree = parse_gbnf(bytes);
        if (tree.root >= tree.rules.size()) {
            broken("a grammar has a root");
        }
    } catch (const rast_error & error) {
        if (error.code() != "ERR_GRAMMAR") {
            broken(error.what());
        }
    }
#else
    (void)bytes;
#endif
}

}  // namespace rast::fuzz
