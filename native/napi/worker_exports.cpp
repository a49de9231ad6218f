#include "exports.h"

#include "../error.h"
#include "../rpc/client.h"
#include "../rpc/hello.h"
#include "../rpc/worker_server.h"
#include "../text/text_stream.h"
#include "arguments.h"
#include "errors.h"
#include "present_traffic.h"
#include "promise_worker.h"

#include <cstdio>
#include <mutex>

namespace rast::napi {

namespace {

constexpr int64_t longest_ms = 3'600'000;

rpc::worker_target target_in(const object_reader & in) {
    return {{in.text("host"), static_cast<uint16_t>(in.integer("port", 1, 65'535))},
            rpc::milliseconds(in.integer("silenceMs", 1, longest_ms))};
}

Napi::Value ask_worker(const Napi::CallbackInfo & info) {
    const rpc::worker_target worker = target_in(object_reader(info[0], "worker"));
    return promise_worker<rpc::worker_facts>::run(
        info.Env(), jobs_of(info), [worker] { return rpc::ask_worker(worker.address, worker.silence); },
        [](Napi::Env env, const rpc::worker_facts & facts) -> Napi::Value {
            Napi::Object out = Napi::Object::New(env);
            out.Set("json", valid_utf8(facts.json));
            out.Set("connectMs", facts.connect_ms);
            out.Set("roundTripMs", facts.round_trip_ms);
            return out;
        });
}

Napi::Value connect_workers(const Napi::CallbackInfo & info) {
    require_libraries();
    if (!info[0].IsArray()) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected an array of workers");
    }
    std::vector<rpc::worker_target> workers;
    const auto list = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); ++i) {
        workers.push_back(target_in(object_reader(list.Get(i), "workers")));
    }
    return promise_worker<bool>::run(
        info.Env(), jobs_of(info),
        [workers] {
            rpc::connect_workers(workers);
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

Napi::Value worker_traffic(const Napi::CallbackInfo & info) {
    return present_traffic(info.Env());
}

// Lines of several connections, whole.
void tell_stdout(const std::string & line) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

Napi::Value serve_worker(const Napi::CallbackInfo & info) {
    require_libraries();
    const object_reader in(info[0], "options");
    rpc::worker_options options;
    options.at = {in.text("host"), static_cast<uint16_t>(in.integer("port", 0, 65'535))};
    options.offers = {in.texts("devices"), static_cast<int>(in.integer("threads", limits::threads))};
    options.cache_folder = in.text("cacheFolder");
    options.main_memory_bytes = static_cast<uint64_t>(in.integer("mainMemoryBytes", 0, int64_t{1} << 52));
    options.most_connections = static_cast<uint32_t>(in.integer("maxConnections", 1, 1024));
    for (const object_reader & range : in.objects("allowed")) {
        const std::vector<uint8_t> address = range.bytes("address");
        if (address.size() != 4 && address.size() != 16) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Expected 4 or 16 bytes of address");
        }
        options.allowed.push_back(
            {address, static_cast<int>(range.integer("bits", 0, static_cast<int64_t>(8 * address.size())))});
    }
    return promise_worker<uint16_t>::run(
        info.Env(), jobs_of(info), [options] { return rpc::start_worker(options, tell_stdout); },
        [](Napi::Env env, const uint16_t & port) -> Napi::Value { return Napi::Number::New(env, port); });
}

}  // namespace

void add_worker_exports(const export_adder & add) {
    add("askWorker", guarded<ask_worker>);
    add("connectWorkers", guarded<connect_workers>);
    add("workerTraffic", guarded<worker_traffic>);
    add("serveWorker", guarded<serve_worker>);
}

}  // namespace rast::napi
