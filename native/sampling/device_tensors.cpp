#include "device_tensors.h"

#include <new>

namespace rast {

device_tensors::device_tensors(size_t capacity)
    : ctx_(ggml_init({ggml_tensor_overhead() * (capacity + 1), nullptr, true})) {
    if (!ctx_) {
        throw std::bad_alloc();
    }
}

bool device_tensors::allocate(ggml_backend_buffer_type_t buft) {
    buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(ctx_.get(), buft));
    if (!buffer_) {
        return false;
    }
    ggml_backend_buffer_clear(buffer_.get(), 0);
    return true;
}

size_t device_tensors::bytes() const {
    return buffer_ ? ggml_backend_buffer_get_size(buffer_.get()) : 0;
}

}  // namespace rast
