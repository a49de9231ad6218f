// Numbers, texts and lists of either as JavaScript values, of which all others are made.
#pragma once

#include "../text/text_stream.h"

#include <napi.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace rast::napi {

inline Napi::String text(Napi::Env env, const std::string & value) {
    return Napi::String::New(env, valid_utf8(value));
}

template <class T>
Napi::Value optional_text(Napi::Env env, const T & value) {
    return value ? static_cast<Napi::Value>(text(env, *value)) : env.Null();
}

template <class T>
Napi::Value optional_number(Napi::Env env, const T & value) {
    return value ? static_cast<Napi::Value>(Napi::Number::New(env, static_cast<double>(*value))) : env.Null();
}

inline Napi::Number number(Napi::Env env, double value) {
    return Napi::Number::New(env, value);
}

Napi::Array texts(Napi::Env env, const std::vector<std::string> & values);
Napi::Array byte_counts(Napi::Env env, const std::vector<uint64_t> & values);

template <class Array, class T>
Array typed(Napi::Env env, const std::vector<T> & values) {
    Array out = Array::New(env, values.size());
    if (!values.empty()) {
        std::memcpy(out.Data(), values.data(), values.size() * sizeof(T));
    }
    return out;
}

Napi::Value present_tokens(Napi::Env env, const std::vector<int32_t> & tokens);
// A Uint8Array for each.
Napi::Value present_bytes(Napi::Env env, const std::vector<std::string> & all);
Napi::Value present_doubles(Napi::Env env, const std::vector<double> & values);

}  // namespace rast::napi
