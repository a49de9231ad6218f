// llama.cpp's quantizations by name, and its quantizer behind checks.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

enum class quantizer : uint8_t {
    plain,
    weighted,  // llama.cpp wants an importance matrix, which is not offered here
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

// Writes the model `input` as `output`, first under another name in the same folder. `name` in any case. What is
// quantized already is widened first. Blocks for as long as it takes; any thread.
// Throws ERR_INVALID_ARGUMENT (name, input = output), ERR_FILE_UNWRITABLE, ERR_QUANTIZE, and what inspect_model throws.
void quantize_model(const std::string & input, const std::string & output, const std::string & name, int32_t threads);

}  // namespace rast
