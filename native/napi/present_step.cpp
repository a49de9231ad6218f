#include "present_step.h"

#include "present_values.h"

#include <algorithm>
#include <limits>

namespace rast::napi {

namespace {

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

}  // namespace rast::napi
