// What sampling one token costs on the CPU at a true vocabulary: ours, greedy, and llama.cpp's own chain.
#include "../engine/sampler_row.h"
#include "harness.h"
#include "random_rows.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

namespace rast::test {

int bench_sampling(const arguments & args) {
    open_from(args);
    const auto n_vocab = static_cast<int32_t>(args.number("vocab", 151936));
    const auto rounds = static_cast<int>(args.number("rounds", 300));
    row_source source(5);
    random_row row = source.row(n_vocab, 1);
    while (row.base[0] < -100) {
        row = source.row(n_vocab, 1);
    }
    row.n_drawable = n_vocab;
    row.masked.clear();
    row_inputs plain;
    plain.logits = row.base.data();
    plain.n_vocab = plain.n_drawable = n_vocab;
    row_inputs fused = plain;
    fused.expert[0] = row.experts[0].data();
    fused.antiexpert[0] = row.antiexperts[0].data();
    row_scratch scratch;
    row_settings greedy;
    greedy.lambda[0] = 1.0F;
    greedy.temperature = 0.0F;
    row_settings paper = greedy;
    paper.temperature = 1.0F;
    paper.top_p = 0.95F;

    // llama.cpp's chain on a host row, as llama_sampler_sample builds it
    const auto chain = [&](std::vector<llama_sampler *> parts) {
        llama_sampler * c = llama_sampler_chain_init(llama_sampler_chain_default_params());
        for (llama_sampler * part : parts) {
            llama_sampler_chain_add(c, part);
        }
        return c;
    };
    llama_sampler * theirs_greedy = chain({llama_sampler_init_greedy()});
    llama_sampler * theirs_paper =
        chain({llama_sampler_init_temp(1.0F), llama_sampler_init_top_p(0.95F, 1), llama_sampler_init_dist(1)});
    std::vector<float> sum(static_cast<size_t>(n_vocab));
    std::vector<llama_token_data> data(static_cast<size_t>(n_vocab));
    const auto theirs = [&](llama_sampler * sampler, bool fuse) {
        for (int32_t i = 0; i < n_vocab; ++i) {
            const auto at = static_cast<size_t>(i);
            const float delta = fuse ? row.experts[0][at] - row.antiexperts[0][at] : 0.0F;
            data[at] = {i, row.base[at] + delta, 0.0F};
        }
        llama_token_data_array array{data.data(), data.size(), -1, false};
        llama_sampler_apply(sampler, &array);
        return array.selected;
    };

    long sink = 0;
    float u = 0.0F;
    const struct {
        const char * name;
        std::function<void()> run;
    } kinds[] = {
        {"ours_fused_paper",
         [&] {
             paper.u = u;
             sink += draw_row(fused, paper, scratch).token;
         }},
        {"ours_fused_greedy", [&] { sink += draw_row(fused, greedy, scratch).token; }},
        {"ours_base_paper",
         [&] {
             paper.u = u;
             sink += draw_row(plain, paper, scratch).token;
         }},
        {"llama_fused_paper", [&] { sink += theirs(theirs_paper, true); }},
        {"llama_base_paper", [&] { sink += theirs(theirs_paper, false); }},
        {"llama_base_greedy", [&] { sink += theirs(theirs_greedy, false); }},
    };
    std::vector<std::vector<double>> times(std::size(kinds));
    for (int round = 0; round < rounds; ++round) {
        u = static_cast<float>(round % 97) / 97.0F;
        for (size_t k = 0; k < std::size(kinds); ++k) {  // interleaved: all see the same machine
            const auto start = std::chrono::steady_clock::now();
            kinds[k].run();
            times[k].push_back(
                std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
        }
    }
    std::printf("{\"vocab\": %d, \"rounds\": %d, \"sink\": %ld, \"microseconds\": {", n_vocab, rounds, sink);
    for (size_t k = 0; k < std::size(kinds); ++k) {
        std::sort(times[k].begin(), times[k].end());
        std::printf("%s\"%s\": {\"median\": %.1f, \"min\": %.1f, \"p90\": %.1f}", k ? ", " : "", kinds[k].name,
                    times[k][times[k].size() / 2], times[k].front(), times[k][times[k].size() * 9 / 10]);
    }
    std::printf("}}\n");
    llama_sampler_free(theirs_greedy);
    llama_sampler_free(theirs_paper);
    return 0;
}

}  // namespace rast::test
