// The addon's exports; their types are src/native/addon-types.ts.
#include "engine/model_facts.h"
#include "engine/model_probe.h"
#include "engine/quantize.h"
#include "engine/text_stream.h"
#include "llama/libraries.h"
#include "napi/arguments.h"
#include "napi/engine_binding.h"
#include "napi/errors.h"
#include "napi/present.h"
#include "napi/promise_worker.h"
#include "rast-llama-version.h"
#include "schema/schema.h"

#include <napi.h>

namespace rast::napi {

namespace {

addon_state & state_of(Napi::Env env) {
    return *env.GetInstanceData<addon_state>();
}

job_threads & jobs_of(const Napi::CallbackInfo & info) {
    return state_of(info.Env()).jobs;
}

void require_libraries() {
    if (!llama::libraries_open()) {
        throw rast_error("ERR_LIBRARIES", "llama.cpp's libraries are not open; call openLibraries first");
    }
}

std::shared_ptr<engine_binding> engine_argument(const Napi::CallbackInfo & info) {
    const uint32_t handle = id_argument(info, 0, "handle");
    auto & engines = state_of(info.Env()).engines;
    const auto at = engines.find(handle);
    if (at == engines.end()) {
        throw rast_error("ERR_DISPOSED", "There is no engine with this handle: it was disposed of");
    }
    return at->second;
}

Napi::Value build_info(const Napi::CallbackInfo & info) {
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("addonVersion", RAST_ADDON_VERSION);
    out.Set("limits", present_limits(info.Env()));
    out.Set("llamaTag", RAST_LLAMA_TAG);
    out.Set("ggmlVersion", RAST_GGML_VERSION);
    out.Set("ggmlCommit", RAST_GGML_COMMIT);
#if defined(__clang__)
    out.Set("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
    out.Set("compiler", "gcc " __VERSION__);
#elif defined(_MSC_VER)
    out.Set("compiler", "msvc " + std::to_string(_MSC_VER));
#else
    out.Set("compiler", "unknown");
#endif
    return out;
}

Napi::Value open_libraries(const Napi::CallbackInfo & info) {
    const object_reader in(info[0], "paths");
    const llama::library_paths paths{in.text("ggmlBase"), in.text("ggml"), in.text("llama"), in.text("cpuFolder"),
                                     in.texts("backends")};
    return promise_worker<llama::libraries_info>::run(
        info.Env(), jobs_of(info), [paths] { return llama::open_libraries(paths); },
        [](Napi::Env env, const llama::libraries_info & result) { return present(env, result); });
}

struct device_facts {
    std::string name;
    std::string description;
    std::string type;
    std::string backend;
    size_t free = 0;
    size_t total = 0;
};

std::vector<device_facts> list_devices() {
    std::vector<device_facts> out;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t device = ggml_backend_dev_get(i);
        device_facts facts;
        facts.name = ggml_backend_dev_name(device);
        facts.description = ggml_backend_dev_description(device);
        switch (ggml_backend_dev_type(device)) {
            case GGML_BACKEND_DEVICE_TYPE_CPU: facts.type = "cpu"; break;
            case GGML_BACKEND_DEVICE_TYPE_GPU: facts.type = "gpu"; break;
            case GGML_BACKEND_DEVICE_TYPE_IGPU: facts.type = "igpu"; break;
            default: facts.type = "accel"; break;
        }
        facts.backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
        ggml_backend_dev_memory(device, &facts.free, &facts.total);
        out.push_back(facts);
    }
    return out;
}

Napi::Value devices(const Napi::CallbackInfo & info) {
    require_libraries();
    return promise_worker<std::vector<device_facts>>::run(
        info.Env(), jobs_of(info), list_devices,
        [](Napi::Env env, const std::vector<device_facts> & found) -> Napi::Value {
            Napi::Array out = Napi::Array::New(env);
            for (const auto & facts : found) {
                Napi::Object one = Napi::Object::New(env);
                one.Set("name", valid_utf8(facts.name));
                one.Set("description", valid_utf8(facts.description));
                one.Set("type", facts.type);
                one.Set("backend", valid_utf8(facts.backend));
                one.Set("memoryFreeBytes", Napi::Number::New(env, static_cast<double>(facts.free)));
                one.Set("memoryTotalBytes", Napi::Number::New(env, static_cast<double>(facts.total)));
                out.Set(out.Length(), one);
            }
            return out;
        });
}

Napi::Value inspect(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    return promise_worker<model_facts>::run(
        info.Env(), jobs_of(info), [path] { return inspect_model(path); },
        [](Napi::Env env, const model_facts & facts) { return present(env, facts); });
}

Napi::Value compare(const Napi::CallbackInfo & info) {
    require_libraries();
    const auto paths = texts_argument(info, 0, "paths");
    return promise_worker<bool>::run(
        info.Env(), jobs_of(info),
        [paths] {
            compare_tokenizers(paths);
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

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

// The UTF-8 of a string, or of a Uint8Array, which is not copied and nobody may change. JavaScript thread, but for
// view().
class text_to_read {
  public:
    explicit text_to_read(const Napi::CallbackInfo & info, size_t index, const char * name) {
        if (info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
            const auto bytes = info[index].As<Napi::Uint8Array>();
            array_ = Napi::Persistent(bytes);
            view_ = {reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength()};
        } else {
            copy_ = text_argument(info, index, name);
            view_ = copy_;
        }
    }

    std::string_view view() const { return view_; }

  private:
    std::string copy_;
    Napi::Reference<Napi::Uint8Array> array_;
    std::string_view view_;
};

Napi::Value tokenize(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const auto with = binding->tokenizer();
    const auto text = std::make_shared<const text_to_read>(info, 1, "text");
    const object_reader in(info[2], "what");
    tokenizing what;
    what.parse_special = in.flag("parseSpecial");
    what.enough = static_cast<size_t>(in.integer("enough", 0, UINT32_MAX));
    what.goes_on = in.flag("goesOn");
    const uint32_t id = id_argument(info, 3, "id");
    const auto stopped = binding->begin_tokenizing(id);
    try {
        return promise_worker<tokenized>::run(
            info.Env(), jobs_of(info),
            [=] { return with->tokens(text->view(), what, [=] { return stopped->load(); }); },
            [](Napi::Env env, const tokenized & made) { return present(env, made); },
            [=] { binding->end_tokenizing(id); }, stopped);
    } catch (...) {
        binding->end_tokenizing(id);
        throw;
    }
}

Napi::Value stop_tokenizing(const Napi::CallbackInfo & info) {
    engine_argument(info)->stop_tokenizing(id_argument(info, 1, "id"));
    return info.Env().Undefined();
}

Napi::Value detokenize(const Napi::CallbackInfo & info) {
    const auto with = engine_argument(info)->tokenizer();
    const auto tokens = int32s_argument(info, 1, "tokens");
    const bool special = flag_argument(info, 2, "showSpecial");
    const bool continuation = flag_argument(info, 3, "continuation");
    with->check(tokens);
    return promise_worker<std::string>::run(
        info.Env(), jobs_of(info), [=] { return valid_utf8(with->bytes(tokens, special, continuation)); },
        [](Napi::Env env, const std::string & text) { return Napi::String::New(env, text); });
}

Napi::Value piece(const Napi::CallbackInfo & info) {
    const auto with = engine_argument(info)->tokenizer();
    const auto token = static_cast<int32_t>(id_argument(info, 1, "token"));
    return Napi::String::New(info.Env(), valid_utf8(with->bytes({token}, true, true)));
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
    wanted.context = static_cast<uint32_t>(in.integer("context", 0, 2 * max_pairs));
    wanted.sequences = static_cast<uint32_t>(in.integer("sequences", limits::parallel));
    wanted.depth = static_cast<uint32_t>(in.integer("depth", limits::measured_depth));
    wanted.tokens = static_cast<uint32_t>(in.integer("tokens", limits::measured_tokens));
    wanted.prompt = in.flag("prompt");
    return promise_worker<std::vector<double>>::run(
        info.Env(), jobs_of(info), [=] { return binding->native().measure_decodes(wanted); },
        [](Napi::Env env, const std::vector<double> & ms) { return present_doubles(env, ms); });
}

Napi::Value grammar_of(const Napi::CallbackInfo & info) {
    const std::string schema = text_argument(info, 0, "schema");
    const bool ignore_unsupported = flag_argument(info, 1, "ignoreUnsupported");
    return promise_worker<std::string>::run(
        info.Env(), jobs_of(info), [=] { return grammar_of_schema(schema, ignore_unsupported); },
        [](Napi::Env env, const std::string & gbnf) { return Napi::String::New(env, gbnf); });
}

Napi::Value prepare_grammar(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const auto with = binding->tokenizer();
    const uint32_t handle = id_argument(info, 0, "handle");
    const uint32_t id = id_argument(info, 1, "grammar");
    const std::string gbnf = text_argument(info, 2, "gbnf");
    const bool special = flag_argument(info, 3, "showSpecial");
    addon_state & state = state_of(info.Env());
    const grammar_jobs::flag cancelled = state.grammars.start(handle, id);
    return promise_worker<std::shared_ptr<const constraint>>::run(
        info.Env(), jobs_of(info),
        [=, texts = binding->texts()] {
            return prepare_constraint(with->vocab(), *texts, gbnf, special, cancelled.get());
        },
        [=, &state](Napi::Env env, const std::shared_ptr<const constraint> & made) {
            state.grammars.finish(handle, id, cancelled, made);
            return env.Undefined();
        },
        {}, cancelled);
}

Napi::Value drop_grammar(const Napi::CallbackInfo & info) {
    state_of(info.Env()).grammars.drop(id_argument(info, 0, "handle"), id_argument(info, 1, "grammar"));
    return info.Env().Undefined();
}

Napi::Value list_quantizations(const Napi::CallbackInfo & info) {
    Napi::Array out = Napi::Array::New(info.Env());
    for (const auto & one : quantizations()) {
        if (one.how == quantizer::none) {
            continue;
        }
        Napi::Object entry = Napi::Object::New(info.Env());
        entry.Set("name", std::string(one.name));
        entry.Set("needsImportanceMatrix", one.how == quantizer::weighted);
        out.Set(out.Length(), entry);
    }
    return out;
}

Napi::Value quantize(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string input = text_argument(info, 0, "input");
    const std::string output = text_argument(info, 1, "output");
    const std::string type = text_argument(info, 2, "type");
    const uint32_t threads = id_argument(info, 3, "threads");
    if (threads < limits::threads.min || threads > limits::threads.max) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected 1 to 512 threads, received " + std::to_string(threads));
    }
    return promise_worker<bool>::run(
        info.Env(), jobs_of(info),
        [=] {
            quantize_model(input, output, type, static_cast<int32_t>(threads));
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

Napi::Value probe(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    return promise_worker<bool>::run(
        info.Env(), jobs_of(info),
        [path] {
            probe_model(path);
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

Napi::Value limit(const Napi::CallbackInfo & info) {
    const double bytes = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
    if (!(bytes >= 0) || bytes > 9e15) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected a number of bytes");
    }
    limit_process(static_cast<uint64_t>(bytes));
    return info.Env().Undefined();
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

Napi::Object init(Napi::Env env, Napi::Object exports) {
    env.SetInstanceData(new addon_state(env));  // deleted with the environment
    const auto add = [&](const char * name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
        exports.Set(name, Napi::Function::New(env, function, name));
    };
    add("buildInfo", guarded<build_info>);
    add("openLibraries", guarded<open_libraries>);
    add("devices", guarded<devices>);
    add("inspectModel", guarded<inspect>);
    add("compareTokenizers", guarded<compare>);
    add("engineCreate", guarded<engine_create>);
    add("engineSubmit", guarded<engine_submit>);
    add("engineCancel", guarded<engine_cancel>);
    add("engineDispose", guarded<engine_dispose>);
    add("engineSaveState", guarded<engine_save_state>);
    add("engineLoadState", guarded<engine_load_state>);
    add("engineMeasure", guarded<engine_measure>);
    add("grammarOfSchema", guarded<grammar_of>);
    add("prepareGrammar", guarded<prepare_grammar>);
    add("dropGrammar", guarded<drop_grammar>);
    add("quantizations", guarded<list_quantizations>);
    add("quantizeModel", guarded<quantize>);
    add("tokenize", guarded<tokenize>);
    add("stopTokenizing", guarded<stop_tokenizing>);
    add("detokenize", guarded<detokenize>);
    add("tokenPiece", guarded<piece>);
    add("probeModel", guarded<probe>);
    add("limitProcess", guarded<limit>);
    add("stopEngines", guarded<stop_engines>);
    add("liveEngines", guarded<live_engines>);
    return exports;
}

}  // namespace

}  // namespace rast::napi

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
    return rast::napi::init(env, exports);
}

NODE_API_MODULE(rast, initialize)
