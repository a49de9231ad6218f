// What a step brought a request, and its end, as JavaScript values; the shapes of src/native/addon-types.ts.
#pragma once

#include "../engine/request.h"

#include <napi.h>

namespace rast::napi {

Napi::Value present(Napi::Env env, const step_event & event);

}  // namespace rast::napi
