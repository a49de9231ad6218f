#include "exports.h"

#include "../files/model_probe.h"
#include "../llama/devices.h"
#include "../llama/libraries.h"
#include "../rpc/client.h"
#include "../text/text_stream.h"
#include "arguments.h"
#include "errors.h"
#include "present_libraries.h"
#include "present_limits.h"
#include "promise_worker.h"
#include "rast-llama-version.h"

#include <algorithm>

namespace rast::napi {

namespace {

Napi::Value build_info(const Napi::CallbackInfo & info) {
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("addonVersion", RAST_ADDON_VERSION);
    out.Set("limits", present_limits(info.Env()));
    out.Set("llamaTag", RAST_LLAMA_TAG);
    out.Set("ggmlVersion", RAST_GGML_VERSION);
    out.Set("ggmlCommit", RAST_GGML_COMMIT);
#if defined(__clang__)
    out.Set("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
    out.Set("compiler", "gcc " __VERSION__);
#elif defined(_MSC_VER)
    out.Set("compiler", "msvc " + std::to_string(_MSC_VER));
#else
    out.Set("compiler", "unknown");
#endif
    return out;
}

Napi::Value open_libraries(const Napi::CallbackInfo & info) {
    const object_reader in(info[0], "paths");
    llama::library_paths paths{in.text("ggmlBase"),  in.text("ggml"), in.text("llama"),
                               in.text("cpuFolder"), in.text("cpu"),  {}};
    for (const object_reader & one : in.objects("backends")) {
        llama::backend_candidate candidate{one.text("path"), one.text("kind"), {}};
        for (const object_reader & kernel : one.objects("kernels")) {
            const auto capability = static_cast<int>(kernel.integer("capability", 0, 9999));
            candidate.kernels.push_back({capability, kernel.flag("isPortable"), kernel.flag("isExact")});
        }
        paths.backends.push_back(std::move(candidate));
    }
    paths.patience = std::chrono::milliseconds(in.integer("patienceMs", 1, 3'600'000));
    return promise_worker<llama::libraries_info>::run(
        info.Env(), jobs_of(info), [paths] { return llama::open_libraries(paths); },
        [](Napi::Env env, const llama::libraries_info & result) { return present(env, result); });
}

Napi::Value devices(const Napi::CallbackInfo & info) {
    require_libraries();
    return promise_worker<std::vector<llama::device_facts>>::run(
        info.Env(), jobs_of(info), llama::list_devices,
        [](Napi::Env env, const std::vector<llama::device_facts> & found) -> Napi::Value {
            Napi::Array out = Napi::Array::New(env);
            const std::vector<rpc::remote_device> remote = rpc::remote_devices();
            for (const auto & facts : found) {
                const auto at = std::find_if(remote.begin(), remote.end(),
                                             [&](const auto & device) { return device.name == facts.name; });
                Napi::Object one = Napi::Object::New(env);
                one.Set("name", valid_utf8(facts.name));
                one.Set("worker", at == remote.end() ? env.Null() : Napi::Value(Napi::String::New(env, at->worker)));
                one.Set("description", valid_utf8(facts.description));
                one.Set("type", facts.type);
                one.Set("backend", valid_utf8(facts.backend));
                one.Set("memoryFreeBytes", Napi::Number::New(env, static_cast<double>(facts.free)));
                one.Set("memoryTotalBytes", Napi::Number::New(env, static_cast<double>(facts.total)));
                out.Set(out.Length(), one);
            }
            return out;
        });
}

Napi::Value limit_this_process(const Napi::CallbackInfo & info) {
    const double bytes = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
    if (!(bytes >= 0) || bytes > 9e15) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected a number of bytes");
    }
    limit_process(static_cast<uint64_t>(bytes));
    return info.Env().Undefined();
}

}  // namespace

void add_library_exports(const export_adder & add) {
    add("buildInfo", guarded<build_info>);
    add("openLibraries", guarded<open_libraries>);
    add("devices", guarded<devices>);
    add("limitProcess", guarded<limit_this_process>);
}

}  // namespace rast::napi
