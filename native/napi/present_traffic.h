// What went to workers and came back as JavaScript values; the shapes of src/native/addon-types.ts.
#pragma once

#include <napi.h>

namespace rast::napi {

Napi::Value present_traffic(Napi::Env env);  // with every worker

}  // namespace rast::napi
