// What a worker puts around llama.cpp's answers: a byte, and before an answer some numbers.
#pragma once

#include <cstdint>

namespace rast::rpc {

enum class frame_kind : uint8_t { at_work = 0, answer = 1 };

// In the byte order of the machine, as llama.cpp's own numbers are.
struct answer_head {
    uint64_t worked_us = 0;         // since the last answer
    uint64_t from_cache_bytes = 0;  // what the request did not have to bring
    uint64_t refused_bytes = 0;     // of memory that it wanted, and that there is not
};

static_assert(sizeof(answer_head) == 24);

}  // namespace rast::rpc
