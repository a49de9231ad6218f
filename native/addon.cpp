// The addon: its state per environment, and its exports.
#include "error.h"
#include "llama/libraries.h"
#include "llama/shared_library.h"
#include "napi/arguments.h"
#include "napi/exports.h"

#include <napi.h>

#include <memory>

namespace rast::napi {

addon_state & state_of(Napi::Env env) {
    return *env.GetInstanceData<addon_state>();
}

job_threads & jobs_of(const Napi::CallbackInfo & info) {
    return state_of(info.Env()).jobs;
}

void require_libraries() {
    if (!llama::libraries_open()) {
        throw rast_error("ERR_LIBRARIES", "llama.cpp's libraries are not open; call openLibraries first");
    }
}

std::shared_ptr<engine_binding> engine_argument(const Napi::CallbackInfo & info) {
    const uint32_t handle = id_argument(info, 0, "handle");
    auto & engines = state_of(info.Env()).engines;
    const auto at = engines.find(handle);
    if (at == engines.end()) {
        throw rast_error("ERR_DISPOSED", "There is no engine with this handle: it was disposed of");
    }
    return at->second;
}

}  // namespace rast::napi

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
    using namespace rast::napi;
    // Node.js closes an addon with the last thread that opened it, and llama.cpp's libraries and threads of the system
    // still know its code.
    static const char inside = 0;
    rast::llama::keep_library_of(&inside);
    env.SetInstanceData(std::make_unique<addon_state>(env).release());  // deleted with the environment
    const export_adder add = [&](const char * name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
        exports.Set(name, Napi::Function::New(env, function, name));
    };
    add_library_exports(add);
    add_worker_exports(add);
    add_model_exports(add);
    add_lora_exports(add);
    add_checkpoint_exports(add);
    add_engine_exports(add);
    add_text_exports(add);
    add_constraint_exports(add);
    return exports;
}

NODE_API_MODULE(rast, initialize)
