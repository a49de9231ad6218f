// A worker's memory, of which its clients' buffers are counted.
#pragma once

#include <ggml-backend.h>

#include <cstddef>
#include <cstdint>

namespace rast::rpc {

// What sessions may take of the main memory together. ggml itself counts all there is.
void limit_main_memory(uint64_t bytes);

bool in_main_memory(ggml_backend_dev_t device);

void device_memory(ggml_backend_dev_t device, size_t * free, size_t * total);

// What there is not, a client is told: an allocation that only seems to succeed would end the process, or others.
// Memory of a client that has just gone is waited for.
ggml_backend_buffer_t allocate_counted(ggml_backend_buffer_type_t type, size_t size);
void free_counted(ggml_backend_buffer_t buffer);

}  // namespace rast::rpc
