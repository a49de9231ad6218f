#include "cpu_threads.h"

#include "../llama/api.h"

namespace rast {

namespace {

template <class F>
F cpu_function(const char * name) {
    ggml_backend_reg_t reg = ggml_backend_reg_by_name("CPU");
    return reg != nullptr ? reinterpret_cast<F>(ggml_backend_reg_get_proc_address(reg, name)) : nullptr;
}

}  // namespace

cpu_threads::cpu_threads(int count) {
    const auto make = cpu_function<decltype(&::ggml_threadpool_new)>("ggml_threadpool_new");
    if (make != nullptr) {
        ggml_threadpool_params params = ggml_threadpool_params_default(count);
        pool_ = make(&params);
    }
}

cpu_threads::~cpu_threads() {
    const auto free_pool = cpu_function<decltype(&::ggml_threadpool_free)>("ggml_threadpool_free");
    if (pool_ != nullptr && free_pool != nullptr) {
        free_pool(pool_);
    }
}

void cpu_threads::attach(llama_context * ctx) const {
    if (pool_ != nullptr) {
        llama_attach_threadpool(ctx, pool_, pool_);
    }
}

}  // namespace rast
