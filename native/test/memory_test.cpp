// What llama.cpp makes of batches under a memory, against what sequence_memory says of it.
#include "../engine/batch_builder.h"
#include "../engine/role_context.h"
#include "harness.h"

#include <cstdio>
#include <utility>

namespace rast::test {

namespace {

// Sequence ids and how many tokens of each; the last of each is an output.
using shape = std::vector<std::pair<llama_seq_id, int>>;

// @returns whether llama.cpp decoded it in one piece
bool in_one_piece(role_context & context, const shape & wanted) {
    batch_builder batch(64, 8);
    for (const auto & [seq, count] : wanted) {
        for (int i = 0; i < count; ++i) {
            batch.add(1 + i, i, seq, i + 1 == count);
        }
    }
    bool whole = true;
    try {
        if (context.decode(batch.view()) != 0) {
            fail("llama.cpp refused a batch");
        }
    } catch (const rast_error & error) {
        if (error.code() != "ERR_INTERNAL") {
            throw;
        }
        whole = false;
    }
    llama_memory_clear(llama_get_memory(context.get()), true);
    return whole;
}

}  // namespace

int test_memory(const arguments & args) {
    open_from(args);
    engine_config config = config_from(args);
    config.slots = 4;
    config.rows = 8;
    config = fitted(config);
    const std::atomic<bool> stopping{false};
    role_context context(role::base, config.base, config, [](float) { return true; });
    const cpu_threads threads(config.base.threads);
    sampler_plan plan;
    plan.n_vocab = context.n_vocab();
    plan.rows = static_cast<int32_t>(config.rows);
    plan.threads = config.base.threads;
    plan.draws = true;
    plan.drawable.n_drawable = context.n_vocab();
    context.create(std::move(plan), config, threads, stopping);
    for (int32_t row = 0; row < static_cast<int32_t>(config.rows); ++row) {
        context.sampler().set_row(row, row_settings{});
    }
    context.sampler().upload();

    const sequence_memory & memory = context.memory();
    const auto expect = [&](const char * what, const shape & wanted, bool whole) {
        for (int again = 0; again < 2; ++again) {  // with a new graph, and with that one
            if (in_one_piece(context, wanted) != whole) {
                fail(std::string(what) + (whole ? " were split" : " were not split"));
            }
        }
    };
    expect("one token each of adjacent sequences", {{0, 1}, {1, 1}, {2, 1}, {3, 1}}, true);
    expect("many tokens of one sequence", {{2, 20}}, true);
    expect("unequal lengths", {{0, 3}, {1, 1}}, !memory.one_token_each());
    expect("sequences with a gap", {{0, 1}, {2, 1}}, !memory.adjacent_ids());
    std::printf("ok memory %s, cut back %d\n", describe(memory.kind()), memory.can_cut_back() ? 1 : 0);
    return 0;
}

}  // namespace rast::test
