#include "present_values.h"

#include <algorithm>

namespace rast::napi {

Napi::Array texts(Napi::Env env, const std::vector<std::string> & values) {
    Napi::Array out = Napi::Array::New(env);
    for (const auto & value : values) {
        out.Set(out.Length(), text(env, value));
    }
    return out;
}

Napi::Array byte_counts(Napi::Env env, const std::vector<uint64_t> & values) {
    Napi::Array out = Napi::Array::New(env);
    for (const uint64_t value : values) {
        out.Set(out.Length(), number(env, static_cast<double>(value)));
    }
    return out;
}

Napi::Value present_tokens(Napi::Env env, const std::vector<int32_t> & tokens) {
    return typed<Napi::Int32Array>(env, tokens);
}

Napi::Value present_bytes(Napi::Env env, const std::vector<std::string> & all) {
    Napi::Array out = Napi::Array::New(env, all.size());
    for (size_t i = 0; i < all.size(); ++i) {
        Napi::Uint8Array bytes = Napi::Uint8Array::New(env, all[i].size());
        std::copy(all[i].begin(), all[i].end(), bytes.Data());
        out.Set(static_cast<uint32_t>(i), bytes);
    }
    return out;
}

Napi::Value present_doubles(Napi::Env env, const std::vector<double> & values) {
    return typed<Napi::Float64Array>(env, values);
}

}  // namespace rast::napi
