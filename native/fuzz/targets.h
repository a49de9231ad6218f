// What is fuzzed. A target takes any bytes: it must return within its limits, and aborts where a promise is broken.
#pragma once

#include <string_view>

namespace rast::fuzz {

struct target {
    const char * name;
    void (*run)(std::string_view bytes);
    bool needs_libraries;  // of llama.cpp
};

// nullptr when there is none of this name.
const target * find_target(std::string_view name);

void text(std::string_view bytes);
void gguf(std::string_view bytes);
void schema(std::string_view bytes);
void grammar(std::string_view bytes);
void state(std::string_view bytes);

// Ends the process with these words: a finding.
[[noreturn]] void broken(const char * promise);

// Opens llama.cpp's libraries in the folder that RAST_FUZZ_LIBRARIES names.
void open_libraries();

}  // namespace rast::fuzz
