// llama.cpp's RPC backend, compiled from its own source: what it calls of ggml goes through the table of llama/api.h,
// its sockets are ours (transport.cpp), and so is the loop over a client's requests (worker_server.cpp).
#define RAST_API_DEFINITION  // the names come below, behind the headers that declare them
#include "../llama/api.h"

#include "../error.h"
#include "client.h"
#include "immortal.h"
#include "kept_graphs.h"
#include "loss.h"
#include "session.h"
#include "targets.h"
#include "traffic.h"

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
#include <cstdarg>
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

// ---- what headers of ggml call by its own name

extern "C" void ggml_abort(const char * file, int line, const char * format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!rast::rpc::spoken_to().empty()) {
        rast::rpc::lose_worker(rast::rpc::spoken_to(), text);
    }
    std::fprintf(stderr, "%s:%d: %s\n", file, line, text);
    std::fflush(stderr);
    std::abort();
}

extern "C" void ggml_log_internal(enum ggml_log_level level, const char * format, ...) {
    if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    std::vfprintf(stderr, format, arguments);
    va_end(arguments);
}

// ---- a worker's memory

namespace rast::rpc {

namespace {

std::atomic<uint64_t> main_memory_limit = 0;  // 0 = as ggml has it
std::atomic<uint64_t> main_memory_taken = 0;

constexpr uint64_t kept_free = 256ULL << 20;
constexpr auto wait_for_memory = std::chrono::seconds(2);

auto type_of(ggml_backend_dev_t device) {
    return ggml_backend_dev_type(device);
}

bool in_main_memory(ggml_backend_dev_t device) {
    return type_of(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
}

// The processor's own buffers name no device.
ggml_backend_dev_t device_of(ggml_backend_buffer_type_t type) {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
    return device != nullptr ? device : ggml_backend_dev_by_name("CPU");
}

void device_memory(ggml_backend_dev_t device, size_t * free, size_t * total) {
    ggml_backend_dev_memory(device, free, total);
    const uint64_t limit = main_memory_limit;
    if (limit > 0 && in_main_memory(device)) {
        const uint64_t taken = main_memory_taken;
        *total = static_cast<size_t>(std::min<uint64_t>(*total, limit));
        *free = static_cast<size_t>(limit > taken ? limit - taken : 0);
    }
}

// What there is not, a client is told: an allocation that only seems to succeed would end the process, or others.
// Memory of a client that has just gone is waited for.
ggml_backend_buffer_t allocate_counted(ggml_backend_buffer_type_t type, size_t size) {
    ggml_backend_dev_t device = device_of(type);
    const auto end = tcp_clock::now() + wait_for_memory;
    for (;;) {
        size_t free = 0;
        size_t total = 0;
        device_memory(device, &free, &total);
        if (total == 0 || size + std::min<uint64_t>(kept_free, total / 16) <= free) {
            break;
        }
        if (tcp_clock::now() >= end) {
            return nullptr;
        }
        std::this_thread::sleep_for(milliseconds(50));
    }
    ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(type, size);
    if (buffer != nullptr && in_main_memory(device)) {
        main_memory_taken += ggml_backend_buffer_get_size(buffer);
    }
    return buffer;
}

void free_counted(ggml_backend_buffer_t buffer) {
    if (in_main_memory(device_of(buffer->buft))) {
        main_memory_taken -= ggml_backend_buffer_get_size(buffer);
    }
    ggml_backend_buffer_free(buffer);
}

}  // namespace

}  // namespace rast::rpc

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

template <class F>
F function_of(ggml_backend_dev_t device, const char * name) {
    ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(device);
    return reg != nullptr ? reinterpret_cast<F>(ggml_backend_reg_get_proc_address(reg, name)) : nullptr;
}

ggml_backend_dev_t device_named(const std::string & name) {
    ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
    if (device == nullptr) {
        throw rast_error("ERR_DEVICE_NOT_FOUND", "There is no device " + name + " to offer", {{"device", name}});
    }
    return device;
}

const char * type_name(ggml_backend_dev_t device) {
    switch (type_of(device)) {
        case GGML_BACKEND_DEVICE_TYPE_CPU: return "cpu";
        case GGML_BACKEND_DEVICE_TYPE_GPU: return "gpu";
        case GGML_BACKEND_DEVICE_TYPE_IGPU: return "igpu";
        default: return "accel";
    }
}

// Threads of the processor for one client; they sleep while it does.
class processor_threads {
  public:
    processor_threads(ggml_backend_t backend, int count) : device_(ggml_backend_get_device(backend)) {
        const auto set_count = function_of<ggml_backend_set_n_threads_t>(device_, "ggml_backend_set_n_threads");
        if (set_count != nullptr) {
            set_count(backend, count);
        }
        const auto make = function_of<decltype(&::ggml_threadpool_new)>(device_, "ggml_threadpool_new");
        const auto attach =
            function_of<decltype(&::ggml_backend_cpu_set_threadpool)>(device_, "ggml_backend_cpu_set_threadpool");
        if (make != nullptr && attach != nullptr && count > 1) {
            ggml_threadpool_params params = ggml_threadpool_params_default(count);
            pool_ = make(&params);
            attach(backend, pool_);
        }
    }

    ~processor_threads() {
        const auto free_pool = function_of<decltype(&::ggml_threadpool_free)>(device_, "ggml_threadpool_free");
        if (pool_ != nullptr && free_pool != nullptr) {
            free_pool(pool_);
        }
    }

    processor_threads(const processor_threads &) = delete;
    processor_threads & operator=(const processor_threads &) = delete;

  private:
    ggml_backend_dev_t device_;
    ggml_threadpool_t pool_ = nullptr;
};

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

std::vector<offered_device> offered_devices(const std::vector<std::string> & names) {
    std::vector<offered_device> out;
    for (const std::string & name : names) {
        ggml_backend_dev_t device = device_named(name);
        size_t free = 0;
        size_t total = 0;
        device_memory(device, &free, &total);
        out.push_back(
            {ggml_backend_dev_name(device), ggml_backend_dev_description(device), type_name(device), free, total});
    }
    return out;
}

std::vector<std::string> default_devices() {
    std::vector<std::string> gpus;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        const auto type = type_of(device);
        if (type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU) {
            gpus.emplace_back(ggml_backend_dev_name(device));
        }
    }
    return gpus.empty() ? std::vector<std::string>{"CPU"} : gpus;
}

void limit_main_memory(uint64_t bytes) {
    main_memory_limit = bytes;
}

// ---- a client's devices

namespace {

// Throws what open_connection() does.
std::shared_ptr<rpc_dispatcher> first_connection(const std::string & endpoint) {
    struct permission {
        permission() { connection_may_fail() = true; }
        ~permission() { connection_may_fail() = false; }
    } const may_fail;
    return get_dispatcher(endpoint);
}

struct known_devices {
    std::mutex mutex;
    std::vector<remote_device> all;
    std::unordered_set<ggml_backend_reg_t> registered;
};

known_devices & devices_known() {
    static immortal<known_devices> made;
    return made.value;
}

}  // namespace

void connect_workers(const std::vector<worker_target> & workers) {
    for (const worker_target & worker : workers) {
        const std::string endpoint = endpoint_of(worker);
        const std::shared_ptr<rpc_dispatcher> connected = first_connection(endpoint);
        if (std::getenv("RAST_CHILD") != nullptr) {
            // Of an engine's own process, one connection as long as it lives. Elsewhere it ends with what uses it: the
            // loss of a worker that nobody uses must not end a program.
            static immortal<std::vector<std::shared_ptr<rpc_dispatcher>>> kept;
            kept.value.push_back(connected);
        }
        ggml_backend_reg_t reg = ggml_backend_rpc_add_server(endpoint.c_str());
        spoken_to().clear();
        if (reg == nullptr) {
            throw rast_error("ERR_WORKER_REFUSED", "The worker " + worker.address.text() + " offers no devices",
                             {{"worker", worker.address.text()}});
        }
        known_devices & known = devices_known();
        const std::lock_guard lock(known.mutex);
        if (!known.registered.insert(reg).second) {
            continue;
        }
        ggml_backend_register(reg);
        for (size_t i = 0; i < ggml_backend_reg_dev_count(reg); ++i) {
            ggml_backend_dev_t device = ggml_backend_reg_dev_get(reg, i);
            known.all.push_back({ggml_backend_dev_name(device), worker.address.text()});
        }
    }
}

std::vector<remote_device> remote_devices() {
    known_devices & known = devices_known();
    const std::lock_guard lock(known.mutex);
    return known.all;
}

}  // namespace rast::rpc
