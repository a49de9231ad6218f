// The state of a sequence in a file: tokens, and what each context's cache holds of them.
//
// "RASTSTAT", u32 version, u32 contexts, 32 bytes that tell each context's model and settings apart, u32 tokens, i32
// each; per context u32 positions, u64 bytes and the bytes of llama.cpp's own state; u64 checksum of all before it.
// Little-endian. The checksum finds accidents; against forgeries every length and number is checked.
#pragma once

#include "state_layout.h"

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace rast {

struct sequence_state {
    struct context_state {
        uint32_t held = 0;
        std::vector<uint8_t> bytes;
    };

    std::vector<llama_token> tokens;
    std::vector<context_state> contexts;  // base, then expert and antiexpert of each pair
};

// What a context takes.
struct context_expectation {
    std::string fingerprint;             // 64 hexadecimal digits, of the model and of what else its states depend on
    std::optional<state_layout> layout;  // without one, no state can be checked, and none is taken
    bool window = false;                 // see state_layout::problem
};

struct state_expectations {
    std::vector<context_expectation> contexts;
    uint32_t context_size = 0;
    int32_t n_vocab = 0;
};

// Throws ERR_STATE_FILE. The file appears whole or not at all, also with several writers and after a crash.
void write_state(const std::string & path, const sequence_state & state, const state_expectations & expected);

// Throws ERR_STATE_FILE for what is no such file, is damaged or forged, or belongs to other models. What it returns can
// be given to the contexts. Never waits for a pipe or a device, and takes no more memory than such a state may.
sequence_state read_state(const std::string & path, const state_expectations & expected);

// As above, from `size` bytes of a stream. @param name for messages
sequence_state read_state(std::istream & in, uint64_t size, const std::string & name,
                          const state_expectations & expected);

}  // namespace rast
