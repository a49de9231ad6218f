// What an engine is made of: models by role, sizes, switches. Plain data; mirrors src/native/addon-types.ts.
#pragma once

#include "../llama/api.h"
#include "../sampling/sampler_settings.h"
#include "token_map.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rast {

enum class role { base, expert, antiexpert };

const char * role_name(role which);

// One model of an engine.
struct model_place {
    role which = role::base;
    size_t pair = 0;  // of expert and antiexpert; 0 for the base
};

// A LoRA on a model.
struct adapter_config {
    std::string path;
    std::string fingerprint;  // as adapter_facts has it
    float scale = 1;
};

struct model_config {
    std::string path;
    std::string fingerprint;           // as model_facts has it
    uint32_t weights = 0;              // the same number for models of one file; 0 = told by the path
    std::vector<std::string> devices;  // empty = CPU only
    int32_t gpu_layers = 0;
    std::vector<float> split;    // layers on each device; empty = as llama.cpp shares them out
    int32_t cpu_moe_layers = 0;  // from the first: their experts stay in main memory
    // The output layer stays in main memory wherever the last layers are, and with it the sampler and all rows of
    // logits.
    bool output_in_main_memory = false;
    int32_t threads = 1;
    std::vector<mapped_token> tokens;      // of a small model: special tokens with other ids than the base's
    std::vector<adapter_config> adapters;  // of this role alone, also where others share the weights
    uint32_t snapshots = 0;  // earlier states of each sequence, of a model that has states and verifies drafts
};

struct pair_config {
    model_config expert;
    model_config antiexpert;
};

struct engine_config {
    model_config base;
    std::vector<pair_config> pairs;
    uint32_t context_size = 4096;  // tokens per sequence
    uint32_t slots = 1;
    uint32_t batch_size = 512;
    uint32_t cache_size = 0;     // tokens of all slots together; 0 = context_size each
    uint32_t prefill_chunk = 0;  // prompt tokens per step while others generate; 0 = as many as take 0.2 s
    uint32_t max_queue = 1024;   // requests that may wait for a slot
    bool reuse_prefixes = true;
    int32_t max_draft = 0;  // most tokens that the expert drafts per round; 0 = speculation is off
    uint32_t rows = 1;      // outputs of one decode at most, over all sequences: at least one per slot
    ggml_type kv_type_k = GGML_TYPE_F16;
    ggml_type kv_type_v = GGML_TYPE_F16;
    llama_flash_attn_type flash_attention = LLAMA_FLASH_ATTN_TYPE_AUTO;
    bool adapt_threads = false;  // as many of `threads` as pay at the time
    bool mmap = true;
    bool mlock = false;
    sampler_choice sampler = sampler_choice::automatic;
    std::vector<double>
        learned;  // what draft_planner::learned gave of an engine like this one; anything else is as none
};

// Tokens that the caches hold, over all slots.
uint64_t cache_tokens(const engine_config & engine);

// Cells of a cache, as llama.cpp pads them.
uint32_t cache_cells(const engine_config & engine);

// The engine as it can be: a batch holds no more tokens than the cache and no fewer than one per slot, and rows and
// drafts no more than the batch.
engine_config fitted(engine_config engine);

// Throws ERR_INVALID_ARGUMENT for a configuration that llama.cpp would abort on.
void require_valid(const engine_config & engine);

// Tells models apart whose states are of no use to each other: by the file's content, and the adapters on it.
std::string identity_of(const model_config & model);

const model_config & model_at(const engine_config & engine, const model_place & place);

}  // namespace rast
