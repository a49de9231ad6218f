#include "worker_memory.h"

// declares what the names of api.h are, so it comes before them
#include <ggml-backend-impl.h>

#include "../llama/api.h"
#include "tcp.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace rast::rpc {

namespace {

std::atomic<uint64_t> main_memory_limit = 0;  // 0 = as ggml has it
std::atomic<uint64_t> main_memory_taken = 0;

constexpr uint64_t kept_free = 256ULL << 20;
constexpr auto wait_for_memory = std::chrono::seconds(2);

// The processor's own buffers name no device.
ggml_backend_dev_t device_of(ggml_backend_buffer_type_t type) {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
    return device != nullptr ? device : ggml_backend_dev_by_name("CPU");
}

}  // namespace

void limit_main_memory(uint64_t bytes) {
    main_memory_limit = bytes;
}

bool in_main_memory(ggml_backend_dev_t device) {
    return ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
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

}  // namespace rast::rpc
