#include "present_traffic.h"

#include "../rpc/traffic.h"
#include "present_values.h"

namespace rast::napi {

Napi::Value present_traffic(Napi::Env env) {
    Napi::Array out = Napi::Array::New(env);
    for (const auto & [worker, counts] : rpc::all_traffic()) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("worker", text(env, worker));
        one.Set("sentBytes", number(env, static_cast<double>(counts.sent_bytes)));
        one.Set("receivedBytes", number(env, static_cast<double>(counts.received_bytes)));
        one.Set("cachedBytes", number(env, static_cast<double>(counts.cached_bytes)));
        one.Set("waits", number(env, static_cast<double>(counts.answers)));
        one.Set("waitMs", number(env, counts.wait_ms));
        one.Set("workerMs", number(env, counts.worker_ms));
        out.Set(out.Length(), one);
    }
    return out;
}

}  // namespace rast::napi
