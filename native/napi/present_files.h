// What files hold, and how two of them differ, as JavaScript values; the shapes of src/native/addon-types.ts.
#pragma once

#include "../files/adapter_file.h"
#include "../files/model_facts.h"
#include "../files/tensor_comparison.h"
#include "../files/weight_difference.h"

#include <napi.h>

namespace rast::napi {

Napi::Value present(Napi::Env env, const model_facts & facts);
Napi::Value present(Napi::Env env, const adapter_facts & facts);
Napi::Value present(Napi::Env env, const std::vector<model_tensor> & tensors);
Napi::Value present(Napi::Env env, const difference & made);
Napi::Value present(Napi::Env env, const tensor_comparison & comparison);

}  // namespace rast::napi
