#include "targets.h"

#include "../llama/libraries.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace rast::fuzz {

const target * find_target(std::string_view name) {
    static const target targets[] = {{"text", text, false},
                                     {"gguf", gguf, true},
                                     {"schema", schema, false},
                                     {"grammar", grammar, false},
                                     {"state", state, true}};
    for (const target & one : targets) {
        if (name == one.name) {
            return &one;
        }
    }
    return nullptr;
}

void broken(const char * promise) {
    std::fprintf(stderr, "broken: %s\n", promise);
    std::abort();
}

void open_libraries() {
    const char * folder = std::getenv("RAST_FUZZ_LIBRARIES");
    llama::library_paths paths;
    paths.cpu_folder = folder != nullptr ? folder : ".";
    for (const auto & entry : std::filesystem::directory_iterator(paths.cpu_folder)) {
        const std::string name = entry.path().filename().string();
        std::string & path = name.rfind("libggml-base.", 0) == 0 ? paths.ggml_base
                             : name.rfind("libggml.", 0) == 0    ? paths.ggml
                                                                 : paths.llama;
        if (&path != &paths.llama || name.rfind("libllama.", 0) == 0) {
            path = entry.path().string();
        }
    }
    llama::open_libraries(paths);
}

}  // namespace rast::fuzz
