// Native results as JavaScript values; the shapes of src/native/addon-types.ts.
#pragma once

#include "../engine/engine_info.h"
#include "../engine/request.h"
#include "../files/adapter_file.h"
#include "../files/model_facts.h"
#include "../files/tensor_comparison.h"
#include "../files/tokenizer_comparison.h"
#include "../files/weight_difference.h"
#include "../llama/libraries.h"
#include "../text/tokenizer.h"

#include <napi.h>

namespace rast::napi {

Napi::Value present_limits(Napi::Env env);
Napi::Value present(Napi::Env env, const llama::libraries_info & info);
Napi::Value present(Napi::Env env, const model_facts & facts);
Napi::Value present(Napi::Env env, const adapter_facts & facts);
Napi::Value present(Napi::Env env, const std::vector<model_tensor> & tensors);
Napi::Value present(Napi::Env env, const difference & made);
Napi::Value present(Napi::Env env, const std::vector<special_token_match> & matches);
Napi::Value present(Napi::Env env, const tokenizer_match & match);
Napi::Value present(Napi::Env env, const tensor_comparison & comparison);
// f64[positions, 15]: NativeTextFigures says which column is what.
Napi::Value present_traffic(Napi::Env env);  // with every worker
Napi::Value present(Napi::Env env, const engine_info & info);
Napi::Value present(Napi::Env env, const step_event & event);
Napi::Value present(Napi::Env env, const tokenized & made);
Napi::Value present_tokens(Napi::Env env, const std::vector<int32_t> & tokens);
// A Uint8Array for each.
Napi::Value present_bytes(Napi::Env env, const std::vector<std::string> & all);
Napi::Value present_doubles(Napi::Env env, const std::vector<double> & values);

}  // namespace rast::napi
