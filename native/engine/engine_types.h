// What goes into the engine and what comes out of it. Plain data; mirrors src/native/addon-types.ts.
#pragma once

#include "../grammar/constraint.h"
#include "../sampling/ensemble_sampler.h"
#include "error.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rast {

enum class role { base, expert, antiexpert };

const char * role_name(role which);

struct model_config {
    std::string path;
    std::string fingerprint;           // as model_facts has it
    std::vector<std::string> devices;  // empty = CPU only
    int32_t gpu_layers = 0;
    int32_t threads = 1;
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
    bool mmap = true;
    bool mlock = false;
    sampler_choice sampler = sampler_choice::automatic;
};

// What a model and its context hold beside the weights' file, in bytes, wherever it lies.
struct context_memory {
    uint64_t repacked = 0;  // copies of mapped weights, in the layout that the processor computes with
    uint64_t cache = 0;
    uint64_t compute = 0;
    uint64_t output = 0;   // llama.cpp's own copy of what a decode gives
    uint64_t sampler = 0;  // rows of small models, fused rows, settings
};

struct context_info {
    std::string output_device;
    int32_t gpu_layers = 0;
    int32_t layers = 0;
    int32_t threads = 0;
    int32_t n_vocab = 0;
    uint64_t model_bytes = 0;
    double load_ms = 0;
    std::string description;
    bool can_truncate = false;
    int32_t graph_splits = 0;
    context_memory memory;
};

struct engine_info {
    context_info base;
    std::vector<std::array<context_info, 2>> pairs;  // expert, antiexpert
    bool host_path = false;
    std::string sampler_reason;
    int32_t max_draft = 0;
    std::string draft_reason;  // why there is no speculation; empty when there is
    uint32_t context_size = 0;
    int32_t n_vocab = 0;
    int32_t n_drawable = 0;  // how many ids may be drawn
    int32_t bos = -1;
    int32_t eos = -1;
    bool add_bos = false;
    std::optional<std::string> chat_template;
    double load_ms = 0;
};

inline constexpr int32_t draft_auto = -1;

enum class request_mode { rast, base, expert };

struct sampling_params {
    std::array<float, max_pairs> lambda{};
    float temperature = 1.0F;
    int32_t top_k = 0;
    float top_p = 1.0F;
    float min_p = 0.0F;
    float repetition_penalty = 1.0F;
    float presence_penalty = 0.0F;
    float frequency_penalty = 0.0F;
    int32_t penalty_window = 0;  // -1 = the whole context
    std::vector<llama_logit_bias> bias;
    uint64_t seed = 0;
    uint32_t ordinal = 0;
};

struct request {
    std::vector<llama_token> prompt;
    request_mode mode = request_mode::rast;
    int32_t max_tokens = -1;
    std::vector<std::string> stop_strings;
    std::vector<llama_token> stop_tokens;
    bool ignore_eos = false;
    bool show_special = false;
    int32_t logprobs = -1;
    int32_t draft = draft_auto;                 // tokens to draft per round
    int32_t max_draft = 255;                    // most of them; the engine's own limit holds too
    std::shared_ptr<const constraint> grammar;  // none = any text
    sampling_params sampling;
};

enum class stop_reason { eos, stop, max_tokens, context_full, abort };

struct role_times {
    double prefill_ms = 0;
    double decode_ms = 0;
    double sampling_ms = 0;  // of decode_ms: fusing, filtering, drawing and handing rows over, where a CPU does it
    int64_t prefill_tokens = 0;
    int64_t decode_steps = 0;
};

struct draft_stats {
    int64_t rounds = 0;    // decodes of the base that gave tokens
    int64_t drafted = 0;   // tokens that the base verified
    int64_t accepted = 0;  // of those
    int64_t compared = 0;  // positions where expert and ensemble drew from the same history
    int64_t agreed = 0;    // of those, the same token
};

struct request_result {
    stop_reason reason = stop_reason::abort;
    std::optional<std::string> stop_string;
    std::optional<llama_token> stop_token;
    int32_t prompt_tokens = 0;
    int32_t completion_tokens = 0;
    int32_t cached_tokens = 0;  // of the prompt, in a cache already
    int32_t restarts = 0;       // gave way to others for lack of cache space, and decoded its text anew
    int32_t refused = 0;        // draws that the grammar refused
    double queue_ms = 0;
    double prefill_ms = 0;
    double decode_ms = 0;
    std::optional<double> first_token_ms;
    std::array<role_times, 3> roles;  // by role
    draft_stats drafts;
    int64_t host_bytes = 0;
    int64_t host_rows = 0;
    int64_t host_row_bytes = 0;
};

// What engine::measure_decodes times.
struct bare_decodes {
    uint32_t context = 0;    // 0 the base, then expert and antiexpert of each pair
    uint32_t sequences = 1;  // at most the slots
    uint32_t depth = 0;      // tokens that each of them holds before
    uint32_t tokens = 1;     // steps, or tokens of a prompt
    bool prompt = false;
};

struct request_error {
    std::string code;
    std::string message;
};

struct step_event {
    uint32_t request = 0;
    std::vector<llama_token> tokens;
    std::string text;
    std::vector<row_draw> draws;  // one per token when log-probabilities were asked for
    std::optional<request_result> result;
    std::optional<request_error> error;
};

// Called on the engine thread.
struct engine_callbacks {
    std::function<void(role, int pair, float fraction)> on_progress;
    std::function<void(const engine_info &)> on_loaded;
    std::function<void(const rast_error &)> on_load_failed;
    std::function<void(std::vector<step_event>)> on_steps;
    std::function<void()> on_stopped;  // the last call: everything is freed
};

}  // namespace rast
