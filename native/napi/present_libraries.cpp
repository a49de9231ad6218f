#include "present_libraries.h"

#include "present_values.h"

namespace rast::napi {

namespace {

Napi::Value present(Napi::Env env, const llama::driver_answer & answer) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("stage", text(env, answer.stage));
    out.Set("call", text(env, answer.call));
    out.Set("code", number(env, answer.code));
    out.Set("said", text(env, answer.said));
    out.Set("driverVersion", number(env, answer.driver_version));
    out.Set("runtimeVersion", number(env, answer.runtime_version));
    Napi::Array devices = Napi::Array::New(env);
    for (const auto & device : answer.devices) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("name", text(env, device.name));
        one.Set("capability", number(env, device.capability));
        one.Set("isProcessor", Napi::Boolean::New(env, device.is_processor));
        one.Set("hasKernels", Napi::Boolean::New(env, device.has_kernels));
        devices.Set(devices.Length(), one);
    }
    out.Set("devices", devices);
    return out;
}

}  // namespace

Napi::Value present(Napi::Env env, const llama::libraries_info & info) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("ggmlVersion", text(env, info.version));
    out.Set("ggmlCommit", text(env, info.commit));
    out.Set("systemInfo", text(env, info.system_info));
    out.Set("cpu", text(env, info.cpu));
    Napi::Array backends = Napi::Array::New(env);
    for (const auto & backend : info.backends) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("path", text(env, backend.path));
        one.Set("loaded", Napi::Boolean::New(env, backend.loaded));
        one.Set("devices", number(env, backend.devices));
        one.Set("answer", present(env, backend.answer));
        backends.Set(backends.Length(), one);
    }
    out.Set("backends", backends);
    return out;
}

}  // namespace rast::napi
