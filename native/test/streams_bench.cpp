// One unified stream of cache cells against a stream per sequence: what a decode of several sequences costs.
#include "../llama/libraries.h"
#include "harness.h"
#include "plain_models.h"
#include "timing.h"

#include <cstdio>

namespace rast::test {

namespace {

struct layout {
    const char * name;
    bool unified;
    std::unique_ptr<llama_context, llama_context_deleter> ctx;
};

}  // namespace

// --base, --slots, --depth, --rounds, --threads: after `depth` tokens in every sequence, decodes of one token each, and
// of 1 to 4 tokens each as drafts have them, in turn in both layouts.
int bench_streams(const arguments & args) {
    open_from(args);
    const engine_config config = config_from(args);
    const auto slots = static_cast<int32_t>(config.slots);
    const auto depth = static_cast<int32_t>(args.number("depth", 64));
    const auto rounds = static_cast<int>(args.number("rounds", 20));
    const shared_model model(llama_model_load_from_file(config.base.path.c_str(), llama_model_default_params()),
                             llama_model_deleter());
    if (!model) {
        fail("no model");
    }
    const cpu_threads threads(config.base.threads);
    const std::atomic<bool> stopping{false};
    layout layouts[] = {{"unified", true, nullptr}, {"split", false, nullptr}};
    batch_builder batch(config.batch_size, config.batch_size);
    for (auto & one : layouts) {
        llama_context_params params = context_params(config, config.base.threads, stopping);
        params.kv_unified = one.unified;
        params.n_outputs_max = config.batch_size;
        one.ctx.reset(llama_init_from_model(model.get(), params));
        if (!one.ctx) {
            fail("no context");
        }
        threads.attach(one.ctx.get());
    }
    const auto decode = [&](layout & one) {
        return time_of<milliseconds>([&] {
            if (llama_decode(one.ctx.get(), batch.view()) != 0) {
                fail("decode");
            }
            llama_synchronize(one.ctx.get());
        });
    };
    for (auto & one : layouts) {
        for (int32_t seq = 0; seq < slots; ++seq) {
            for (int32_t pos = 0; pos < depth;) {
                batch.clear();
                for (; pos < depth && batch.fits(1); ++pos) {
                    batch.add(300 + pos, pos, seq, false);
                }
                decode(one);
            }
        }
    }
    const auto measure = [&](const char * name, const auto & length) {
        std::vector<double> ms[2];
        for (int round = -2; round < rounds; ++round) {
            for (int which = 0; which < 2; ++which) {
                layout & one = layouts[which];
                batch.clear();
                for (int32_t seq = 0; seq < slots; ++seq) {
                    for (int32_t i = 0; i < length(seq); ++i) {
                        batch.add(400 + i, depth + i, seq, true);
                    }
                }
                const double took = decode(one);
                for (int32_t seq = 0; seq < slots; ++seq) {
                    llama_memory_seq_rm(llama_get_memory(one.ctx.get()), seq, depth, -1);
                }
                if (round >= 0) {
                    ms[which].push_back(took);
                }
            }
        }
        std::printf("{\"rows\": \"%s\", \"slots\": %d, \"depth\": %d, \"unifiedMs\": %.2f, \"splitMs\": %.2f}", name,
                    slots, depth, median(ms[0]), median(ms[1]));
    };
    std::printf("[");
    measure("one each", [](int32_t) { return 1; });
    std::printf(", ");
    measure("1 to 4 each", [](int32_t seq) { return 1 + (seq * 7) % 4; });
    std::printf("]\n");
    return 0;
}

}  // namespace rast::test
