// Who runs when, counted in steps: requests are submitted from the engine's own callback, so that the step in which
// they come in is known. And the settings of a position, against settings counted afresh.
#include "plain_models.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <functional>
#include <new>

namespace rast::test {

namespace {

// One run of an engine; steps are recorded as they are called back.
class recorded_run {
  public:
    using reaction = std::function<void(recorded_run &, const step_event &)>;

    // @param on_event called on the engine thread for every event; may submit
    recorded_run(const engine_config & config, std::vector<request> first, size_t requests, reaction on_event) {
        engine_callbacks callbacks;
        callbacks.on_progress = [](const model_place &, float) {};
        callbacks.on_loaded = [](const engine_info &) {};
        callbacks.on_load_failed = [](const rast_error & error) { fail(error.what()); };
        callbacks.on_stopped = [] {};
        callbacks.on_steps = [&](std::vector<step_event> events) {
            for (auto & event : events) {
                on_event(*this, event);
                const bool ended = event.result || event.error;
                steps.push_back(std::move(event));
                step_of.push_back(step_);
                if (ended) {
                    const std::lock_guard lock(mutex_);
                    ended_ += 1;
                    changed_.notify_all();
                }
            }
            step_ += 1;
        };
        engine_ = std::make_unique<engine>(config, std::move(callbacks));
        engine_->start();
        while (!engine_->base_model()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        for (auto & one : first) {
            submit(std::move(one));
        }
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::minutes(3), [&] { return ended_ == requests; })) {
            fail("the requests do not end");
        }
        lock.unlock();
        engine_->stop();
        engine_->join();
    }

    // Before the engine's callback runs, or from it.
    void submit(request && wanted) { engine_->submit(++last_id_, std::move(wanted)); }

    // Tokens that a request gave before the step in which `other` gave its first.
    long before_first(uint32_t request, uint32_t other) const {
        long tokens = 0;
        for (size_t i = 0; i < steps.size(); ++i) {
            if (steps[i].request == other && !steps[i].tokens.empty()) {
                return tokens - in_step(request, step_of[i], i);
            }
            tokens += steps[i].request == request ? static_cast<long>(steps[i].tokens.size()) : 0;
        }
        fail("request " + std::to_string(other) + " gave no token");
    }

    const request_result & result(uint32_t request) const {
        for (const auto & event : steps) {
            if (event.request == request && event.result) {
                return *event.result;
            }
        }
        fail("request " + std::to_string(request) + " has no result");
    }

    std::vector<uint32_t> order_of_ends() const {
        std::vector<uint32_t> out;
        for (const auto & event : steps) {
            if (event.result || event.error) {
                out.push_back(event.request);
            }
        }
        return out;
    }

    std::vector<step_event> steps;
    std::vector<size_t> step_of;

  private:
    long in_step(uint32_t request, size_t step, size_t end) const {
        long tokens = 0;
        for (size_t i = 0; i < end; ++i) {
            tokens += steps[i].request == request && step_of[i] == step ? static_cast<long>(steps[i].tokens.size()) : 0;
        }
        return tokens;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    size_t ended_ = 0;
    size_t step_ = 0;
    std::atomic<uint32_t> last_id_ = 0;
    std::unique_ptr<engine> engine_;
};

request plain(const std::vector<llama_token> & prompt, size_t length, int32_t tokens) {
    request out;
    for (size_t i = 0; i < length; ++i) {
        out.prompt.push_back(prompt[i % prompt.size()]);
    }
    out.mode = request_mode::base;
    out.max_tokens = tokens;
    out.ignore_eos = true;
    return out;
}

// Once, when request 1 has given its first token.
recorded_run::reaction when_first_begins(std::function<void(recorded_run &)> work) {
    return [work = std::move(work), done = false](recorded_run & run, const step_event & event) mutable {
        if (!done && event.request == 1 && !event.tokens.empty()) {
            done = true;
            work(run);
        }
    };
}

void expect(long got, long wanted, const char * what) {
    if (got != wanted) {
        fail(std::string(what) + ": " + std::to_string(got) + ", expected " + std::to_string(wanted));
    }
}

}  // namespace

int test_schedule(const arguments & args) {
    open_from(args);
    engine_config config = config_from(args);
    config.pairs.clear();
    config.max_draft = 0;
    config.slots = config.rows = 3;
    config.context_size = 128;
    config.batch_size = 64;
    config.prefill_chunk = 8;
    config.cache_size = 0;
    config.reuse_prefixes = false;
    std::vector<llama_token> prompt;
    {
        driven_engine engine(config);
        prompt = prompt_tokens(args, llama_model_get_vocab(engine.base_model().get()));
    }
    {
        // 60 tokens in chunks of 8 beside one who generates: 52 are left, 44, ... 12, and 4 join the round
        recorded_run run(config, {plain(prompt, 5, 40)}, 2,
                         when_first_begins([&](recorded_run & all) { all.submit(plain(prompt, 60, 4)); }));
        expect(run.before_first(1, 2), 1 + 7, "tokens beside a long prompt in chunks");
        expect(run.result(2).roles[0].prefill_tokens, 60, "prompt tokens decoded");
    }
    {
        // exactly what the budget holds needs no chunk: 8 and the token of the round; one more needs one
        for (const size_t length : {9UL, 10UL}) {
            recorded_run run(config, {plain(prompt, 5, 20)}, 2,
                             when_first_begins([&](recorded_run & all) { all.submit(plain(prompt, length, 2)); }));
            expect(run.before_first(1, 2), length == 9 ? 1 : 2, "tokens beside a prompt at the budget");
        }
    }
    {
        // a short prompt does not wait for a long one that came before it
        recorded_run run(config, {plain(prompt, 5, 40)}, 3, when_first_begins([&](recorded_run & all) {
                             all.submit(plain(prompt, 62, 2));
                             all.submit(plain(prompt, 5, 2));
                         }));
        expect(run.before_first(1, 3), 1, "tokens before a short prompt's first");
        // the short one takes 4 of the first 8: the long one gets the rest, 4, at least half of the budget; then 8 each
        expect(run.before_first(1, 2), 1 + 8, "tokens before a long prompt's first, beside a short one");
    }
    {
        // nobody generates: prompts are decoded in whole batches
        config.context_size = 128;
        recorded_run run(config, {plain(prompt, 100, 1)}, 1, [](recorded_run &, const step_event &) {});
        expect(run.result(1).completion_tokens, 1, "tokens of a long prompt alone");
    }
    {
        // one slot: in the order they came
        engine_config one = config;
        one.slots = one.rows = 1;
        recorded_run run(one, {plain(prompt, 5, 8), plain(prompt, 5, 4), plain(prompt, 5, 2), plain(prompt, 5, 1)}, 4,
                         [](recorded_run &, const step_event &) {});
        if (run.order_of_ends() != std::vector<uint32_t>{1, 2, 3, 4}) {
            fail("requests are not served in the order they came");
        }
    }
    {
        // room for little more than one: who came last is preempted, comes back, and loses nothing
        engine_config small = config;
        small.cache_size = 128;
        recorded_run run(small,
                         {plain(prompt, 40, 50), plain(prompt, 41, 50), plain(prompt, 42, 50), plain(prompt, 20, 40),
                          plain(prompt, 20, 44), plain(prompt, 20, 50)},
                         6, [](recorded_run &, const step_event &) {});
        expect(run.result(1).restarts, 0, "restarts of the one that came first");
        if (run.result(3).restarts < 1) {
            fail("who came last was not preempted");
        }
        if (run.order_of_ends() != std::vector<uint32_t>{1, 2, 3, 4, 5, 6}) {
            fail("who gave way lost its place in the queue");
        }
        for (const uint32_t id : {1U, 2U, 3U}) {
            expect(run.result(id).completion_tokens, 50, "tokens of one that gave way");
        }
    }
    {
        // two with one beginning: the second waits for what the first decodes
        engine_config sharing = config;
        sharing.reuse_prefixes = true;
        recorded_run run(sharing, {plain(prompt, 5, 30)}, 3, when_first_begins([&](recorded_run & all) {
                             all.submit(plain(prompt, 60, 2));
                             all.submit(plain(prompt, 60, 2));
                         }));
        expect(run.result(3).cached_tokens, 59, "tokens that the second need not decode");
        // 5 tokens of the first are the beginning of all: as few are not worth waiting for
        expect(run.result(2).cached_tokens, 5, "tokens that the first has from another");
    }
    {
        // the same prompt again: all but its last token is there
        engine_config sharing = config;
        sharing.reuse_prefixes = true;
        recorded_run run(sharing, {plain(prompt, 20, 3)}, 2, [&](recorded_run & all, const step_event & event) {
            if (event.request == 1 && event.result) {
                all.submit(plain(prompt, 20, 3));
            }
        });
        expect(run.result(2).cached_tokens, 19, "tokens of a prompt that was there whole");
        expect(run.result(2).completion_tokens, 3, "tokens after a prompt that was there whole");
    }
    {
        // limits, from both sides
        recorded_run run(config, {plain(prompt, 128, 9)}, 1, [&](recorded_run & all, const step_event &) {
            for (const size_t length : {0UL, 129UL}) {
                try {
                    all.submit(plain(prompt, length, 1));
                    fail("a prompt of " + std::to_string(length) + " tokens is taken");
                } catch (const rast_error & error) {
                    if (error.code() != (length == 0 ? "ERR_EMPTY_PROMPT" : "ERR_PROMPT_TOO_LONG")) {
                        fail(error.code());
                    }
                }
            }
        });
        expect(run.result(1).completion_tokens, 1, "tokens after a prompt as long as the context");
        if (run.result(1).reason != stop_reason::context_full) {
            fail("a full context is not the reason");
        }
        recorded_run shorter(config, {plain(prompt, 127, 9)}, 1, [](recorded_run &, const step_event &) {});
        expect(shorter.result(1).completion_tokens, 2, "tokens after a prompt one shorter than the context");
    }
    {
        engine_config queue = config;
        queue.slots = queue.rows = 1;
        queue.max_queue = 1;
        recorded_run run(queue, {plain(prompt, 5, 4)}, 2, when_first_begins([&](recorded_run & all) {
                             all.submit(plain(prompt, 5, 1));
                             try {
                                 all.submit(plain(prompt, 5, 1));
                                 fail("the queue takes more than it holds");
                             } catch (const rast_error & error) {
                                 if (error.code() != "ERR_QUEUE_FULL") {
                                     fail(error.code());
                                 }
                             }
                         }));
    }
    {
        // no memory is an error of its own
        std::string code;
        engine_callbacks callbacks;
        callbacks.on_progress = [](const model_place &, float) {};
        callbacks.on_loaded = [](const engine_info &) { throw std::bad_alloc(); };
        callbacks.on_load_failed = [&](const rast_error & error) { code = error.code(); };
        callbacks.on_steps = [](std::vector<step_event>) {};
        callbacks.on_stopped = [] {};
        engine starved(config, std::move(callbacks));
        starved.start();
        starved.join();
        if (code != "ERR_INSUFFICIENT_MEMORY") {
            fail("without memory the error is " + code);
        }
    }
    std::printf("ok schedule\n");
    return 0;
}

// Settings of a sequence's next draw, and of draws ahead of it, against those counted afresh from all tokens.
int test_settings(const arguments & args) {
    open_from(args);
    engine_config config = config_from(args);
    driven_engine engine(config);
    const shared_model model = engine.base_model();
    const llama_vocab * vocab = llama_model_get_vocab(model.get());
    const int32_t n_vocab = llama_vocab_n_tokens(vocab);
    uint32_t state = 7;
    const auto token = [&] {
        state = state * 1664525U + 1013904223U;
        return static_cast<llama_token>((state >> 8) % static_cast<uint32_t>(std::min(n_vocab, 12)));
    };
    const auto same = [](row_settings one, row_settings other) {
        const auto sort = [](row_settings & s) {
            std::sort(s.adjustments.begin(), s.adjustments.end(),
                      [](const auto & x, const auto & y) { return x.token < y.token; });
        };
        sort(one);
        sort(other);
        return one.u == other.u && one.lambda == other.lambda && one.temperature == other.temperature &&
               one.top_k == other.top_k && one.top_p == other.top_p && one.min_p == other.min_p &&
               std::equal(one.adjustments.begin(), one.adjustments.end(), other.adjustments.begin(),
                          other.adjustments.end(), [](const auto & x, const auto & y) {
                              return x.token == y.token && x.bias == y.bias && x.repetition == y.repetition &&
                                     x.subtract == y.subtract;
                          });
    };
    for (const float temperature : {1e-4F, std::nextafter(1e-4F, 0.0F)}) {
        request wanted;
        wanted.prompt = {token()};
        wanted.sampling.temperature = temperature;
        const float got = sequence(1, std::move(wanted), engine_clock::now(), vocab).settings(true).temperature;
        if (got != (temperature < 1e-4F ? 0.0F : temperature)) {
            fail("the coldest temperature");
        }
    }
    long compared = 0;
    for (const int32_t window : {-1, 0, 1, 2, 3, 5, 8, 20, 21, 22, 40}) {
        for (const size_t length : {1UL, 2UL, 20UL, 21UL}) {
            request wanted;
            for (size_t i = 0; i < length; ++i) {
                wanted.prompt.push_back(token());
            }
            wanted.ignore_eos = true;
            sampling_params & s = wanted.sampling;
            s.lambda = {0.5F, 1.0F, 0.0F};
            s.temperature = 0.5F;
            s.top_k = 9;
            s.top_p = 0.75F;
            s.min_p = 0.125F;
            s.seed = uint64_t{3} << 40;
            s.ordinal = 5;
            s.penalty_window = window;
            s.repetition_penalty = 1.25F;
            s.frequency_penalty = 0.5F;
            s.presence_penalty = 0.25F;
            s.bias = {{3, 1.5F}, {11, -1e30F}};
            std::vector<llama_token> history = wanted.prompt;
            sequence seq(1, request(wanted), engine_clock::now(), vocab);
            for (int step = 0; step < 12; ++step) {
                std::vector<llama_token> ahead;
                for (size_t n = 0; n <= 4; ++n) {
                    std::vector<llama_token> all = history;
                    all.insert(all.end(), ahead.begin(), ahead.end());
                    if (!same(seq.settings(true, ahead), settings_at(wanted, all))) {
                        fail("settings with window " + std::to_string(window) + " after " +
                             std::to_string(history.size()) + " tokens and " + std::to_string(n) + " ahead");
                    }
                    ++compared;
                    ahead.push_back(token());
                }
                row_settings without = settings_at(wanted, history);
                without.lambda = {};
                if (!same(seq.settings(false), without)) {
                    fail("settings without lambda");
                }
                row_draw draw;
                draw.token = ahead[0];
                step_event event;
                seq.accept(draw, draft_source::nobody, 1000, event);
                history.push_back(draw.token);
            }
        }
    }
    std::printf("ok settings %ld\n", compared);
    return 0;
}

}  // namespace rast::test
