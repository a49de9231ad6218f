// Memory that runs out between two tokens: every allocation of the engine's thread fails in turn, llama.cpp's among
// them.
#include "plain_models.h"
#include "scarce_memory.h"
#include "watched_engine.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace rast::test {

namespace {

constexpr size_t n_requests = 4;
using texts = std::map<uint32_t, std::vector<llama_token>>;  // by request

std::string listed(const std::vector<llama_token> & tokens) {
    std::string out;
    for (const llama_token token : tokens) {
        out += std::to_string(token);
        out += ' ';
    }
    return out;
}

// Callbacks that find memory, or take nothing.
engine_callbacks well_fed(engine_callbacks inner, texts & tokens) {
    engine_callbacks out = inner;
    out.on_loaded = [inner](const engine_info & info) {
        inner.on_loaded(info);
        scarce_memory::on_this_thread(true);
    };
    out.on_steps = [inner, &tokens](std::vector<step_event> && events) {
        scarce_memory::take_and_give_back();  // a callback that has no memory throws, and is called again
        const scarce_memory::plenty here;
        for (const step_event & event : events) {
            auto & all = tokens[event.request];
            all.insert(all.end(), event.tokens.begin(), event.tokens.end());
        }
        inner.on_steps(std::move(events));
    };
    out.on_stopped = [inner] {
        scarce_memory::take_and_give_back();
        scarce_memory::on_this_thread(false);
        inner.on_stopped();
    };
    return out;
}

// Drafted, under a grammar, sampled with penalties and a stop string, one more than there are slots. The first two are
// drawn greedily: their tokens are known.
request hungry_request(size_t index, const std::vector<llama_token> & prompt, const engine_config & config,
                       const shared_model & model) {
    request wanted = request_of(prompt, index < 2 ? 1 : 6, config.pairs.size(), 6);
    std::fill(wanted.sampling.lambda.begin(), wanted.sampling.lambda.end(), index < 2 ? 0.5F : 1.0F);
    wanted.logprobs = 2;
    if (index == 1) {
        vocabulary_texts names;
        wanted.grammar = prepare_constraint(llama_model_get_vocab(model.get()), names, "root ::= [A-Z] [^+]+", false);
    }
    if (index == 2) {
        wanted.stop_strings = {"=", "\n\n"};
    }
    if (index == 3) {
        wanted.mode = request_mode::expert;
    }
    return wanted;
}

}  // namespace

// --every N: one of so many allocations fails; --bursts: how many one after the other.
int test_starved(const arguments & args) {
    open_from(args);
    engine_config config = config_from(args);
    const long every = args.number("every", 1);
    long trials = 0;
    long failed = 0;
    for (const auto & burst : args.list("bursts")) {
        texts tokens;
        watched_engine engine(config, [&](engine_callbacks inner) { return well_fed(std::move(inner), tokens); });
        if (const auto code = engine.load_error()) {
            fail("load: " + *code);
        }
        const shared_model model = engine.get().base_model();
        const auto prompt = prompt_tokens(args, llama_model_get_vocab(model.get()));
        std::array<uint32_t, n_requests> ids{};
        std::array<std::vector<llama_token>, 2> known;
        const auto serve = [&](bool hungry) {
            long errors = 0;
            for (size_t i = 0; i < n_requests; ++i) {
                ids[i] = engine.submit(hungry_request(i, prompt, config, model));
            }
            for (size_t i = 0; i < n_requests; ++i) {
                const auto code = engine.await(ids[i]);
                errors += code ? 1 : 0;
                if (code && (!hungry || *code != "ERR_INSUFFICIENT_MEMORY")) {
                    fail("after " + std::to_string(trials) + " trials request " + std::to_string(i) + " ends with " +
                         *code);
                }
                if (!code && i < known.size() && known[i].empty()) {
                    known[i] = tokens[ids[i]];
                }
                if (!code && i < known.size() && tokens[ids[i]] != known[i]) {
                    fail("request " + std::to_string(i) + " of trial " + std::to_string(trials) +
                         (hungry ? ", without memory" : ", with memory again") + ": " + listed(tokens[ids[i]]) +
                         " instead of " + listed(known[i]));
                }
            }
            return errors;
        };
        serve(false);
        bool all_tried = false;
        for (long n = trials % every; !all_tried; n += every) {
            scarce_memory::fail_after(n, std::strtol(burst.c_str(), nullptr, 10));
            failed += serve(true);
            all_tried = scarce_memory::fail_after(0, 0) > 0;
            ++trials;
            serve(false);
        }
    }
    if (failed == 0) {
        fail("no allocation failed");
    }
    std::printf("ok trials %ld, requests that ended without memory %ld\n", trials, failed);
    return 0;
}

}  // namespace rast::test
