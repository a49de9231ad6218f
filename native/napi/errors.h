// Native errors as JavaScript errors with `code` and `details`.
#pragma once

#include "../error.h"

#include <napi.h>

#include <exception>
#include <new>

namespace rast::napi {

inline Napi::Error to_js(Napi::Env env, const rast_error & error) {
    Napi::Error out = Napi::Error::New(env, error.what());
    out.Set("code", Napi::String::New(env, error.code()));
    Napi::Object details = Napi::Object::New(env);
    for (const auto & [key, value] : error.details()) {
        if (const auto * text = std::get_if<std::string>(&value)) {
            details.Set(key, Napi::String::New(env, *text));
        } else {
            details.Set(key, Napi::Number::New(env, std::get<double>(value)));
        }
    }
    out.Set("details", details);
    return out;
}

// The exception in flight as a rast_error.
inline rast_error current_error() {
    try {
        throw;
    } catch (const rast_error & error) {
        return error;
    } catch (const std::bad_alloc &) {
        return {"ERR_INSUFFICIENT_MEMORY", "Not enough memory"};
    } catch (const std::exception & error) {
        return {"ERR_INTERNAL", error.what()};
    } catch (...) {
        return {"ERR_INTERNAL", "Unknown native error"};
    }
}

// Wraps an export: native errors become JavaScript errors.
template <Napi::Value (*Function)(const Napi::CallbackInfo &)>
Napi::Value guarded(const Napi::CallbackInfo & info) {
    try {
        return Function(info);
    } catch (const Napi::Error &) {
        throw;
    } catch (...) {
        throw to_js(info.Env(), current_error());
    }
}

}  // namespace rast::napi
