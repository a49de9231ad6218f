#include "present.h"

#include "../files/quantize.h"
#include "../rpc/traffic.h"
#include "../text/text_stream.h"
#include "limits.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace rast::napi {

namespace {

Napi::String text(Napi::Env env, const std::string & value) {
    return Napi::String::New(env, valid_utf8(value));
}

template <class T>
Napi::Value optional_text(Napi::Env env, const T & value) {
    return value ? static_cast<Napi::Value>(text(env, *value)) : env.Null();
}

template <class T>
Napi::Value optional_number(Napi::Env env, const T & value) {
    return value ? static_cast<Napi::Value>(Napi::Number::New(env, static_cast<double>(*value))) : env.Null();
}

Napi::Number number(Napi::Env env, double value) {
    return Napi::Number::New(env, value);
}

Napi::Array texts(Napi::Env env, const std::vector<std::string> & values) {
    Napi::Array out = Napi::Array::New(env);
    for (const auto & value : values) {
        out.Set(out.Length(), text(env, value));
    }
    return out;
}

Napi::Array byte_counts(Napi::Env env, const std::vector<uint64_t> & values) {
    Napi::Array out = Napi::Array::New(env);
    for (const uint64_t value : values) {
        out.Set(out.Length(), number(env, static_cast<double>(value)));
    }
    return out;
}

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

Napi::Value present_times(Napi::Env env, const role_times & times) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("prefillMs", number(env, times.prefill_ms));
    out.Set("decodeMs", number(env, times.decode_ms));
    out.Set("samplingMs", number(env, times.sampling_ms));
    out.Set("prefillTokens", number(env, static_cast<double>(times.prefill_tokens)));
    out.Set("decodeSteps", number(env, static_cast<double>(times.decode_steps)));
    return out;
}

Napi::Value present_network(Napi::Env env, const network_use & use) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("sentBytes", number(env, static_cast<double>(use.sent_bytes)));
    out.Set("receivedBytes", number(env, static_cast<double>(use.received_bytes)));
    out.Set("waits", number(env, static_cast<double>(use.waits)));
    out.Set("waitMs", number(env, use.wait_ms));
    out.Set("workerMs", number(env, use.worker_ms));
    return out;
}

const char * reason_name(stop_reason reason) {
    switch (reason) {
        case stop_reason::eos: return "eos";
        case stop_reason::stop: return "stop";
        case stop_reason::max_tokens: return "maxTokens";
        case stop_reason::context_full: return "contextFull";
        default: return "abort";
    }
}

Napi::Value present_result(Napi::Env env, const request_result & result) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("stopReason", Napi::String::New(env, reason_name(result.reason)));
    out.Set("stopString", optional_text(env, result.stop_string));
    out.Set("stopToken", optional_number(env, result.stop_token));
    out.Set("promptTokens", number(env, result.prompt_tokens));
    out.Set("cachedTokens", number(env, result.cached_tokens));
    out.Set("restarts", number(env, result.restarts));
    out.Set("refused", number(env, result.refused));
    out.Set("completionTokens", number(env, result.completion_tokens));
    out.Set("reasoningTokens", number(env, result.reasoning_tokens));
    out.Set("queueMs", number(env, result.queue_ms));
    out.Set("prefillMs", number(env, result.prefill_ms));
    out.Set("decodeMs", number(env, result.decode_ms));
    out.Set("firstTokenMs", optional_number(env, result.first_token_ms));
    out.Set("firstRoundTokens", number(env, result.first_round_tokens));
    out.Set("threads", number(env, result.threads));
    Napi::Object roles = Napi::Object::New(env);
    for (const role which : {role::base, role::expert, role::antiexpert}) {
        roles.Set(role_name(which), present_times(env, result.roles[static_cast<size_t>(which)]));
    }
    out.Set("roles", roles);
    Napi::Object drafts = Napi::Object::New(env);
    drafts.Set("rounds", number(env, static_cast<double>(result.drafts.rounds)));
    drafts.Set("drafted", number(env, static_cast<double>(result.drafts.drafted)));
    drafts.Set("accepted", number(env, static_cast<double>(result.drafts.accepted)));
    drafts.Set("ngramDrafted", number(env, static_cast<double>(result.drafts.repeat_drafted)));
    drafts.Set("ngramAccepted", number(env, static_cast<double>(result.drafts.repeat_accepted)));
    drafts.Set("compared", number(env, static_cast<double>(result.drafts.compared)));
    drafts.Set("agreed", number(env, static_cast<double>(result.drafts.agreed)));
    out.Set("drafts", drafts);
    out.Set("hostBytes", number(env, static_cast<double>(result.host_bytes)));
    out.Set("hostRows", number(env, static_cast<double>(result.host_rows)));
    out.Set("hostRowBytes", number(env, static_cast<double>(result.host_row_bytes)));
    out.Set("promptNetwork", present_network(env, result.prompt_network));
    out.Set("network", present_network(env, result.network));
    return out;
}

template <class Array, class T>
Array typed(Napi::Env env, const std::vector<T> & values) {
    Array out = Array::New(env, values.size());
    if (!values.empty()) {
        std::memcpy(out.Data(), values.data(), values.size() * sizeof(T));
    }
    return out;
}

Napi::Value present_draws(Napi::Env env, const std::vector<row_draw> & draws) {
    std::vector<float> drawn;
    std::vector<int32_t> tokens;
    std::vector<float> logprobs;
    size_t width = 0;
    for (const auto & draw : draws) {
        width = std::max(width, static_cast<size_t>(draw.n_top));
    }
    for (const auto & draw : draws) {
        drawn.push_back(draw.logprob);
        for (size_t i = 0; i < width; ++i) {
            const bool there = i < static_cast<size_t>(draw.n_top);
            tokens.push_back(there ? draw.top_tokens[i] : -1);
            logprobs.push_back(there ? draw.top_logprobs[i] : -std::numeric_limits<float>::infinity());
        }
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("drawn", typed<Napi::Float32Array>(env, drawn));
    out.Set("topTokens", typed<Napi::Int32Array>(env, tokens));
    out.Set("topLogprobs", typed<Napi::Float32Array>(env, logprobs));
    return out;
}

// A line of numbers for each token that was drawn, and its alternatives.
Napi::Value present_figures(Napi::Env env, const std::vector<figured_token> & tokens) {
    std::vector<double> values;
    std::vector<int32_t> top_tokens;
    std::vector<double> top_logprobs;
    size_t width = 0;
    for (const figured_token & one : tokens) {
        if (one.figures) {
            width = std::max(
                {width, static_cast<size_t>(one.figures->n_top_base), static_cast<size_t>(one.figures->n_top_rast)});
        }
    }
    const auto add_models = [&](const token_figures::by_model & of) {
        values.insert(values.end(), {of.base, of.expert, of.antiexpert, of.rast});
    };
    const auto add_top = [&](const std::array<likely_token, max_top_logprobs> & list, int32_t n) {
        for (size_t i = 0; i < width; ++i) {
            const likely_token one = i < static_cast<size_t>(n) ? list[i] : likely_token{};
            top_tokens.push_back(one.token);
            top_logprobs.insert(top_logprobs.end(), {one.base, one.rast});
        }
    };
    for (const figured_token & one : tokens) {
        const token_figures none;
        const token_figures & of = one.figures ? *one.figures : none;
        add_models(of.logprob);
        add_models(of.entropy);
        values.insert(values.end(),
                      {static_cast<double>(of.base_rank), static_cast<double>(of.rast_rank), of.divergence,
                       static_cast<double>(one.draft), one.figures ? 1.0 : 0.0, of.pair_divergence,
                       static_cast<double>(of.expert_top_in_base), static_cast<double>(of.expert_top_in_antiexpert)});
        add_top(of.top_base, of.n_top_base);
        add_top(of.top_rast, of.n_top_rast);
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("values", typed<Napi::Float64Array>(env, values));
    out.Set("topTokens", typed<Napi::Int32Array>(env, top_tokens));
    out.Set("topLogprobs", typed<Napi::Float64Array>(env, top_logprobs));
    return out;
}

}  // namespace

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

Napi::Value present(Napi::Env env, const llama::driver_answer & answer) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("stage", text(env, answer.stage));
    out.Set("call", text(env, answer.call));
    out.Set("code", number(env, answer.code));
    out.Set("said", text(env, answer.said));
    out.Set("driverVersion", number(env, answer.driver_version));
    out.Set("runtimeVersion", number(env, answer.runtime_version));
    Napi::Array devices = Napi::Array::New(env);
    for (const auto & device : answer.devices) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("name", text(env, device.name));
        one.Set("capability", number(env, device.capability));
        one.Set("isProcessor", Napi::Boolean::New(env, device.is_processor));
        one.Set("hasKernels", Napi::Boolean::New(env, device.has_kernels));
        devices.Set(devices.Length(), one);
    }
    out.Set("devices", devices);
    return out;
}

Napi::Value present(Napi::Env env, const llama::libraries_info & info) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("ggmlVersion", text(env, info.version));
    out.Set("ggmlCommit", text(env, info.commit));
    out.Set("systemInfo", text(env, info.system_info));
    out.Set("cpu", text(env, info.cpu));
    Napi::Array backends = Napi::Array::New(env);
    for (const auto & backend : info.backends) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("path", text(env, backend.path));
        one.Set("loaded", Napi::Boolean::New(env, backend.loaded));
        one.Set("devices", number(env, backend.devices));
        one.Set("answer", present(env, backend.answer));
        backends.Set(backends.Length(), one);
    }
    out.Set("backends", backends);
    return out;
}

Napi::Value present(Napi::Env env, const model_facts & facts) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("architecture", text(env, facts.architecture));
    out.Set("name", optional_text(env, facts.name));
    out.Set("fileBytes", number(env, static_cast<double>(facts.file_bytes)));
    out.Set("files", texts(env, facts.files));
    out.Set("layers", number(env, facts.layers));
    out.Set("contextLength", number(env, facts.context_length));
    out.Set("embeddingLength", number(env, facts.embedding_length));
    out.Set("headCount", number(env, facts.head_count));
    out.Set("kvHeadCount", number(env, facts.kv_head_count));
    Napi::Object kv = Napi::Object::New(env);
    kv.Set("k", number(env, static_cast<double>(facts.k_elements_per_token)));
    kv.Set("v", number(env, static_cast<double>(facts.v_elements_per_token)));
    out.Set("kvElementsPerToken", kv);
    out.Set("stateBytes", number(env, static_cast<double>(facts.state_bytes)));
    out.Set("vocabularySize", number(env, facts.vocabulary_size));
    out.Set("tokenizerModel", optional_text(env, facts.tokenizer_model));
    out.Set("chatTemplate", optional_text(env, facts.chat_template));
    out.Set("layerBytes", byte_counts(env, facts.layer_bytes));
    out.Set("expertBytes", byte_counts(env, facts.expert_bytes));
    out.Set("outputBytes", number(env, static_cast<double>(facts.output_bytes)));
    out.Set("tiedOutput", Napi::Boolean::New(env, facts.tied_output));
    out.Set("embeddingBytes", number(env, static_cast<double>(facts.embedding_bytes)));
    out.Set("parameterCount", number(env, static_cast<double>(facts.parameter_count)));
    const std::string_view kind = facts.file_type ? quantization_name(*facts.file_type) : std::string_view();
    out.Set("quantization", kind.empty() ? env.Null() : static_cast<Napi::Value>(text(env, std::string(kind))));
    out.Set("fingerprint", text(env, facts.fingerprint));
    out.Set("finetune", optional_text(env, facts.finetune));
    Napi::Array parents = Napi::Array::New(env);
    for (const auto & parent : facts.base_models) {
        parents.Set(parents.Length(), text(env, parent));
    }
    out.Set("baseModels", parents);
    out.Set("feedForwardLength", number(env, facts.feed_forward_length));
    out.Set("mostHeads", number(env, facts.most_heads));
    out.Set("headWidth", number(env, facts.head_width));
    out.Set("experts", number(env, facts.experts));
    out.Set("expertsUsed", number(env, facts.experts_used));
    return out;
}

Napi::Value present(Napi::Env env, const adapter_facts & facts) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("fileBytes", number(env, static_cast<double>(facts.file_bytes)));
    out.Set("tensorBytes", number(env, static_cast<double>(facts.tensor_bytes)));
    out.Set("targets", texts(env, facts.targets));
    out.Set("rank", number(env, facts.rank));
    out.Set("alpha", number(env, facts.alpha));
    out.Set("layerBytes", byte_counts(env, facts.layer_bytes));
    out.Set("outputBytes", number(env, static_cast<double>(facts.output_bytes)));
    out.Set("embeddingBytes", number(env, static_cast<double>(facts.embedding_bytes)));
    out.Set("leftOut", texts(env, facts.left_out));
    out.Set("fingerprint", text(env, facts.fingerprint));
    return out;
}

Napi::Value present(Napi::Env env, const std::vector<model_tensor> & tensors) {
    Napi::Array out = Napi::Array::New(env, tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("name", text(env, tensors[i].name));
        Napi::Array shape = Napi::Array::New(env);
        for (const int64_t n : tensors[i].shape) {
            shape.Set(shape.Length(), number(env, static_cast<double>(n)));
        }
        one.Set("shape", shape);
        one.Set("type", text(env, tensors[i].type));
        out.Set(static_cast<uint32_t>(i), one);
    }
    return out;
}

Napi::Value present(Napi::Env env, const difference & made) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("left", typed<Napi::Float32Array>(env, made.factors.left));
    out.Set("right", typed<Napi::Float32Array>(env, made.factors.right));
    out.Set("values", present_doubles(env, made.factors.values));
    out.Set("differenceEnergy", number(env, made.factors.whole_energy));
    out.Set("keptEnergy", number(env, made.factors.kept_energy));
    out.Set("antiexpertEnergy", number(env, made.antiexpert_energy));
    return out;
}

Napi::Value present(Napi::Env env, const tokenizer_match & match) {
    constexpr const char * kinds[] = {"model",         "preTokenizer", "tokens", "merges",
                                      "specialTokens", "tokenTypes",   "scores"};
    Napi::Array differences = Napi::Array::New(env);
    for (const tokenizer_difference & difference : match.differences) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("kind", Napi::String::New(env, kinds[static_cast<size_t>(difference.of)]));
        one.Set("keepsApart", Napi::Boolean::New(env, difference.keeps_apart()));
        one.Set("what", text(env, difference.what));
        one.Set("count", number(env, static_cast<double>(difference.count)));
        Napi::Array examples = Napi::Array::New(env);
        for (const auto & example : difference.examples) {
            Napi::Object token = Napi::Object::New(env);
            token.Set("token", number(env, example.token));
            token.Set("reference", text(env, example.reference));
            token.Set("other", text(env, example.other));
            examples.Set(examples.Length(), token);
        }
        one.Set("examples", examples);
        differences.Set(differences.Length(), one);
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("differences", differences);
    out.Set("specialTokens", present(env, match.specials));
    return out;
}

Napi::Value present(Napi::Env env, const tensor_comparison & comparison) {
    const auto shape_of = [&](const std::array<int64_t, 4> & shape) {
        Napi::Array out = Napi::Array::New(env);
        for (const int64_t n : shape) {
            out.Set(out.Length(), number(env, static_cast<double>(n)));
        }
        return out;
    };
    Napi::Object out = Napi::Object::New(env);
    out.Set("common", number(env, static_cast<double>(comparison.common)));
    out.Set("onlyFirst", number(env, static_cast<double>(comparison.only_first)));
    out.Set("onlySecond", number(env, static_cast<double>(comparison.only_second)));
    out.Set("shapes", number(env, static_cast<double>(comparison.shapes)));
    out.Set("types", number(env, static_cast<double>(comparison.types)));
    Napi::Array examples = Napi::Array::New(env);
    for (const tensor_difference & difference : comparison.examples) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("name", text(env, difference.name));
        one.Set("shape", shape_of(difference.shape));
        one.Set("otherShape", shape_of(difference.other));
        one.Set("type", text(env, difference.type));
        one.Set("otherType", text(env, difference.other_type));
        examples.Set(examples.Length(), one);
    }
    out.Set("examples", examples);
    return out;
}

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

Napi::Value present(Napi::Env env, const std::vector<special_token_match> & matches) {
    Napi::Array out = Napi::Array::New(env);
    for (const auto & match : matches) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("token", number(env, match.token));
        one.Set("text", text(env, match.text));
        one.Set("own", number(env, match.other));
        one.Set("ownText", text(env, match.other_text));
        one.Set("back", Napi::Boolean::New(env, match.back));
        out.Set(out.Length(), one);
    }
    return out;
}

Napi::Value present(Napi::Env env, const step_event & event) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("request", number(env, event.request));
    out.Set("tokens", present_tokens(env, event.tokens));
    out.Set("text", text(env, event.text));
    if (!event.split.reasoning.empty()) {
        out.Set("reasoning", text(env, event.split.reasoning));
    }
    if (!event.split.answer.empty()) {
        out.Set("answer", text(env, event.split.answer));
    }
    if (!event.draws.empty()) {
        out.Set("logprobs", present_draws(env, event.draws));
    }
    if (!event.figures.empty()) {
        out.Set("figures", present_figures(env, event.figures));
    }
    if (event.result) {
        out.Set("result", present_result(env, *event.result));
    }
    if (!event.learned.empty()) {
        out.Set("learned", present_doubles(env, event.learned));
    }
    if (event.error) {
        Napi::Object error = Napi::Object::New(env);
        error.Set("code", Napi::String::New(env, event.error->code));
        error.Set("message", text(env, event.error->message));
        error.Set("details", Napi::Object::New(env));
        out.Set("error", error);
    }
    return out;
}

Napi::Value present(Napi::Env env, const tokenized & made) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("tokens", present_tokens(env, made.tokens));
    out.Set("whole", made.whole);
    return out;
}

Napi::Value present_tokens(Napi::Env env, const std::vector<int32_t> & tokens) {
    return typed<Napi::Int32Array>(env, tokens);
}

Napi::Value present_bytes(Napi::Env env, const std::vector<std::string> & all) {
    Napi::Array out = Napi::Array::New(env, all.size());
    for (size_t i = 0; i < all.size(); ++i) {
        Napi::Uint8Array bytes = Napi::Uint8Array::New(env, all[i].size());
        std::copy(all[i].begin(), all[i].end(), bytes.Data());
        out.Set(static_cast<uint32_t>(i), bytes);
    }
    return out;
}

Napi::Value present_doubles(Napi::Env env, const std::vector<double> & values) {
    return typed<Napi::Float64Array>(env, values);
}

}  // namespace rast::napi
