// What a GGUF file says of itself, read by llama.cpp's own reader before anything is loaded, or downloaded.
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
    uint64_t output_bytes = 0;  // where it is tied, the embedding's once more
    bool tied_output = false;
    uint64_t embedding_bytes = 0;
    uint64_t parameter_count = 0;
    std::optional<uint32_t> file_type;
    std::string fingerprint;  // see model_fingerprint.h; empty of a header alone
    // What its maker says of where it comes from.
    std::optional<std::string> finetune;
    std::vector<std::string> base_models;  // names, and where they are
    // What compute buffers and costs depend on.
    uint32_t feed_forward_length = 0;    // of the widest layer; of a mixture that of one expert
    uint32_t most_heads = 0;             // of the layer with the most
    uint32_t head_width = 0;             // of K
    uint32_t experts = 0;                // of a mixture
    uint32_t experts_used = 0;           // per token
    std::vector<uint64_t> expert_bytes;  // of each layer's bytes, the experts'
};

// A file that is not here, or one part of it: what it is called, its size, and as many of its first bytes as there are.
struct distant_file {
    std::string name;
    std::vector<uint8_t> start;
    uint64_t bytes = 0;
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

// The same of a model that is somewhere else, by its headers: of all its parts, or of those that are given, the first
// of them first; `files` has the names of all. Nothing when one of the headers goes on behind the bytes that are given.
// Throws ERR_NOT_GGUF, ERR_MODEL_INVALID, ERR_MODEL_TRUNCATED for a file shorter than its header says. Any thread.
std::optional<model_facts> inspect_headers(const std::vector<distant_file> & parts);

}  // namespace rast
