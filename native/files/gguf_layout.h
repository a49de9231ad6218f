// Where everything in a GGUF file lies: for who copies parts of it.
#pragma once

#include "gguf_file.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace rast {

struct gguf_key {
    std::string name;
    uint64_t offset = 0;  // of the whole record: name, type, value
    uint64_t bytes = 0;
    uint32_t type = 0;          // a gguf_type
    uint32_t element_type = 0;  // of an array
    uint64_t count = 1;         // elements of an array
    // A number, a text or a flag; nothing for an array, and for a text of more than 4 KiB.
    std::variant<std::monostate, double, bool, std::string> value;
};

struct gguf_tensor_place {
    std::string name;
    ggml_type type = GGML_TYPE_COUNT;
    std::vector<uint64_t> shape;  // innermost dimension first
    uint64_t offset = 0;          // from the beginning of the file
    uint64_t bytes = 0;
};

struct gguf_layout {
    uint64_t file_bytes = 0;
    uint32_t version = 0;
    uint64_t alignment = 0;
    uint64_t data_offset = 0;
    std::vector<gguf_key> keys;
    std::vector<gguf_tensor_place> tensors;
    // Of the tokenizer, 0 without: all ids, and those up to the last that is text.
    uint32_t vocabulary = 0;
    uint32_t text_vocabulary = 0;
};

// The header is read by gguf_file first, so that all of it makes sense. Throws as that does. Any thread.
gguf_layout read_layout(const std::string & path);

}  // namespace rast
