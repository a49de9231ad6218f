#include "read_config.h"

#include "../error.h"

#include <algorithm>
#include <limits>

namespace rast::napi {

namespace {

void require_at_most(const limit & count, size_t received) {
    if (received > static_cast<size_t>(count.max)) {
        throw rast_error("ERR_INVALID_ARGUMENT",
                         "Expected at most " + std::to_string(static_cast<size_t>(count.max)) + " " + count.name +
                             ", received " + std::to_string(received),
                         {{"argument", count.name}});
    }
}

model_config read_model(const object_reader & model) {
    model_config out;
    out.path = model.text("path");
    out.fingerprint = model.text("fingerprint");
    out.devices = model.texts("devices");
    out.gpu_layers = static_cast<int32_t>(model.integer("gpuLayers", limits::gpu_layers));
    out.split = model.float32s("split");
    if (!out.split.empty() && out.split.size() != out.devices.size()) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected as many numbers in split as there are devices");
    }
    out.cpu_moe_layers = static_cast<int32_t>(model.integer("cpuMoeLayers", 0, 512));
    out.output_in_main_memory = model.flag("outputInMainMemory");
    out.threads = static_cast<int32_t>(model.integer("threads", limits::threads));
    out.snapshots = static_cast<uint32_t>(model.integer("snapshots", limits::max_draft));
    out.weights = static_cast<uint32_t>(model.integer("weights", 0, 1 << 16));
    const auto adapters = model.objects("adapters");
    require_at_most(limits::adapters, adapters.size());
    for (const auto & adapter : adapters) {
        out.adapters.push_back({adapter.text("path"), adapter.text("fingerprint"),
                                static_cast<float>(adapter.number("scale", limits::lora_scale))});
    }
    const std::vector<int32_t> tokens = model.int32s("tokens");
    if (tokens.size() % 3 != 0) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected three numbers for each token");
    }
    for (size_t i = 0; i < tokens.size(); i += 3) {
        out.tokens.push_back({tokens[i], tokens[i + 1], tokens[i + 2] != 0});
    }
    return out;
}

ggml_type read_kv_type(const object_reader & config, const char * key) {
    static const std::vector<std::string> names = {"f32",  "f16",  "bf16", "q8_0",  "q4_0",
                                                   "q4_1", "q5_0", "q5_1", "iq4_nl"};
    static const ggml_type types[] = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_Q8_0,  GGML_TYPE_Q4_0,
                                      GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_IQ4_NL};
    return types[config.choice(key, names)];
}

}  // namespace

engine_config read_engine_config(const object_reader & config) {
    engine_config out;
    out.base = read_model(config.object("base"));
    require_at_most(limits::pairs, config.objects("pairs").size());
    for (const auto & pair : config.objects("pairs")) {
        out.pairs.push_back({read_model(pair.object("expert")), read_model(pair.object("antiexpert"))});
    }
    out.context_size = static_cast<uint32_t>(config.integer("contextSize", limits::context_size));
    out.slots = static_cast<uint32_t>(config.integer("slots", limits::parallel));
    out.batch_size = static_cast<uint32_t>(config.integer("batchSize", limits::batch_size));
    out.max_draft = static_cast<int32_t>(config.integer("maxDraft", limits::max_draft));
    out.cache_size = static_cast<uint32_t>(config.integer("cacheSize", limits::cache_size));
    out.prefill_chunk = static_cast<uint32_t>(config.integer("prefillChunk", limits::prefill_chunk));
    out.max_queue = static_cast<uint32_t>(config.integer("maxQueue", limits::max_queue));
    out.reuse_prefixes = config.flag("reusePrefixes");
    out.rows = static_cast<uint32_t>(config.integer("rows", limits::batch_size));
    out.kv_type_k = read_kv_type(config, "kvTypeK");
    out.kv_type_v = read_kv_type(config, "kvTypeV");
    static const llama_flash_attn_type attention[] = {LLAMA_FLASH_ATTN_TYPE_AUTO, LLAMA_FLASH_ATTN_TYPE_ENABLED,
                                                      LLAMA_FLASH_ATTN_TYPE_DISABLED};
    out.flash_attention = attention[config.choice("flashAttention", {"auto", "on", "off"})];
    out.adapt_threads = config.flag("adaptThreads");
    out.mmap = config.flag("mmap");
    out.mlock = config.flag("mlock");
    static const sampler_choice samplers[] = {sampler_choice::automatic, sampler_choice::device, sampler_choice::host};
    out.sampler = samplers[config.choice("sampler", {"auto", "device", "host"})];
    out.learned = config.float64s("learned");
    return out;
}

reasoning_request read_reasoning(const object_reader & in, const tokenizer & with) {
    const auto marks = [&](const std::vector<std::string> & texts) {
        std::vector<text_mark> out;
        for (const std::string & text : texts) {
            if (text.empty()) {
                throw rast_error("ERR_INVALID_ARGUMENT", "Expected marks that are not empty");
            }
            out.push_back(with.mark(text));
        }
        require_at_most(limits::stop_strings, out.size());
        return out;
    };
    reasoning_request out;
    out.marks = {in.flag("open"), marks(in.texts("opens")), marks(in.texts("closes")), marks(in.texts("drops")),
                 in.flag("reopens")};
    const auto most = static_cast<int64_t>(limits::max_thinking_tokens.max);
    out.max_tokens = static_cast<int32_t>(std::min<int64_t>(in.integer("maxTokens", -1, most), 1 << 30));
    out.opening = in.int32s("opening");
    out.ending = in.int32s("ending");
    out.separator = in.int32s("separator");
    for (const auto * tokens : {&out.opening, &out.ending, &out.separator}) {
        with.check(*tokens);
    }
    return out;
}

request read_request(const object_reader & in) {
    request out;
    out.prompt = in.int32s("prompt");
    static const request_mode modes[] = {request_mode::rast, request_mode::base, request_mode::expert};
    out.mode = modes[in.choice("mode", {"rast", "base", "expert"})];
    const auto most = static_cast<int64_t>(limits::max_tokens.max);
    out.max_tokens = static_cast<int32_t>(std::min<int64_t>(in.integer("maxTokens", -1, most), 1 << 30));
    out.stop_strings = in.texts("stopStrings");
    require_at_most(limits::stop_strings, out.stop_strings.size());
    out.stop_tokens = in.int32s("stopTokens");
    out.ignore_eos = in.flag("ignoreEos");
    out.show_special = in.flag("showSpecial");
    out.shown_tokens = in.int32s("shownTokens");
    require_at_most(limits::stop_strings, out.shown_tokens.size());
    out.logprobs = static_cast<int32_t>(in.integer("logprobs", -1, static_cast<int64_t>(limits::logprobs.max)));
    out.figures = static_cast<int32_t>(in.integer("figures", -1, static_cast<int64_t>(limits::logprobs.max)));
    out.given = in.int32s("given");
    out.draft = static_cast<int32_t>(in.integer("draft", draft_auto, static_cast<int64_t>(limits::max_draft.max)));
    out.max_draft = static_cast<int32_t>(in.integer("maxDraft", limits::max_draft));
    static const repeat_drafts repeats[] = {repeat_drafts::never, repeat_drafts::automatic, repeat_drafts::always};
    out.repeats = repeats[in.choice("ngram", {"never", "auto", "always"})];

    const object_reader sampling = in.object("sampling");
    sampling_params & s = out.sampling;
    const auto lambdas = sampling.numbers("lambdas", limits::lambda);
    for (size_t k = 0; k < std::min<size_t>(lambdas.size(), max_pairs); ++k) {
        s.lambda[k] = lambdas[k];
    }
    s.temperature = static_cast<float>(sampling.number("temperature", limits::temperature));
    s.top_k = static_cast<int32_t>(sampling.integer("topK", limits::top_k));
    s.top_p = static_cast<float>(std::max(sampling.number("topP", limits::top_p), 1e-9));
    s.min_p = static_cast<float>(sampling.number("minP", limits::min_p));
    s.repetition_penalty =
        static_cast<float>(std::max(sampling.number("repetitionPenalty", limits::repetition_penalty), 1e-3));
    s.presence_penalty = static_cast<float>(sampling.number("presencePenalty", limits::presence_penalty));
    s.frequency_penalty = static_cast<float>(sampling.number("frequencyPenalty", limits::frequency_penalty));
    s.penalty_window = static_cast<int32_t>(sampling.integer("penaltyWindow", limits::penalty_window));
    const auto tokens = sampling.int32s("biasTokens");
    const auto values = sampling.float32s("biasValues");
    if (tokens.size() != values.size()) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected as many bias values as bias tokens");
    }
    require_at_most(limits::bias_entries, tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
        const bool fits = values[i] >= limits::bias.min && values[i] <= limits::bias.max;
        if (!fits && values[i] != -std::numeric_limits<float>::infinity()) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Expected biases from -100 to 100, or -Infinity");
        }
        // -infinity bans; the bound keeps sums finite
        s.bias.push_back({tokens[i], std::max(values[i], banning_bias)});
    }
    s.seed = sampling.unsigned64("seed");
    s.ordinal = static_cast<uint32_t>(sampling.integer("ordinal", limits::ordinal));
    return out;
}

}  // namespace rast::napi
