// What is asked of an engine and what comes back, step by step. Plain data; mirrors src/native/addon-types.ts.
#pragma once

#include "../llama/api.h"
#include "../sampling/sampler_settings.h"
#include "../sampling/sampling_steps.h"
#include "../sampling/token_figures.h"
#include "../text/reasoning_splitter.h"
#include "engine_config.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rast {

struct constraint;

inline constexpr int32_t draft_auto = -1;

// Whether drafts are taken from the text where it repeats itself: never, where they are likelier to pay than the
// expert's, or wherever it does.
enum class repeat_drafts { never, automatic, always };

enum class request_mode { rast, base, expert };

// The bias of a token that is never to be drawn: it keeps sums finite, also on devices.
inline constexpr float banning_bias = never_logit_on_device;

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

// Reasoning before the answer: how it is told from it, and tokens that are put into the text, as nobody draws them.
struct reasoning_request {
    reasoning_marks marks;
    int32_t max_tokens = -1;             // of reasoning; then `ending` follows
    std::vector<llama_token> opening;    // begins it
    std::vector<llama_token> ending;     // ends it, up to where the answer begins
    std::vector<llama_token> separator;  // what of that stands behind the closing mark
};

struct request {
    std::vector<llama_token> prompt;
    request_mode mode = request_mode::rast;
    int32_t max_tokens = -1;
    std::vector<std::string> stop_strings;
    std::vector<llama_token> stop_tokens;
    bool ignore_eos = false;
    bool show_special = false;
    std::vector<llama_token> shown_tokens;  // control tokens that are shown all the same
    int32_t logprobs = -1;
    int32_t figures = -1;            // of each token, with so many alternatives (token_figures); -1 = none
    std::vector<llama_token> given;  // the completion, where nothing is to be drawn
    int32_t draft = draft_auto;      // tokens to draft per round
    repeat_drafts repeats = repeat_drafts::never;
    int32_t max_draft = 255;                    // most of them; the engine's own limit holds too
    std::shared_ptr<const constraint> grammar;  // none = any text; of the answer alone where there is reasoning
    std::optional<reasoning_request> reasoning;
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

// What went to workers and came back.
struct network_use {
    int64_t sent_bytes = 0;
    int64_t received_bytes = 0;
    int64_t waits = 0;     // for answers
    double wait_ms = 0;    // until what was sent had gone, and answers were there
    double worker_ms = 0;  // of that, workers computed
};

struct draft_stats {
    int64_t rounds = 0;           // decodes of the base that gave tokens
    int64_t drafted = 0;          // tokens that the base verified
    int64_t accepted = 0;         // of those
    int64_t repeat_drafted = 0;   // of the drafted, those taken from the text
    int64_t repeat_accepted = 0;  // of those
    int64_t compared = 0;         // positions where expert and ensemble drew from the same history
    int64_t agreed = 0;           // of those, the same token
};

struct request_result {
    stop_reason reason = stop_reason::abort;
    std::optional<std::string> stop_string;
    std::optional<llama_token> stop_token;
    int32_t prompt_tokens = 0;
    int32_t completion_tokens = 0;
    int32_t reasoning_tokens = 0;  // of those, as far as they were drawn, with the marks behind them
    int32_t cached_tokens = 0;     // of the prompt, in a cache already
    int32_t restarts = 0;          // gave way to others for lack of cache space, and decoded its text anew
    int32_t refused = 0;           // draws that the grammar refused
    double queue_ms = 0;
    double prefill_ms = 0;
    double decode_ms = 0;
    std::optional<double> first_token_ms;
    int32_t first_round_tokens = 0;   // of the completion, drawn or put in the round that drew the first
    std::array<role_times, 3> roles;  // by role
    draft_stats drafts;
    int64_t host_bytes = 0;
    int64_t host_rows = 0;
    int64_t host_row_bytes = 0;
    int32_t threads = 0;         // of its last round
    network_use prompt_network;  // with workers, while its prompt was decoded: also on behalf of others in the batch
    network_use network;         // the same of its completion
};

struct request_error {
    std::string code;
    std::string message;
};

// Who proposed a token before it was drawn.
enum class draft_source { nobody, expert, text };

struct figured_token {
    std::shared_ptr<const token_figures> figures;
    draft_source draft = draft_source::nobody;
};

struct step_event {
    uint32_t request = 0;
    std::vector<llama_token> tokens;
    std::string text;
    std::vector<row_draw>
        draws;  // one per token when log-probabilities were asked for; without top where none was drawn
    std::optional<request_result> result;
    std::optional<request_error> error;
    split_text split{};                    // the text again, where there may be reasoning
    std::vector<double> learned{};         // by the engine so far, with the result of a request that taught something
    std::vector<figured_token> figures{};  // one per token, where asked for; without figures where none was drawn
};

}  // namespace rast
