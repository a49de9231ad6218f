// Numbers of a checkpoint as rows of a GGUF tensor: widened, shifted, reordered and quantized by ggml's own functions.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

struct row_conversion {
    ggml_type from = GGML_TYPE_F32;  // F32, F16 or BF16
    ggml_type to = GGML_TYPE_F32;
    uint64_t row = 0;  // numbers in a row
    float add = 0;     // to every number
    // Rows of a head, 0 = as they are: its first and second half become every other row, as llama.cpp wants them.
    uint64_t head_rows = 0;
};

// By name, in any case; nothing for one that ggml does not have.
std::optional<ggml_type> tensor_type_named(std::string_view name);

// Whether rows can be made in it without an importance matrix.
bool is_writable_type(ggml_type type);

// Whole rows, and whole heads. Any thread.
// Throws ERR_INVALID_ARGUMENT (types, sizes), ERR_GRAFT for numbers that are not finite or that F16 cannot hold.
std::vector<uint8_t> convert_rows(const std::vector<uint8_t> & source, const row_conversion & how);

}  // namespace rast
