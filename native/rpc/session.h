// What a worker does for one client: llama.cpp's RPC server behind requests that are whole and not too long.
#pragma once

#include "tensor_cache.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rast::rpc {

struct session_options {
    std::vector<std::string> devices;  // names of ggml's
    int threads = 1;                   // of the processor, where it is one of the devices
};

// On one thread. Ends the process on what llama.cpp's server does not survive. Its memory is freed with it.
class session {
  public:
    struct outcome {
        bool go_on = false;  // false: the client is not to be trusted with another request
        bool has_answer = false;
        uint64_t from_cache_bytes = 0;
        uint64_t refused_bytes = 0;  // of memory
    };

    session() = default;
    virtual ~session() = default;
    session(const session &) = delete;
    session & operator=(const session &) = delete;

    // The longest request of a command; 0 for a command that there is not.
    virtual uint64_t most_bytes(uint8_t command) const = 0;

    virtual outcome handle(uint8_t command, std::vector<uint8_t> & request, std::vector<uint8_t> & answer) = 0;
};

// @param cache may be nullptr. Throws ERR_DEVICE_NOT_FOUND, ERR_INSUFFICIENT_MEMORY.
std::unique_ptr<session> make_session(const session_options & options, tensor_cache * cache);

}  // namespace rast::rpc
