// What a GGUF file says of itself, read by llama.cpp's own reader before anything is loaded.
#pragma once

#include "gguf_file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rast {

struct model_facts {
    std::string architecture;
    std::optional<std::string> name;
    uint64_t file_bytes = 0;
    std::vector<std::string> files;  // of a split model, in order
    uint32_t layers = 0;
    uint32_t context_length = 0;
    uint32_t embedding_length = 0;
    uint32_t head_count = 0;  // of the first layer, like the next
    uint32_t kv_head_count = 0;
    uint64_t k_elements_per_token = 0;  // over all layers
    uint64_t v_elements_per_token = 0;
    uint64_t state_bytes = 0;  // of a sequence, over all layers, beside the cache: at most so many
    uint32_t vocabulary_size = 0;
    std::optional<std::string> tokenizer_model;
    std::optional<std::string> chat_template;
    std::vector<uint64_t> layer_bytes;
    uint64_t output_bytes = 0;
    uint64_t embedding_bytes = 0;
    uint64_t parameter_count = 0;
    std::optional<uint32_t> file_type;
    std::string fingerprint;  // see model_fingerprint.h
};

// The parts of a split model in order; of one that is whole the file itself. Throws ERR_MODEL_INVALID.
std::vector<std::string> model_files(const gguf_file & first);

struct model_tensor {
    std::string name;
    std::vector<int64_t> shape;  // innermost first, without the ones at the end
    std::string type;            // as ggml names it
};

// Of all parts, in the order of the files. Throws as inspect_model does. Any thread.
std::vector<model_tensor> model_tensors(const std::string & path);

// Throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE, ERR_FILE_EMPTY, ERR_NOT_GGUF, ERR_MODEL_INVALID,
// ERR_MODEL_TRUNCATED. Any thread.
model_facts inspect_model(const std::string & path);

}  // namespace rast
