// What our client asks of llama.cpp's RPC backend beside what ggml-rpc.h has.
#pragma once

#include <memory>
#include <string>

class rpc_dispatcher;  // llama.cpp's: a connection

namespace rast::rpc {

// Throws what open_connection() does.
std::shared_ptr<rpc_dispatcher> first_connection(const std::string & endpoint);

}  // namespace rast::rpc
