#include "present_limits.h"

#include "limits.h"
#include "present_values.h"

namespace rast::napi {

Napi::Value present_limits(Napi::Env env) {
    Napi::Object out = Napi::Object::New(env);
    for (const limit & one : limits::all) {
        Napi::Object range = Napi::Object::New(env);
        range.Set("min", number(env, one.min));
        range.Set("max", number(env, one.max));
        range.Set("aboveMin", Napi::Boolean::New(env, one.above_min));
        out.Set(one.name, range);
    }
    return out;
}

}  // namespace rast::napi
