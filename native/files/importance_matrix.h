// An importance matrix as llama.cpp's tools write it, in GGUF or in the older format: foreign input, read with bounds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rast {

struct importance_matrix {
    std::map<std::string, std::vector<float>> entries;  // by tensor: how much each column, of each expert, counts
    std::string dataset;                                // empty where it does not say
    int32_t chunks = 0;
};

// Throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE, ERR_FILE_EMPTY, and ERR_QUANTIZE for what is no
// importance matrix, or a damaged one. Any thread.
importance_matrix read_importance_matrix(const std::string & path);

}  // namespace rast
