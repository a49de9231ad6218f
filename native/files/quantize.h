// llama.cpp's quantizations by name, and its quantizer behind checks.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rast {

enum class quantizer : uint8_t {
    plain,
    weighted,  // llama.cpp wants an importance matrix
    none,      // models come in it, but llama.cpp has no quantizer
};

struct quantization {
    std::string_view name;  // as llama.cpp's tools write it, e.g. "Q4_K_M"
    llama_ftype file_type;
    quantizer how;
};

const std::vector<quantization> & quantizations();

// Empty for a file type that is not known.
std::string_view quantization_name(uint32_t file_type);

struct quantize_options {
    std::string type;  // a name of `quantizations`, in any case
    int32_t threads = 1;
    std::string importance_matrix;  // path, empty = none
    // Regular expression over the names of tensors, and a type of ggml for those; the first that fits counts.
    std::vector<std::pair<std::string, std::string>> tensor_types;
};

// Writes the model `input` over `output`, as it goes: whoever calls gives the file its name when it is whole. What is
// quantized already is widened first. Blocks for as long as it takes; any thread.
// Throws ERR_INVALID_ARGUMENT (types, input = output), ERR_FILE_UNWRITABLE, ERR_QUANTIZE, and what inspect_model and
// read_importance_matrix throw.
void quantize_model(const std::string & input, const std::string & output, const quantize_options & options);

}  // namespace rast
