// llama.cpp's RPC backend, compiled from its own source, and its server as a session: what it calls of ggml goes
// through the table of llama/api.h, its sockets are ours (transport.cpp), and so is the loop over a client's requests
// (worker_server.cpp).
#define RAST_API_DEFINITION  // the names come below, behind the headers that declare them
#include "../llama/api.h"

#include "../error.h"
#include "backend.h"
#include "kept_graphs.h"
#include "loss.h"
#include "offered_devices.h"
#include "processor_threads.h"
#include "session.h"
#include "worker_memory.h"

// of llama.cpp, in this order: what declares comes before the names, what calls behind them
#include <ggml-backend-impl.h>
#include <ggml-impl.h>
#include <ggml-rpc.h>
#include <transport.h>
// what its source includes
#include <algorithm>
#include <array>
#include <atomic>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "../llama/api-names.h"
// calls what it declares
#include <ggml-cpp.h>

// llama.cpp's server asks here
#undef ggml_backend_buft_alloc_buffer
#define ggml_backend_buft_alloc_buffer ::rast::rpc::allocate_counted
#undef ggml_backend_buffer_free
#define ggml_backend_buffer_free ::rast::rpc::free_counted
#undef ggml_backend_dev_memory
#define ggml_backend_dev_memory ::rast::rpc::device_memory
// the name of a type as well
#undef ggml_backend_dev_type

#include <ggml-rpc.cpp>

namespace rast::rpc {

namespace {

constexpr size_t tensor_head_bytes = sizeof(rpc_tensor) + sizeof(uint8_t) + sizeof(uint64_t);
constexpr uint64_t longest_graph = 64ULL << 20;
static_assert(RPC_CMD_GRAPH_COMPUTE == graph_command && RPC_CMD_COUNT < keep_graph_command);

// Bytes of a tensor as a client describes it; 0 for what ggml would not stand.
uint64_t bytes_of(const rpc_tensor & described) {
    if (described.type >= GGML_TYPE_COUNT || ggml_blck_size(static_cast<ggml_type>(described.type)) == 0) {
        return 0;
    }
    ggml_tensor tensor{};
    tensor.type = static_cast<ggml_type>(described.type);
    for (int i = 0; i < GGML_MAX_DIMS; ++i) {
        tensor.ne[i] = described.ne[i];
        tensor.nb[i] = described.nb[i];
    }
    return ggml_nbytes(&tensor);
}

class llama_session final : public session {
  public:
    llama_session(const session_options & options, tensor_cache * cache) : cache_(cache) {
        std::vector<ggml_backend_t> backends;
        for (const std::string & name : options.devices) {
            ggml_backend_dev_t device = device_named(name);
            backends_.emplace_back(ggml_backend_dev_init(device, nullptr));
            if (!backends_.back()) {
                throw rast_error("ERR_INSUFFICIENT_MEMORY", "The device " + name + " cannot be used",
                                 {{"device", name}});
            }
            backends.push_back(backends_.back().get());
            if (in_main_memory(device)) {
                threads_.push_back(std::make_unique<processor_threads>(backends.back(), options.threads));
            }
        }
        server_.emplace(std::move(backends), nullptr);
        devices_ = static_cast<uint32_t>(backends_.size());
    }

    uint64_t most_bytes(uint8_t command) const override {
        switch (command) {
            case RPC_CMD_SET_TENSOR: return tensor_head_bytes + largest_buffer_;
            case RPC_CMD_GRAPH_COMPUTE: return longest_graph;
            case keep_graph_command: return sizeof(graph_place) + largest_kept_graph;
            case kept_graph_command: return sizeof(graph_place);
            case RPC_CMD_GET_ALLOC_SIZE: return sizeof(rpc_msg_get_alloc_size_req);
            default: return command < RPC_CMD_COUNT && command != RPC_CMD_NONE ? sizeof(rpc_msg_copy_tensor_req) : 0;
        }
    }

    outcome handle(uint8_t command, std::vector<uint8_t> & request, std::vector<uint8_t> & answer) override {
        rpc_server & server = *server_;
        if (command != RPC_CMD_HELLO && !greeted_) {
            return {};
        }
        switch (command) {
            case RPC_CMD_HELLO: {
                rpc_msg_hello_rsp response = {};
                server.hello(response);
                greeted_ = request.size() == sizeof(rpc_msg_hello_req);
                return greeted_ ? answered(answer, response) : outcome{};
            }
            case RPC_CMD_DEVICE_COUNT:
                return request.empty() ? answered(answer, rpc_msg_device_count_rsp{devices_}) : outcome{};
            case RPC_CMD_ALLOC_BUFFER: {
                outcome done =
                    ask<rpc_msg_alloc_buffer_req, rpc_msg_alloc_buffer_rsp>(request, answer, &rpc_server::alloc_buffer);
                if (done.go_on) {
                    rpc_msg_alloc_buffer_rsp response;
                    std::memcpy(&response, answer.data(), sizeof response);
                    largest_buffer_ = std::max<uint64_t>(largest_buffer_, response.remote_size);
                    rpc_msg_alloc_buffer_req wanted;
                    std::memcpy(&wanted, request.data(), sizeof wanted);
                    done.refused_bytes = response.remote_ptr == 0 ? wanted.size : 0;
                }
                return done;
            }
            case RPC_CMD_GET_ALLOC_SIZE:
                return ask<rpc_msg_get_alloc_size_req, rpc_msg_get_alloc_size_rsp>(request, answer,
                                                                                   &rpc_server::get_alloc_size);
            case RPC_CMD_GET_ALIGNMENT:
                return ask<rpc_msg_get_alignment_req, rpc_msg_get_alignment_rsp>(request, answer,
                                                                                 &rpc_server::get_alignment);
            case RPC_CMD_GET_MAX_SIZE:
                return ask<rpc_msg_get_max_size_req, rpc_msg_get_max_size_rsp>(request, answer,
                                                                               &rpc_server::get_max_size);
            case RPC_CMD_BUFFER_GET_BASE:
                return ask<rpc_msg_buffer_get_base_req, rpc_msg_buffer_get_base_rsp>(request, answer,
                                                                                     &rpc_server::buffer_get_base);
            case RPC_CMD_COPY_TENSOR:
                return ask<rpc_msg_copy_tensor_req, rpc_msg_copy_tensor_rsp>(request, answer, &rpc_server::copy_tensor);
            case RPC_CMD_GET_DEVICE_MEMORY:
                return ask<rpc_msg_get_device_memory_req, rpc_msg_get_device_memory_rsp>(
                    request, answer, &rpc_server::get_device_memory);
            case RPC_CMD_FREE_BUFFER: return tell<rpc_msg_free_buffer_req>(request, &rpc_server::free_buffer);
            case RPC_CMD_BUFFER_CLEAR: return tell<rpc_msg_buffer_clear_req>(request, &rpc_server::buffer_clear);
            case RPC_CMD_MEMSET_TENSOR: return tell<rpc_msg_memset_tensor_req>(request, &rpc_server::memset_tensor);
            case RPC_CMD_INIT_TENSOR: return tell<rpc_msg_init_tensor_req>(request, &rpc_server::init_tensor);
            case RPC_CMD_GRAPH_RECOMPUTE:
                return tell<rpc_msg_graph_recompute_req>(request, &rpc_server::graph_recompute);
            case RPC_CMD_GRAPH_COMPUTE: return {server.graph_compute(request), false};
            case keep_graph_command: return compute(graphs_.keep(request));
            case kept_graph_command: return compute(graphs_.kept(request));
            case RPC_CMD_SET_TENSOR: return set_tensor(request);
            case RPC_CMD_SET_TENSOR_HASH: return set_tensor_by_hash(request, answer);
            case RPC_CMD_GET_TENSOR: {
                rpc_msg_get_tensor_req in;
                return {read(request, in) && server.get_tensor(in, answer), true};
            }
            default: return {};
        }
    }

  private:
    template <class T>
    static bool read(const std::vector<uint8_t> & request, T & out) {
        if (request.size() != sizeof out) {
            return false;
        }
        std::memcpy(&out, request.data(), sizeof out);
        return true;
    }

    template <class T>
    static outcome answered(std::vector<uint8_t> & answer, const T & response) {
        answer.resize(sizeof response);
        std::memcpy(answer.data(), &response, sizeof response);
        return {true, true};
    }

    template <class Request, class Response>
    outcome ask(const std::vector<uint8_t> & request, std::vector<uint8_t> & answer,
                bool (rpc_server::*run)(const Request &, Response &)) {
        Request in;
        Response response = {};
        return read(request, in) && (*server_.*run)(in, response) ? answered(answer, response) : outcome{};
    }

    template <class Request>
    outcome tell(const std::vector<uint8_t> & request, bool (rpc_server::*run)(const Request &)) {
        Request in;
        return {read(request, in) && (*server_.*run)(in), false};
    }

    outcome compute(const std::vector<uint8_t> * graph) {
        return {graph != nullptr && server_->graph_compute(*graph), false};
    }

    // The client wants weights kept that it has asked for by hash before.
    outcome set_tensor(const std::vector<uint8_t> & request) {
        if (request.size() < tensor_head_bytes) {
            return {};
        }
        const bool keep = request[sizeof(rpc_tensor)] != 0;
        if (!server_->set_tensor(request)) {
            return {};
        }
        if (keep && cache_ != nullptr) {
            cache_->write(request.data() + tensor_head_bytes, request.size() - tensor_head_bytes);
        }
        return {true, false};
    }

    outcome set_tensor_by_hash(const std::vector<uint8_t> & request, std::vector<uint8_t> & answer) {
        rpc_msg_set_tensor_hash_req in;
        if (!read(request, in)) {
            return {};
        }
        const uint64_t size = bytes_of(in.tensor);
        const uint8_t no_flag = 0;
        std::vector<uint8_t> whole(tensor_head_bytes);
        std::memcpy(whole.data(), &in.tensor, sizeof in.tensor);
        std::memcpy(whole.data() + sizeof in.tensor, &no_flag, sizeof no_flag);
        std::memcpy(whole.data() + sizeof in.tensor + sizeof no_flag, &in.offset, sizeof in.offset);
        const bool known = cache_ != nullptr && in.offset == 0 && size > 0 && size <= largest_buffer_ &&
                           cache_->read(in.hash, size, whole);
        if (!known) {
            return answered(answer, rpc_msg_set_tensor_hash_rsp{0});
        }
        if (!server_->set_tensor(whole)) {
            return {};
        }
        outcome done = answered(answer, rpc_msg_set_tensor_hash_rsp{1});
        done.from_cache_bytes = size;
        return done;
    }

    tensor_cache * cache_;
    // destroyed in reverse: what clients have, then backends, then their threads
    std::vector<std::unique_ptr<processor_threads>> threads_;
    std::vector<ggml_backend_ptr> backends_;
    std::optional<rpc_server> server_;
    kept_graphs graphs_;
    uint32_t devices_ = 0;
    uint64_t largest_buffer_ = 0;
    bool greeted_ = false;
};

}  // namespace

std::unique_ptr<session> make_session(const session_options & options, tensor_cache * cache) {
    return std::make_unique<llama_session>(options, cache);
}

std::shared_ptr<rpc_dispatcher> first_connection(const std::string & endpoint) {
    struct permission {
        permission() { connection_may_fail() = true; }
        ~permission() { connection_may_fail() = false; }
    } const may_fail;
    return get_dispatcher(endpoint);
}

}  // namespace rast::rpc
