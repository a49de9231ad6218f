// What a loaded engine tells of itself. Plain data; mirrors src/native/addon-types.ts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rast {

// What a model and its context hold beside the weights' file, in bytes, wherever it lies.
struct context_memory {
    uint64_t repacked = 0;  // copies of mapped weights, in the layout that the processor computes with
    uint64_t cache = 0;
    uint64_t compute = 0;
    uint64_t output = 0;   // llama.cpp's own copy of what a decode gives
    uint64_t sampler = 0;  // rows of small models, fused rows, settings
};

// A piece of memory as llama.cpp logs it.
struct logged_buffer {
    std::string place;  // e.g. "CUDA0", "CPU_Mapped", "CUDA_Host"
    std::string kind;   // "model", "KV", "RS", "compute", "output"
    uint64_t bytes = 0;
};

struct context_info {
    std::string output_device;
    int32_t gpu_layers = 0;
    int32_t layers = 0;
    int32_t threads = 0;
    int32_t n_vocab = 0;
    uint64_t model_bytes = 0;
    bool shares_weights = false;  // another context of this engine has them
    uint64_t adapter_bytes = 0;
    double load_ms = 0;
    std::string description;
    bool can_truncate = false;
    int32_t graph_splits = 0;
    context_memory memory;
    std::vector<logged_buffer> buffers;
};

struct engine_info {
    context_info base;
    std::vector<std::array<context_info, 2>> pairs;  // expert, antiexpert
    bool host_path = false;
    std::string sampler_reason;
    int32_t max_draft = 0;
    std::string draft_reason;       // why there is no speculation; empty when there is
    bool costs_remembered = false;  // the configuration brought what decodes cost: nothing was measured
    std::vector<double> learned;    // for later loads; empty without speculation
    uint32_t context_size = 0;
    int32_t n_vocab = 0;
    int32_t n_drawable = 0;  // how many ids may be drawn
    int32_t bos = -1;
    int32_t eos = -1;
    bool add_bos = false;
    std::optional<std::string> chat_template;
    double load_ms = 0;
};

}  // namespace rast
