// What one row is drawn with. Plain data: written per row before each decode.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace rast {

inline constexpr int max_pairs = 3;          // of expert and antiexpert: limits.h, and a kernel for each number
inline constexpr int max_top_logprobs = 20;  // OpenAI's bound; limits.h

// Ids that may be drawn: below n_drawable and not in masked (ascending).
struct drawable_tokens {
    int32_t n_drawable = 0;
    std::vector<int32_t> masked;
};

// Where rows are drawn: automatic takes the device if it can do all of it.
enum class sampler_choice { automatic, device, host };

// What bias and penalties do to one token's logit.
struct logit_adjustment {
    int32_t token = 0;
    float bias = 0.0F;        // added first; -infinity bans the token
    float repetition = 1.0F;  // then a positive logit is divided by it, a negative one multiplied
    float subtract = 0.0F;    // then this is subtracted (frequency * count + presence)
};

struct row_settings {
    bool draw = true;  // false: nobody asks for this row's token
    std::array<float, max_pairs> lambda{};
    float temperature = 1.0F;   // 0 = the largest logit
    int32_t top_k = 0;          // 0 = off
    float top_p = 1.0F;         // 1 = off
    float min_p = 0.0F;         // 0 = off
    float u = 0.0F;             // the random number, in [0, 1)
    bool keep = false;          // the fused row may be asked for after the decode
    int32_t top_logprobs = -1;  // alternatives to report; -1 = no log-probabilities
    int32_t figures = -1;       // figures of the token with so many alternatives (token_figures); -1 = none
    int32_t given = -1;         // the token, where nothing is to be drawn; -1 = draw
    std::vector<logit_adjustment> adjustments;  // at most one per token
};

}  // namespace rast
