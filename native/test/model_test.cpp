// The engine with real models against an independent reference: contexts of their own, without samplers, whose logits
// are read whole; fusion and draw in double.
#include "../engine/philox.h"
#include "../engine/role_context.h"
#include "../llama/libraries.h"
#include "harness.h"
#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rast::test {

namespace {

class plain_context {
  public:
    plain_context(const model_config & config, const engine_config & engine) {
        std::vector<ggml_backend_dev_t> devices;
        for (const auto & name : config.devices) {
            devices.push_back(ggml_backend_dev_by_name(name.c_str()));
        }
        devices.push_back(nullptr);
        llama_model_params mp = llama_model_default_params();
        mp.devices = devices.data();
        mp.n_gpu_layers = config.devices.empty() ? 0 : config.gpu_layers;
        model_.reset(llama_model_load_from_file(config.path.c_str(), mp), llama_model_deleter());
        if (!model_) {
            fail("reference could not load " + config.path);
        }
        llama_context_params cp = llama_context_default_params();
        cp.n_ctx = engine.context_size;
        cp.n_batch = cp.n_ubatch = engine.batch_size;
        cp.n_threads = cp.n_threads_batch = config.threads;
        cp.flash_attn_type = engine.flash_attention;
        cp.type_k = engine.kv_type_k;
        cp.type_v = engine.kv_type_v;
        cp.swa_full = true;
        cp.kv_unified = true;
        const llama::log_capture log;
        ctx_.reset(llama_init_from_model(model_.get(), cp));
        splits = log.graph_splits();
        if (!ctx_) {
            fail("reference could not make a context for " + config.path);
        }
    }

    int32_t n_vocab() const { return llama_vocab_n_tokens(llama_model_get_vocab(model_.get())); }

    const llama_vocab * vocab() const { return llama_model_get_vocab(model_.get()); }

    // Decodes tokens[n_past..) and returns the logits of the last.
    const float * advance(const std::vector<llama_token> & tokens) {
        batch_builder batch(static_cast<uint32_t>(tokens.size() - n_past_) + 1, 1);
        for (size_t i = n_past_; i < tokens.size(); ++i) {
            batch.add(tokens[i], static_cast<llama_pos>(i), 0, i + 1 == tokens.size());
        }
        if (llama_decode(ctx_.get(), batch.view()) != 0) {
            fail("reference decode failed");
        }
        llama_synchronize(ctx_.get());
        n_past_ = tokens.size();
        return llama_get_logits_ith(ctx_.get(), -1);
    }

    int splits = 0;

    void restart() {
        llama_memory_clear(llama_get_memory(ctx_.get()), true);
        n_past_ = 0;
    }

  private:
    shared_model model_;
    std::unique_ptr<llama_context, llama_context_deleter> ctx_;
    size_t n_past_ = 0;
};

bool unused(const llama_vocab * vocab, int32_t token) {
    const auto attributes = llama_vocab_get_attr(vocab, token);
    return (attributes & LLAMA_TOKEN_ATTR_UNUSED) != 0 || attributes == LLAMA_TOKEN_ATTR_UNDEFINED;
}

// The settings that position `history.size()` of a request must have, counted afresh.
row_settings settings_at(const request & wanted, const std::vector<llama_token> & history) {
    const sampling_params & s = wanted.sampling;
    row_settings out;
    out.lambda = s.lambda;
    out.temperature = s.temperature;
    out.top_k = s.top_k;
    out.top_p = s.top_p;
    out.min_p = s.min_p;
    out.u = draw_uniform(s.seed, s.ordinal, static_cast<uint32_t>(history.size()), draw_purpose::token);
    std::map<llama_token, logit_adjustment> adjustments;
    for (const auto & bias : s.bias) {
        adjustments[bias.token] = {bias.token, bias.bias, 1.0F, 0.0F};
    }
    const bool penalties = s.repetition_penalty != 1.0F || s.presence_penalty != 0.0F || s.frequency_penalty != 0.0F;
    if (penalties && s.penalty_window != 0) {
        std::map<llama_token, int> counts;
        const size_t window = s.penalty_window < 0 ? history.size() : static_cast<size_t>(s.penalty_window);
        for (size_t i = history.size() > window ? history.size() - window : 0; i < history.size(); ++i) {
            counts[history[i]] += 1;
        }
        for (const auto & [token, n] : counts) {
            logit_adjustment & a = adjustments.try_emplace(token, logit_adjustment{token, 0, 1, 0}).first->second;
            a.repetition = s.repetition_penalty;
            a.subtract = static_cast<float>(n) * s.frequency_penalty + s.presence_penalty;
        }
    }
    for (const auto & [token, a] : adjustments) {
        out.adjustments.push_back(a);
    }
    return out;
}

request request_of(const std::vector<llama_token> & prompt, int index, size_t pairs, int max_tokens) {
    request r;
    r.prompt = prompt;
    r.mode = pairs == 0 ? request_mode::base : request_mode::rast;
    r.max_tokens = max_tokens;
    r.ignore_eos = true;
    r.logprobs = index % 2 == 0 ? 20 : 3;
    sampling_params & s = r.sampling;
    s.seed = 1000 + static_cast<uint64_t>(index);
    s.ordinal = static_cast<uint32_t>(index % 3);
    const float lambdas[] = {1.0F, 0.5F, 1.5F, 0.0F, -0.5F};
    for (size_t k = 0; k < pairs; ++k) {
        s.lambda[k] = lambdas[(static_cast<size_t>(index) + k) % 5];
    }
    switch (index % 8) {
        case 0: s.top_p = 0.95F; break;  // the paper's
        case 1: s.temperature = 0.0F; break;
        case 2: break;  // unfiltered
        case 3:
            s.top_k = 5;
            s.temperature = 0.8F;
            break;
        case 4:
            s.min_p = 0.1F;
            s.temperature = 1.4F;
            break;
        case 5:
            s.top_k = 40;
            s.top_p = 0.9F;
            s.min_p = 0.02F;
            break;
        case 6:
            s.repetition_penalty = 1.2F;
            s.frequency_penalty = 0.1F;
            s.presence_penalty = 0.2F;
            s.penalty_window = 16;
            break;
        default:
            s.top_p = 0.8F;
            s.repetition_penalty = 1.1F;
            s.penalty_window = -1;
            s.bias = {{prompt.front(), -1e30F}, {prompt.back(), 2.0F}};
    }
    return r;
}

std::vector<llama_token> prompt_tokens(const arguments & args, const llama_vocab * vocab) {
    const std::string text = args.text("prompt", "Q:6+34+63+39=?\n");
    std::vector<llama_token> tokens(text.size() + 8);
    const int n = llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                                 static_cast<int32_t>(tokens.size()), true, true);
    if (n <= 0) {
        fail("the prompt has no tokens");
    }
    tokens.resize(static_cast<size_t>(n));
    return tokens;
}

}  // namespace

int test_parity(const arguments & args) {
    open_from(args);
    engine_config config = config_from(args);
    const auto requests_wanted = static_cast<int>(args.number("requests", 8));
    const auto max_tokens = static_cast<int>(args.number("tokens", 24));
    // the same kernels run on both sides, so logits differ by rounding of the fusion alone
    const tolerance within{args.real("logit-tolerance", 1e-4), args.real("probability-tolerance", 1e-4)};
    const double logprob_tolerance = args.real("logprob-tolerance", 5e-4);

    std::vector<request> requests;
    std::vector<outcome> outcomes;
    engine_info info;
    {
        driven_engine engine(config);
        info = engine.info();
        const auto prompt = prompt_tokens(args, llama_model_get_vocab(engine.base_model().get()));
        for (int i = 0; i < requests_wanted; ++i) {
            requests.push_back(request_of(prompt, i, config.pairs.size(), max_tokens));
        }
        outcomes = engine.run(requests);
        const auto again = engine.run({requests[0], requests[2]});
        if (again[0].tokens != outcomes[0].tokens || again[1].tokens != outcomes[2].tokens) {
            fail("the same seed gave other tokens");
        }
    }

    std::vector<std::unique_ptr<plain_context>> contexts;
    contexts.push_back(std::make_unique<plain_context>(config.base, config));
    for (const auto & pair : config.pairs) {
        contexts.push_back(std::make_unique<plain_context>(pair.expert, config));
        contexts.push_back(std::make_unique<plain_context>(pair.antiexpert, config));
    }
    const int32_t n_vocab = contexts[0]->n_vocab();
    int32_t common = n_vocab;
    for (const auto & context : contexts) {
        common = std::min(common, context->n_vocab());
    }
    std::vector<int32_t> masked;
    for (int32_t token = 0; token < common; ++token) {
        if (std::any_of(contexts.begin(), contexts.end(), [&](const auto & c) { return unused(c->vocab(), token); })) {
            masked.push_back(token);
        }
    }

    long rows = 0;
    long near_ties = 0;
    long host_rows = 0;
    long sequences_with_ties = 0;
    double worst_logprob = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
        const outcome & got = outcomes[i];
        if (!got.error.empty()) {
            fail("request " + std::to_string(i) + ": " + got.error);
        }
        for (auto & context : contexts) {
            context->restart();
        }
        host_rows += got.result.host_rows;
        bytes += got.result.host_bytes;
        std::vector<llama_token> history = requests[i].prompt;
        bool tie = false;
        for (size_t t = 0; t < got.tokens.size(); ++t) {
            std::vector<const float *> logits;
            for (auto & context : contexts) {
                logits.push_back(context->advance(history));
            }
            const row_settings settings = settings_at(requests[i], history);
            std::vector<std::pair<const float *, const float *>> pairs;
            for (size_t k = 0; k < config.pairs.size(); ++k) {
                pairs.emplace_back(logits[1 + 2 * k], logits[2 + 2 * k]);
            }
            const reference_row expected =
                reference_draw(reference_fuse(logits[0], pairs, settings, n_vocab, common, masked), settings);
            ++rows;
            if (got.tokens[t] != expected.token) {
                ++near_ties;
                tie = true;
                if (!is_near_tie(expected, settings, got.tokens[t], within)) {
                    fail("request " + std::to_string(i) + " token " + std::to_string(t) + ": drew " +
                         std::to_string(got.tokens[t]) + ", expected " + std::to_string(expected.token));
                }
            }
            const row_draw & draw = got.draws.at(t);
            const auto logprob = [&](int32_t token) {
                return expected.logits[static_cast<size_t>(token)] - expected.log_total;
            };
            const auto compare = [&](double value, double want) {
                if (want > -50) {
                    worst_logprob = std::max(worst_logprob, std::fabs(value - want));
                }
            };
            compare(draw.logprob, logprob(draw.token));
            for (int32_t k = 0; k < draw.n_top; ++k) {
                const auto at = static_cast<size_t>(k);
                compare(draw.top_logprobs[at], logprob(expected.order[at]));
                compare(draw.top_logprobs[at], logprob(draw.top_tokens[at]));
            }
            history.push_back(got.tokens[t]);  // so that every position is compared, not only up to a first tie
        }
        sequences_with_ties += tie ? 1 : 0;
        if (got.tokens.empty()) {
            fail("request " + std::to_string(i) + " gave no tokens");
        }
    }
    if (worst_logprob > logprob_tolerance) {
        fail("fused log-probabilities are off by " + std::to_string(worst_logprob));
    }
    if (near_ties * 50 > rows) {
        fail(std::to_string(near_ties) + " near-ties in " + std::to_string(rows) + " rows: more than 2%");
    }
    std::printf("path %s (%s), output on %s, splits %d/%d/%d, without sampler %d\n", info.host_path ? "host" : "device",
                info.sampler_reason.c_str(), info.base.output_device.c_str(), info.base.graph_splits,
                info.pairs.empty() ? 0 : info.pairs[0][0].graph_splits,
                info.pairs.empty() ? 0 : info.pairs[0][1].graph_splits, contexts[0]->splits);
    std::printf("ok rows %ld near-ties %ld in %ld sequences, host-finished %ld, bytes %lld, worst-logprob %.2e\n", rows,
                near_ties, sequences_with_ties, host_rows, static_cast<long long>(bytes), worst_logprob);
    return 0;
}

// lambda 0 equals the base; expert = antiexpert equals the base; mode "expert" equals the expert alone; slots mixed.
int test_modes(const arguments & args) {
    open_from(args);
    const engine_config config = config_from(args);
    const auto max_tokens = static_cast<int>(args.number("tokens", 24));
    const auto tokens_of = [&](const engine_config & c, request_mode mode, float lambda) {
        driven_engine engine(c);
        request r = request_of(prompt_tokens(args, llama_model_get_vocab(engine.base_model().get())), 0, c.pairs.size(),
                               max_tokens);
        r.mode = mode;
        r.sampling.lambda.fill(lambda);
        const auto out = engine.run({r});
        if (!out[0].error.empty()) {
            fail(out[0].error);
        }
        if (out[0].tokens.empty()) {
            fail("no tokens");
        }
        return out[0].tokens;
    };
    engine_config alone = config;
    alone.pairs.clear();
    engine_config expert_alone = alone;
    expert_alone.base = config.pairs.at(0).expert;
    engine_config same = config;
    same.pairs[0].antiexpert = same.pairs[0].expert;

    const auto base = tokens_of(alone, request_mode::base, 0.0F);
    if (tokens_of(config, request_mode::base, 1.0F) != base) {
        fail("mode base differs from the base alone");
    }
    if (tokens_of(config, request_mode::rast, 0.0F) != base) {
        fail("lambda 0 differs from the base alone");
    }
    if (tokens_of(same, request_mode::rast, 1.0F) != base) {
        fail("expert = antiexpert differs from the base alone");
    }
    const auto expert = tokens_of(expert_alone, request_mode::base, 0.0F);
    if (tokens_of(config, request_mode::expert, 1.0F) != expert) {
        fail("mode expert differs from the expert alone");
    }

    // several slots with all modes at once: each as alone, up to near-ties, so compare greedily drawn text
    engine_config many = config;
    many.slots = 4;
    driven_engine engine(many);
    const auto prompt = prompt_tokens(args, llama_model_get_vocab(engine.base_model().get()));
    std::vector<request> requests;
    for (int i = 0; i < 7; ++i) {
        request r = request_of(prompt, 1, config.pairs.size(), max_tokens);
        r.mode = i % 3 == 0 ? request_mode::rast : i % 3 == 1 ? request_mode::base : request_mode::expert;
        r.sampling.lambda.fill(i < 3 ? 1.0F : 0.5F);
        r.max_tokens = max_tokens - i;
        requests.push_back(r);
    }
    const auto together = engine.run(requests);
    int differing = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
        const auto apart = engine.run({requests[i]});
        if (together[i].tokens.size() != static_cast<size_t>(requests[i].max_tokens) || !together[i].error.empty()) {
            fail("request " + std::to_string(i) + " of several ended early: " + together[i].error);
        }
        differing += apart[0].tokens != together[i].tokens ? 1 : 0;
    }
    if (differing > 1) {
        fail(std::to_string(differing) + " of 7 requests differ in company");
    }
    std::printf("ok base %zu tokens, differing in company %d\n", base.size(), differing);
    return 0;
}

}  // namespace rast::test
