#include "targets.h"

#include "immortal.h"

#include "../error.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace rast::rpc {

namespace {

struct targets {
    std::mutex mutex;
    std::map<std::string, worker_target> by_endpoint;
};

targets & known_targets() {
    static immortal<targets> made;
    return made.value;
}

}  // namespace

std::string endpoint_of(const worker_target & worker) {
    std::string host = worker.address.host;
    std::replace(host.begin(), host.end(), ':', ';');  // of IPv6
    const std::string endpoint = host + ":" + std::to_string(worker.address.port);
    const std::lock_guard lock(known_targets().mutex);
    known_targets().by_endpoint[endpoint] = worker;
    return endpoint;
}

worker_target target_at(const std::string & host, int port) {
    return target_of(host + ":" + std::to_string(port));
}

worker_target target_of(const std::string & endpoint) {
    const std::lock_guard lock(known_targets().mutex);
    const auto at = known_targets().by_endpoint.find(endpoint);
    if (at == known_targets().by_endpoint.end()) {
        throw rast_error("ERR_INTERNAL", "No worker is known as " + endpoint);
    }
    return at->second;
}

}  // namespace rast::rpc
