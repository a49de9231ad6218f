// llama.cpp's libraries and what drivers answered as JavaScript values; the shapes of src/native/addon-types.ts.
#pragma once

#include "../llama/libraries.h"

#include <napi.h>

namespace rast::napi {

Napi::Value present(Napi::Env env, const llama::libraries_info & info);

}  // namespace rast::napi
