// The engine with real models against an independent reference, fused and drawn in double.
#include "plain_models.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rast::test {

namespace {

// Settings that a device cannot finish a row with: more tokens are kept than it sorts, which it has adjusted, or more
// are adjusted than it can, which the host then does. What was adjusted twice would be off by more than any tolerance.
void hand_to_host(request & r, int index, int32_t n_vocab) {
    const sampling_params before = r.sampling;
    sampling_params & s = r.sampling = {};
    s.lambda = before.lambda;
    s.seed = before.seed;
    s.temperature = 1.5F;
    s.repetition_penalty = 1.3F;
    s.frequency_penalty = 0.2F;
    s.presence_penalty = 0.4F;
    s.penalty_window = -1;
    if (index % 2 == 0) {
        s.top_k = std::min(n_vocab, 1500);
    }
    for (int32_t i = 0; i < (index % 2 == 0 ? 20 : 300); ++i) {
        s.bias.push_back({(i * 37 + index) % n_vocab, i % 3 == 0 ? -1.5F : 2.5F});
    }
}

}  // namespace

// --handed 1: every row is one that a device hands to the host
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
            if (args.number("handed", 0) != 0) {
                hand_to_host(requests.back(), i, info.n_vocab);
            }
        }
        outcomes = engine.run(requests);
        const auto again = engine.run({requests[0], requests[2]});
        if (again[0].tokens != outcomes[0].tokens || again[1].tokens != outcomes[2].tokens) {
            fail("the same seed gave other tokens");
        }
    }

    plain_models models(config);
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
        models.restart();
        host_rows += got.result.host_rows;
        bytes += got.result.host_bytes;
        std::vector<llama_token> history = requests[i].prompt;
        bool tie = false;
        for (size_t t = 0; t < got.tokens.size(); ++t) {
            const row_settings settings = settings_at(requests[i], history);
            const reference_row expected = models.expected(history, settings);
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
                info.pairs.empty() ? 0 : info.pairs[0][1].graph_splits, models.splits());
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
    many.slots = many.rows = 4;
    driven_engine engine(many);
    const auto prompt = prompt_tokens(args, llama_model_get_vocab(engine.base_model().get()));
    std::vector<request> requests;
    for (int i = 0; i < 7; ++i) {
        request r = request_of(prompt, 1, config.pairs.size(), max_tokens);
        r.mode = i % 3 == 0 ? request_mode::rast : i % 3 == 1 ? request_mode::base : request_mode::expert;
        r.sampling.lambda.fill(i < 3 ? 1.0F : 0.5F);
        r.max_tokens = std::max(1, max_tokens - i);
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

// --from, --to: the same model in F32, in which batches of different shapes differ by rounding alone.
int widen_model(const arguments & args) {
    open_from(args);
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = LLAMA_FTYPE_ALL_F32;
    params.output_tensor_type = params.token_embedding_type = GGML_TYPE_F32;
    params.allow_requantize = true;
    if (llama_model_quantize(args.text("from").c_str(), args.text("to").c_str(), &params) != 0) {
        fail("llama.cpp could not convert " + args.text("from"));
    }
    std::printf("ok widened\n");
    return 0;
}

}  // namespace rast::test
