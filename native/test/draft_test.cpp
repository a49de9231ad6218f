// Drafted against plain, and together against alone: the same tokens, up to proven near-ties.
#include "plain_models.h"

#include <cstdio>
#include <set>

namespace rast::test {

namespace {

constexpr double most_noise = 0.5;  // a model with more would explain anything

// Proves that both tokens at the first difference are what a near-tie allows. Logits are close if they are within twice
// the noise that these very models show at this very position.
bool parts_at_near_tie(plain_models & models, const request & wanted, const std::vector<llama_token> & one,
                       const std::vector<llama_token> & other, tolerance within) {
    size_t at = 0;
    while (at < one.size() && at < other.size() && one[at] == other[at]) {
        ++at;
    }
    if (at == one.size() && at == other.size()) {
        return false;
    }
    // a text that ends here drew the end, which is no token of it
    const auto token_at = [&](const std::vector<llama_token> & tokens) {
        return at < tokens.size() ? tokens[at] : llama_vocab_eos(models.vocab());
    };
    std::vector<llama_token> history = wanted.prompt;
    history.insert(history.end(), one.begin(), one.begin() + static_cast<std::ptrdiff_t>(at));
    const row_settings settings = settings_at(wanted, history);
    const double noise = models.noise(history, settings);
    if (noise > most_noise) {
        fail("the models' own noise is " + std::to_string(noise));
    }
    within.logit = std::max(within.logit, 2 * noise);
    // shifting logits by e moves a cumulative probability by at most e / 2T
    within.probability = std::max(within.probability, within.logit / (2 * std::max(settings.temperature, 0.1F)));
    models.restart();
    const reference_row expected = models.expected(history, settings);
    const auto allowed = [&](llama_token token) {
        return token == expected.token || is_near_tie(expected, settings, token, within);
    };
    if (allowed(token_at(one)) && allowed(token_at(other))) {
        return true;
    }
    std::printf(
        "position %zu after %zu: plain drew %d, drafted %d, expected %d, u %.6f, temperature %.2f, noise %.2e\n",
        wanted.prompt.size() + at, at, token_at(one), token_at(other), expected.token, static_cast<double>(settings.u),
        static_cast<double>(settings.temperature), noise);
    double mass = 0;
    for (size_t i = 0; i < std::min<size_t>(8, expected.order.size()); ++i) {
        mass += expected.mass[i];
        std::printf("  %d logit %.5f, mass up to it %.6f\n", expected.order[i],
                    expected.logits[static_cast<size_t>(expected.order[i])], mass);
    }
    return false;
}

}  // namespace

// Prompts of many lengths that share beginnings, some of them equal, and texts of many lengths.
request mixed_request(const std::vector<llama_token> & prompt, int index, size_t pairs, int max_tokens) {
    const int of_prompt = index % 8 < 3 ? index - index % 8 : index;  // the first three of eight are samples of one
    std::vector<llama_token> tokens;
    for (int i = 0; i <= of_prompt % 5; ++i) {
        tokens.insert(tokens.end(), prompt.begin(), prompt.end() - (i + of_prompt / 8) % 3);
    }
    request one = request_of(tokens, index, pairs, 4 + (index * 7) % max_tokens);
    one.sampling.ordinal = static_cast<uint32_t>(index);
    return one;
}

// --requests, --tokens, --lengths 0,1,2: every request at every length of draft, against an engine without drafts that
// runs one after the other. --mixed 1: requests that differ more.
int test_drafts(const arguments & args) {
    open_from(args);
    engine_config plain = config_from(args);
    plain.max_draft = 0;
    plain.slots = plain.rows = 1;
    plain.cache_size = 0;
    plain.reuse_prefixes = false;
    const bool mixed = args.number("mixed", 0) != 0;
    engine_config config = config_from(args);
    const auto max_tokens = static_cast<int>(args.number("tokens", 24));
    const tolerance within{args.real("logit-tolerance", 2e-3), args.real("probability-tolerance", 2e-3)};
    std::vector<request> requests;
    std::vector<outcome> expected;
    {
        driven_engine engine(plain);
        const auto prompt = prompt_tokens(args, llama_model_get_vocab(engine.base_model().get()));
        for (long i = 0; i < args.number("requests", 8); ++i) {
            std::vector<llama_token> start = prompt;
            start.resize(std::max<size_t>(2, prompt.size() - static_cast<size_t>(i) % 5));
            request one = mixed ? mixed_request(prompt, static_cast<int>(i), plain.pairs.size(), max_tokens)
                                : request_of(start, static_cast<int>(i), plain.pairs.size(), max_tokens);
            one.logprobs = i % 4 == 0 ? 2 : -1;
            one.repeats = static_cast<repeat_drafts>(args.number("ngram", 0));
            one.ignore_eos = i % 3 != 0;
            if (const double lambda = args.real("lambda", -100); lambda > -100) {
                one.sampling.lambda.fill(static_cast<float>(lambda));
            }
            requests.push_back(one);
        }
        expected = engine.run(requests);
    }
    driven_engine engine(config);
    if (engine.info().max_draft != config.max_draft) {
        fail("no speculation: " + engine.info().draft_reason);
    }
    plain_models models(plain, true);
    long sequences = 0;
    long near_ties = 0;
    std::set<size_t> requests_with_ties;
    draft_stats total;
    long cached = 0;
    long restarts = 0;
    for (const auto & length : args.list("lengths")) {
        for (auto & one : requests) {
            one.draft = length == "auto" ? draft_auto : std::stoi(length);
        }
        const auto outcomes = engine.run(requests);
        for (size_t i = 0; i < requests.size(); ++i) {
            const outcome & got = outcomes[i];
            const draft_stats & stats = got.result.drafts;
            if (!got.error.empty() || !expected[i].error.empty()) {
                fail("request " + std::to_string(i) + ": " + got.error + expected[i].error);
            }
            ++sequences;
            if (got.tokens != expected[i].tokens) {
                ++near_ties;
                requests_with_ties.insert(i);
                if (!parts_at_near_tie(models, requests[i], expected[i].tokens, got.tokens, within)) {
                    fail("request " + std::to_string(i) + " with drafts of " + length + " differs");
                }
            } else if (got.text != expected[i].text || got.result.reason != expected[i].result.reason ||
                       got.draws.size() != expected[i].draws.size()) {
                fail("request " + std::to_string(i) + " with drafts of " + length + " ends otherwise");
            }
            for (size_t t = 0; t < std::min(got.draws.size(), expected[i].draws.size()); ++t) {
                if (got.tokens[t] == expected[i].tokens[t] && got.draws[t].token != got.tokens[t]) {
                    fail("log-probabilities belong to other tokens");
                }
            }
            if (stats.repeat_drafted > stats.drafted || stats.repeat_accepted > stats.repeat_drafted ||
                stats.repeat_accepted > stats.accepted ||
                (requests[i].repeats == repeat_drafts::never && stats.repeat_drafted > 0)) {
                fail("statistics of repeats do not add up");
            }
            if (stats.accepted > stats.drafted || stats.agreed > stats.compared ||
                (requests[i].draft == 0 && stats.drafted != 0) || stats.rounds == 0) {
                fail("statistics do not add up");
            }
            cached += got.result.cached_tokens;
            restarts += got.result.restarts;
            total.rounds += stats.rounds;
            total.drafted += stats.drafted;
            total.accepted += stats.accepted;
            total.repeat_drafted += stats.repeat_drafted;
            total.repeat_accepted += stats.repeat_accepted;
            total.compared += stats.compared;
            total.agreed += stats.agreed;
        }
    }
    if (requests_with_ties.size() > 1 + requests.size() / 20) {
        fail(std::to_string(requests_with_ties.size()) + " requests with near-ties: more than 5%");
    }
    std::printf(
        "ok sequences %ld, near-ties %ld, rounds %lld, drafted %lld, accepted %lld, compared %lld, agreed %lld, cached "
        "%ld, "
        "restarts %ld, from the text %lld, of them right %lld\n",
        sequences, near_ties, static_cast<long long>(total.rounds), static_cast<long long>(total.drafted),
        static_cast<long long>(total.accepted), static_cast<long long>(total.compared),
        static_cast<long long>(total.agreed), cached, restarts, static_cast<long long>(total.repeat_drafted),
        static_cast<long long>(total.repeat_accepted));
    return 0;
}

}  // namespace rast::test
