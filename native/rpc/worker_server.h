// A worker: takes connections of those who may, says hello, and serves each on a thread with a session of its own.
#pragma once

#include "session.h"
#include "tcp.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace rast::rpc {

// Addresses with the same first bits.
struct address_range {
    address_bytes address;
    int bits = 0;

    bool contains(const address_bytes & other) const;
};

struct worker_options {
    tcp_address at;
    session_options offers;
    std::string cache_folder;            // "" = none
    uint64_t main_memory_bytes = 0;      // for clients together; 0 = all there is
    std::vector<address_range> allowed;  // empty = all
    uint32_t most_connections = 8;
};

// Begins to listen; from then on it serves until the process ends.
// @param tell takes what happens, a line of JSON each; any thread
// @returns the port. Throws ERR_INVALID_OPTION, ERR_DEVICE_NOT_FOUND, ERR_FILE_UNWRITABLE.
uint16_t start_worker(const worker_options & options, std::function<void(const std::string &)> tell);

}  // namespace rast::rpc
