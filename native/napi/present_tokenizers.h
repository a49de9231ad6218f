// Tokenizers beside each other, and what one makes of a text, as JavaScript values; the shapes of
// src/native/addon-types.ts.
#pragma once

#include "../files/tokenizer_comparison.h"
#include "../text/tokenizer.h"

#include <napi.h>

namespace rast::napi {

Napi::Value present(Napi::Env env, const std::vector<special_token_match> & matches);
Napi::Value present(Napi::Env env, const tokenizer_match & match);
Napi::Value present(Napi::Env env, const tokenized & made);

}  // namespace rast::napi
