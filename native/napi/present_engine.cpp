#include "present_engine.h"

#include "present_values.h"

namespace rast::napi {

namespace {

Napi::Value present_context(Napi::Env env, const context_info & info) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("outputDevice", text(env, info.output_device));
    out.Set("gpuLayers", number(env, info.gpu_layers));
    out.Set("layers", number(env, info.layers));
    out.Set("threads", number(env, info.threads));
    out.Set("vocabularySize", number(env, info.n_vocab));
    out.Set("modelBytes", number(env, static_cast<double>(info.model_bytes)));
    out.Set("sharesWeights", Napi::Boolean::New(env, info.shares_weights));
    out.Set("adapterBytes", number(env, static_cast<double>(info.adapter_bytes)));
    out.Set("loadMs", number(env, info.load_ms));
    out.Set("description", text(env, info.description));
    out.Set("canTruncate", Napi::Boolean::New(env, info.can_truncate));
    out.Set("graphSplits", number(env, info.graph_splits));
    Napi::Object memory = Napi::Object::New(env);
    memory.Set("repackedBytes", number(env, static_cast<double>(info.memory.repacked)));
    memory.Set("cacheBytes", number(env, static_cast<double>(info.memory.cache)));
    memory.Set("computeBytes", number(env, static_cast<double>(info.memory.compute)));
    memory.Set("outputBytes", number(env, static_cast<double>(info.memory.output)));
    memory.Set("samplerBytes", number(env, static_cast<double>(info.memory.sampler)));
    out.Set("memory", memory);
    Napi::Array buffers = Napi::Array::New(env);
    for (const logged_buffer & buffer : info.buffers) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("place", text(env, buffer.place));
        one.Set("kind", text(env, buffer.kind));
        one.Set("bytes", number(env, static_cast<double>(buffer.bytes)));
        buffers.Set(buffers.Length(), one);
    }
    out.Set("buffers", buffers);
    return out;
}

}  // namespace

Napi::Value present(Napi::Env env, const engine_info & info) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("base", present_context(env, info.base));
    Napi::Array pairs = Napi::Array::New(env);
    for (const auto & pair : info.pairs) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("expert", present_context(env, pair[0]));
        one.Set("antiexpert", present_context(env, pair[1]));
        pairs.Set(pairs.Length(), one);
    }
    out.Set("pairs", pairs);
    out.Set("samplerPath", Napi::String::New(env, info.host_path ? "host" : "device"));
    out.Set("samplerReason", text(env, info.sampler_reason));
    out.Set("maxDraft", number(env, info.max_draft));
    out.Set("draftReason", text(env, info.draft_reason));
    out.Set("costsRemembered", Napi::Boolean::New(env, info.costs_remembered));
    out.Set("learned", present_doubles(env, info.learned));
    out.Set("contextSize", number(env, info.context_size));
    out.Set("vocabularySize", number(env, info.n_vocab));
    out.Set("drawableTokens", number(env, info.n_drawable));
    out.Set("bosToken", number(env, info.bos));
    out.Set("eosToken", number(env, info.eos));
    out.Set("addBos", Napi::Boolean::New(env, info.add_bos));
    out.Set("chatTemplate", optional_text(env, info.chat_template));
    out.Set("loadMs", number(env, info.load_ms));
    return out;
}

}  // namespace rast::napi
