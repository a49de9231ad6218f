// A loaded engine as JavaScript values; the shapes of src/native/addon-types.ts.
#pragma once

#include "../engine/engine_info.h"

#include <napi.h>

namespace rast::napi {

Napi::Value present(Napi::Env env, const engine_info & info);

}  // namespace rast::napi
