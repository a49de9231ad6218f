#include "exports.h"

#include "../schema/schema.h"
#include "arguments.h"
#include "errors.h"
#include "promise_worker.h"

namespace rast::napi {

namespace {

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

}  // namespace

void add_constraint_exports(const export_adder & add) {
    add("grammarOfSchema", guarded<grammar_of>);
    add("prepareGrammar", guarded<prepare_grammar>);
    add("dropGrammar", guarded<drop_grammar>);
}

}  // namespace rast::napi
