// Workers as devices of llama.cpp.
#pragma once

#include "tcp.h"

#include <string>
#include <vector>

namespace rast::rpc {

struct worker_target {
    tcp_address address;
    // So long without a sign of life, a worker is lost.
    milliseconds silence{15'000};
};

struct remote_device {
    std::string name;    // as llama.cpp knows it: "RPC0"
    std::string worker;  // "host:port"
};

// Asks every worker, connects to it and makes its devices known to llama.cpp; those of a worker that is known already
// stay what they are. Throws ERR_WORKER_UNREACHABLE, ERR_WORKER_REFUSED, ERR_WORKER_VERSION.
void connect_workers(const std::vector<worker_target> & workers);

// In the order of their names.
std::vector<remote_device> remote_devices();

}  // namespace rast::rpc
