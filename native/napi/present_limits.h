// The ranges of limits.h as JavaScript values.
#pragma once

#include <napi.h>

namespace rast::napi {

Napi::Value present_limits(Napi::Env env);

}  // namespace rast::napi
