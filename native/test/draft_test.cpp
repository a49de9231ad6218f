// Drafted against plain, and together against alone: the same tokens, up to proven near-ties.
#include "../engine/draft_length.h"
#include "plain_models.h"

#include <cmath>
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
            if (stats.accepted > stats.drafted || stats.agreed > stats.compared ||
                (requests[i].draft == 0 && stats.drafted != 0) || stats.rounds == 0) {
                fail("statistics do not add up");
            }
            cached += got.result.cached_tokens;
            restarts += got.result.restarts;
            total.rounds += stats.rounds;
            total.drafted += stats.drafted;
            total.accepted += stats.accepted;
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
        "restarts %ld\n",
        sequences, near_ties, static_cast<long long>(total.rounds), static_cast<long long>(total.drafted),
        static_cast<long long>(total.accepted), static_cast<long long>(total.compared),
        static_cast<long long>(total.agreed), cached, restarts);
    return 0;
}

// The choice of a length on costs that are given.
int test_draft_length(const arguments &) {
    const auto near = [](double a, double b) { return std::fabs(a - b) < 1e-9; };
    row_costs costs(8);
    if (costs.any() || costs.at(3) != 0) {
        fail("costs that nobody measured");
    }
    costs.learn(1, 20);
    costs.learn(5, 60);
    costs.learn(9, 1);  // beyond what can be asked
    if (!near(costs.at(3), 40) || !near(costs.at(5), 60) || !near(costs.at(7), 60 + 0.8 * 10 * 2) || costs.at(0) != 0) {
        fail("costs between and beyond measurements");
    }
    costs.learn(1, 30);
    if (!near(costs.at(1), 25)) {
        fail("a second measurement is not worth as much as the first");
    }
    for (int i = 0; i < 20; ++i) {
        costs.learn(1, 30);
    }
    costs.learn(1, 1e9);  // a pause
    if (costs.at(1) > 37) {
        fail("a pause counts as a cost");
    }

    const auto table = [](double slope) {
        row_costs out(17);
        for (size_t n = 1; n <= 17; ++n) {
            out.learn(n, 10 + slope * static_cast<double>(n - 1));
        }
        return out;
    };
    const auto small = [](double ms) {
        row_costs out(17);
        for (size_t n = 1; n <= 17; ++n) {
            out.learn(n, ms);
        }
        return out;
    };
    const round_costs cheap{small(1), small(1), table(0)};
    const round_costs dear{small(1), small(1), table(10)};
    const auto one = [&](const round_costs & c, double agreement, int most = 15) {
        return choose_drafts(c, {{agreement, most}}, 16, 0)[0];
    };
    if (one(cheap, 0.0) != 0 || one(dear, 0.5) != 0 || one(cheap, 1.0) != 15 || one(cheap, 1.0, 3) != 3) {
        fail("lengths at the ends");
    }
    // tokens per millisecond at every length, by the formula
    for (const double a : {0.3, 0.6, 0.8, 0.9}) {
        int best = 0;
        double best_rate = 0;
        for (int g = 0; g <= 15; ++g) {
            const double rate = (1 - std::pow(a, g + 1)) / (1 - a) / (1.0 * (g + 1) + 1 + 10);
            if (rate > best_rate) {
                best_rate = rate;
                best = g;
            }
        }
        if (one(cheap, a) != best) {
            fail("length " + std::to_string(one(cheap, a)) + " at agreement " + std::to_string(a) + ", expected " +
                 std::to_string(best));
        }
    }
    // rows that cost nothing more are used, and no further
    round_costs steps{small(0.5), small(0.5), row_costs(17)};
    for (size_t n = 1; n <= 17; ++n) {
        steps.base.learn(n, 20 + 20 * static_cast<double>((n - 1) / 4));
    }
    if (one(steps, 0.6) != 3) {
        fail("does not follow the steps of the costs: " + std::to_string(one(steps, 0.6)));
    }
    // as CPUs do it that take four rows at once: 16 rows cost less than 15, and the text has 14 tokens left
    round_costs teeth{small(1), small(1), row_costs(17)};
    for (size_t n = 1; n <= 17; ++n) {
        teeth.base.learn(n, 20 + 10 * static_cast<double>(n / 4) + 15 * static_cast<double>(n % 4));
    }
    if (choose_drafts(teeth, {{0.99, 15, 14}}, 15, 0)[0] != 15 ||
        choose_drafts(teeth, {{0.99, 14, 14}}, 15, 0)[0] != 11) {
        fail("rows that cost less than fewer are not taken");
    }
    // alone, what was not measured is not chosen
    round_costs sparse{small(1), small(1), row_costs(17)};
    sparse.base.learn(1, 20);
    sparse.base.learn(4, 30);
    sparse.base.learn(8, 200);
    if (one(sparse, 0.95) != 3 || choose_drafts(sparse, {{0.95, 15}, {0.95, 15}}, 3, 0)[0] == 0) {
        fail("what was not measured is chosen, or nothing else is");
    }
    const auto two = choose_drafts(cheap, {{0.9, 15}, {0.3, 15}}, 6, 1);
    if (two[0] <= two[1] || two[0] + two[1] > 6) {
        fail("rows do not go where they are used");
    }

    draft_probe probe;
    round_costs known{small(1), small(1), row_costs(17)};
    known.base.learn(1, 10);
    if (probe.choose(known, {0.95, 15}, 0) != 3 || probe.choose(known, {0.1, 15}, 0) != 0 ||
        probe.choose(known, {0.95, 2}, 0) != 1) {
        fail("what is tried is not what may pay");
    }
    // with all costs known: what is chosen, but for one round in 32, which goes to lengths that are nearly as good
    draft_probe later;
    std::set<int> tried;
    for (int i = 1; i <= 640; ++i) {
        const int drafts = later.choose(cheap, {0.8, 15}, 5);
        tried.insert(drafts);
        if (drafts != 5 && i % 32 != 0) {
            fail("too much is tried");
        }
    }
    if (!tried.contains(4) || !tried.contains(7) || tried.contains(1) || tried.contains(15)) {
        fail("what is tried is not what is nearly as good");
    }

    agreement seen(0.7, 4, 0.97);
    if (!near(seen.value(), 0.7)) {
        fail("agreement before any evidence");
    }
    for (int i = 0; i < 200; ++i) {
        seen.observe(i % 4 != 0);
    }
    if (std::fabs(seen.value() - 0.75) > 0.05) {
        fail("agreement after evidence");
    }
    agreement next = seen.successor(4, 0.97);
    if (!near(next.value(), seen.value()) || next.evidence() != 0) {
        fail("a request does not start at what others have shown");
    }
    for (int i = 0; i < 12; ++i) {
        next.observe(false);
    }
    if (next.value() > 0.25) {
        fail("a request does not go its own way");
    }
    std::printf("ok draft lengths\n");
    return 0;
}

}  // namespace rast::test
