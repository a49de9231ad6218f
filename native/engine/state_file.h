// The state of a sequence in a file: tokens, and what each context's cache holds of them.
//
// "RASTSTAT", u32 version, u32 contexts, u64 fingerprint of each, u32 tokens, i32 each; per context u32 positions,
// u64 bytes and the bytes of llama.cpp's own state; u64 checksum of all before it. Little-endian.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <string>
#include <vector>

namespace rast {

struct sequence_state {
    struct context_state {
        uint64_t fingerprint = 0;
        uint32_t held = 0;
        std::vector<uint8_t> bytes;
    };

    std::vector<llama_token> tokens;
    std::vector<context_state> contexts;  // base, then expert and antiexpert of each pair
};

// Throws ERR_STATE_FILE. The file appears whole or not at all.
void write_state(const std::string & path, const sequence_state & state);

// Throws ERR_STATE_FILE for what is no such file, is damaged, or has other fingerprints.
sequence_state read_state(const std::string & path, const std::vector<uint64_t> & fingerprints);

// Tells models apart by size, beginning and end of their files. `salt` adds what else must be equal.
uint64_t file_fingerprint(const std::string & path, const std::string & salt);

}  // namespace rast
