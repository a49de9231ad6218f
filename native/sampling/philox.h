// Counter-based random numbers: a draw depends on (seed, ordinal, position) alone, not on company or history.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox4x32-10).
#pragma once

#include <array>
#include <cstdint>

namespace rast {

inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = uint64_t{0xD2511F53U} * counter[0];
        const uint64_t p1 = uint64_t{0xCD9E8D57U} * counter[2];
        counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
                   static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
        key[0] += 0x9E3779B9U;
        key[1] += 0xBB67AE85U;
    }
    return counter;
}

// What a number is drawn for; a new purpose at the same position gets an independent number.
enum class draw_purpose : uint32_t { token = 0, after_refusal = 1 };  // and on: one for each refusal

// In [0, 1), 24 bits, exact in float.
inline float draw_uniform(uint64_t seed, uint32_t ordinal, uint32_t position, draw_purpose purpose) {
    const auto out = philox4x32({position, ordinal, static_cast<uint32_t>(purpose), 0},
                                {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    return static_cast<float>(out[0] >> 8) * 0x1p-24F;
}

}  // namespace rast
