// What numbers may be. src/limits.ts has the same table and tells people; a test holds the two to each other. Whoever
// calls the addon past TypeScript is refused here.
#pragma once

namespace rast {

struct limit {
    const char * name;
    double min;
    double max;
    bool above_min = false;  // the lower bound itself is refused
};

namespace limits {

inline constexpr double many = 1 << 30;  // sums of two stay within 32 bits

// of an engine
inline constexpr limit pairs{"pairs", 0, 3};
inline constexpr limit adapters{"adapters", 0, 16};
inline constexpr limit lora_scale{"loraScale", -100, 100};
inline constexpr limit lora_rank{"loraRank", 0, 1 << 16};
inline constexpr limit gpu_layers{"gpuLayers", 0, 1000000};
inline constexpr limit threads{"threads", 1, 512};  // GGML_MAX_N_THREADS
inline constexpr limit context_size{"contextSize", 1, 1 << 24};
inline constexpr limit batch_size{"batchSize", 1, 16384};
inline constexpr limit parallel{"parallel", 1, 64};
inline constexpr limit cache_size{"cacheSize", 1, many};
inline constexpr limit prefill_chunk{"prefillChunk", 0, 16384};
inline constexpr limit max_queue{"maxQueue", 0, 1000000};
inline constexpr limit max_draft{"maxDraft", 0, 63};
// of a request
inline constexpr limit max_tokens{"maxTokens", 1, 9007199254740991.0};
inline constexpr limit max_thinking_tokens{"maxThinkingTokens", 0, 9007199254740991.0};
inline constexpr limit logprobs{"logprobs", 0, 20};
inline constexpr limit stop_strings{"stopStrings", 0, 16};
inline constexpr limit ordinal{"ordinal", 0, 4294967295.0};
// of a draw
inline constexpr limit lambda{"lambda", -10, 10};
inline constexpr limit temperature{"temperature", 0, 100};
inline constexpr limit top_k{"topK", 0, many};
inline constexpr limit top_p{"topP", 0, 1, true};
inline constexpr limit min_p{"minP", 0, 1};
inline constexpr limit repetition_penalty{"repetitionPenalty", 0, 10, true};
inline constexpr limit presence_penalty{"presencePenalty", -100, 100};
inline constexpr limit frequency_penalty{"frequencyPenalty", -100, 100};
inline constexpr limit penalty_window{"penaltyWindow", -1, many};
inline constexpr limit bias_entries{"biasEntries", 0, 1024};
inline constexpr limit bias{"bias", -100, 100};  // or -infinity
// of a measurement
inline constexpr limit measured_depth{"measuredDepth", 0, many};
inline constexpr limit measured_tokens{"measuredTokens", 1, many};

inline constexpr limit all[] = {pairs,
                                adapters,
                                lora_scale,
                                lora_rank,
                                gpu_layers,
                                threads,
                                context_size,
                                batch_size,
                                parallel,
                                cache_size,
                                prefill_chunk,
                                max_queue,
                                max_draft,
                                max_tokens,
                                max_thinking_tokens,
                                logprobs,
                                stop_strings,
                                ordinal,
                                lambda,
                                temperature,
                                top_k,
                                top_p,
                                min_p,
                                repetition_penalty,
                                presence_penalty,
                                frequency_penalty,
                                penalty_window,
                                bias_entries,
                                bias,
                                measured_depth,
                                measured_tokens};

}  // namespace limits

}  // namespace rast
