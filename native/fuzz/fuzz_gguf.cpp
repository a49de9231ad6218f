// Model files: what a header says, and whether two tokenizers are one.
#include "../error.h"
#include "../files/model_facts.h"
#include "../files/tokenizer_comparison.h"
#include "targets.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace rast::fuzz {

void gguf(std::string_view bytes) {
    static const std::string path = [] {
        std::string name = (std::filesystem::temp_directory_path() / "rast-fuzz-XXXXXX").string();
        const int made = ::mkstemp(name.data());
        return made >= 0 ? name : std::string("rast-fuzz.gguf");
    }();
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto typed = [](const auto & work) {
        try {
            work();
            return true;
        } catch (const rast_error & error) {
            if (error.code() == "ERR_INTERNAL") {
                broken(error.what());
            }
            return false;
        }
    };
    model_facts facts;
    if (typed([&] { facts = inspect_model(path); }) && (facts.layers == 0 || facts.file_bytes < bytes.size())) {
        broken("facts of a model");
    }
    typed([&] { compare_tokenizers({path, path}); });
}

}  // namespace rast::fuzz
