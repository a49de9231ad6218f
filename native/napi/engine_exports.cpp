#include "exports.h"

#include "arguments.h"
#include "errors.h"
#include "present_values.h"
#include "promise_worker.h"
#include "read_config.h"

namespace rast::napi {

namespace {

Napi::Value engine_create(const Napi::CallbackInfo & info) {
    require_libraries();
    engine_config config = read_engine_config(object_reader(info[0], "config"));
    addon_state & state = state_of(info.Env());
    const uint32_t handle = state.next_handle++;
    const auto binding =
        engine_binding::create(info.Env(), state, handle, std::move(config), function_argument(info, 1, "onProgress"),
                               function_argument(info, 2, "onSteps"));
    state.engines[handle] = binding;
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("handle", Napi::Number::New(info.Env(), handle));
    out.Set("ready", binding->ready());
    return out;
}

Napi::Value engine_submit(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const object_reader in(info[2], "request");
    request wanted = read_request(in);
    const auto grammar = static_cast<uint32_t>(in.integer("grammar", 0, UINT32_MAX));
    if (grammar != 0) {
        wanted.grammar = state_of(info.Env()).grammars.take(id_argument(info, 0, "handle"), grammar);
        if (!wanted.grammar) {
            throw rast_error("ERR_INVALID_ARGUMENT", "There is no grammar of this engine with this number");
        }
    }
    if (in.has("reasoning")) {
        wanted.reasoning = read_reasoning(in.object("reasoning"), *binding->tokenizer());
    }
    binding->submit(id_argument(info, 1, "id"), std::move(wanted));
    return info.Env().Undefined();
}

Napi::Value engine_cancel(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    binding->cancel(id_argument(info, 1, "request"));
    return info.Env().Undefined();
}

Napi::Value engine_dispose(const Napi::CallbackInfo & info) {
    const uint32_t handle = id_argument(info, 0, "handle");
    auto & engines = state_of(info.Env()).engines;
    const auto at = engines.find(handle);
    if (at == engines.end()) {
        const auto done = Napi::Promise::Deferred::New(info.Env());
        done.Resolve(info.Env().Undefined());
        return done.Promise();
    }
    const auto binding = at->second;
    state_of(info.Env()).grammars.drop_all_of(handle);
    return binding->dispose();
}

Napi::Value engine_save_state(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const std::string path = text_argument(info, 1, "path");
    const auto tokens = int32s_argument(info, 2, "tokens");
    return promise_worker<uint32_t>::run(
        info.Env(), jobs_of(info), [=] { return binding->native().save_state(path, tokens); },
        [](Napi::Env env, const uint32_t & count) { return Napi::Number::New(env, count); });
}

Napi::Value engine_load_state(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const std::string path = text_argument(info, 1, "path");
    return promise_worker<std::vector<int32_t>>::run(
        info.Env(), jobs_of(info), [=] { return binding->native().load_state(path); },
        [](Napi::Env env, const std::vector<int32_t> & tokens) { return present_tokens(env, tokens); });
}

Napi::Value engine_measure(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const object_reader in(info[1], "decodes");
    bare_decodes wanted;
    static const role roles[] = {role::base, role::expert, role::antiexpert};
    wanted.model.which = roles[in.choice("role", {"base", "expert", "antiexpert"})];
    wanted.model.pair = static_cast<size_t>(in.integer("pair", 0, max_pairs - 1));
    wanted.sequences = static_cast<uint32_t>(in.integer("sequences", limits::parallel));
    wanted.depth = static_cast<uint32_t>(in.integer("depth", limits::measured_depth));
    wanted.tokens = static_cast<uint32_t>(in.integer("tokens", limits::measured_tokens));
    wanted.prompt = in.flag("prompt");
    return promise_worker<std::vector<double>>::run(
        info.Env(), jobs_of(info), [=] { return binding->native().measure_decodes(wanted); },
        [](Napi::Env env, const std::vector<double> & ms) { return present_doubles(env, ms); });
}

Napi::Value stop_engines(const Napi::CallbackInfo & info) {
    for (const auto & [handle, binding] : state_of(info.Env()).engines) {
        state_of(info.Env()).grammars.drop_all_of(handle);
        binding->stop_and_wait();
    }
    // last, as some wait for an engine
    jobs_of(info).stop();
    return info.Env().Undefined();
}

Napi::Value live_engines(const Napi::CallbackInfo & info) {
    return Napi::Number::New(info.Env(), static_cast<double>(state_of(info.Env()).engines.size()));
}

}  // namespace

void add_engine_exports(const export_adder & add) {
    add("engineCreate", guarded<engine_create>);
    add("engineSubmit", guarded<engine_submit>);
    add("engineCancel", guarded<engine_cancel>);
    add("engineDispose", guarded<engine_dispose>);
    add("engineSaveState", guarded<engine_save_state>);
    add("engineLoadState", guarded<engine_load_state>);
    add("engineMeasure", guarded<engine_measure>);
    add("stopEngines", guarded<stop_engines>);
    add("liveEngines", guarded<live_engines>);
}

}  // namespace rast::napi
