// Which worker llama.cpp's client means: it knows endpoints as "host:port" with the first colon between them.
#pragma once

#include "client.h"

#include <string>

namespace rast::rpc {

// What to call it there.
std::string endpoint_of(const worker_target & worker);

// What an endpoint's parts mean. Throws ERR_INTERNAL for one that endpoint_of() never made.
worker_target target_at(const std::string & host, int port);
worker_target target_of(const std::string & endpoint);

}  // namespace rast::rpc
