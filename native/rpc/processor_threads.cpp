#include "processor_threads.h"

#include "../llama/api.h"

namespace rast::rpc {

namespace {

template <class F>
F function_of(ggml_backend_dev_t device, const char * name) {
    ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(device);
    return reg != nullptr ? reinterpret_cast<F>(ggml_backend_reg_get_proc_address(reg, name)) : nullptr;
}

}  // namespace

processor_threads::processor_threads(ggml_backend_t backend, int count) : device_(ggml_backend_get_device(backend)) {
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

processor_threads::~processor_threads() {
    const auto free_pool = function_of<decltype(&::ggml_threadpool_free)>(device_, "ggml_threadpool_free");
    if (pool_ != nullptr && free_pool != nullptr) {
        free_pool(pool_);
    }
}

}  // namespace rast::rpc
