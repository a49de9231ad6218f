// What sampling one token costs at a true vocabulary: ours and llama.cpp's own chain on the CPU, and every filter on
// any device.
#include "../sampling/sampler_row.h"
#include "sampler_rig.h"
#include "timing.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

namespace rast::test {

namespace {

void print_microseconds(const std::vector<double> & times) {
    std::printf("\"median\": %.1f, \"min\": %.1f, \"p90\": %.1f", median(times), quantile(times, 0.0),
                quantile(times, 0.9));
}

}  // namespace

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
            times[k].push_back(time_of<microseconds>(kinds[k].run));
        }
    }
    std::printf("{\"vocab\": %d, \"rounds\": %d, \"sink\": %ld, \"microseconds\": {", n_vocab, rounds, sink);
    for (size_t k = 0; k < std::size(kinds); ++k) {
        std::printf("%s\"%s\": {", k ? ", " : "", kinds[k].name);
        print_microseconds(times[k]);
        std::printf("}");
    }
    std::printf("}}\n");
    llama_sampler_free(theirs_greedy);
    llama_sampler_free(theirs_paper);
    return 0;
}

namespace {

struct filter_kind {
    const char * name;
    bool flat;  // on a row whose logits are all alike
    row_settings settings;
};

std::vector<filter_kind> filter_kinds(int32_t n_vocab) {
    const auto with = [](float temperature, int32_t top_k, float top_p, float min_p) {
        row_settings s;
        s.lambda[0] = 1.0F;
        s.temperature = temperature;
        s.top_k = top_k;
        s.top_p = top_p;
        s.min_p = min_p;
        return s;
    };
    const auto adjusted = [&](int32_t n) {
        row_settings s = with(1, 0, 0.95F, 0);
        for (int32_t i = 0; i < n; ++i) {
            s.adjustments.push_back({(i * 37) % n_vocab, 0.0F, 1.1F, 0.1F});
        }
        return s;
    };
    row_settings logprobs = with(1, 0, 0.95F, 0);
    logprobs.top_logprobs = max_top_logprobs;
    row_settings kept = with(1, 0, 0.95F, 0);
    kept.keep = true;
    return {{"greedy", false, with(0, 0, 1, 0)},
            {"temperature alone", false, with(1, 0, 1, 0)},
            {"top-p 0.95", false, with(1, 0, 0.95F, 0)},
            {"top-k 40", false, with(1, 40, 1, 0)},
            {"min-p 0.05", false, with(1, 0, 1, 0.05F)},
            {"top-k 40, top-p 0.95, min-p 0.05", false, with(1, 40, 0.95F, 0.05F)},
            {"top-p 0.95, penalties on 64 tokens", false, adjusted(64)},
            {"top-p 0.95, penalties on 4,096 tokens", false, adjusted(4096)},
            {"top-p 0.95, 20 log-probabilities", false, logprobs},
            {"top-p 0.95, kept for a grammar", false, kept},
            {"temperature alone, flat row", true, with(1, 0, 1, 0)},
            {"top-p 0.95, flat row", true, with(1, 0, 0.95F, 0)},
            {"top-p 0.95, temperature 3", false, with(3, 0, 0.95F, 0)},
            {"top-k 2,000", false, with(1, 2000, 1, 0)},
            {"top-k 20,000, flat row", true, with(1, 20000, 1, 0)},
            {"min-p 0.05, flat row", true, with(1, 0, 1, 0.05F)},
            {"top-p 0.95, 20 log-probabilities, flat row", true, logprobs}};
}

}  // namespace

// --device, --vocab, --rounds: what a row costs with every filter, interleaved. On a device that is the sampler's
// graph, what it uploads and, where the host must finish the row, that too; the first kind is its fusion alone.
int bench_filters(const arguments & args) {
    open_from(args);
    const std::string device = args.text("device", "CPU");
    const auto n_vocab = static_cast<int32_t>(args.number("vocab", 151936));
    const auto rounds = static_cast<int>(args.number("rounds", 200));
    row_source source(5);
    const auto make = [&](bool flat) {
        random_row row;
        do {
            row = source.row(n_vocab, 1);
        } while ((*std::max_element(row.base.begin(), row.base.end()) < 10) != flat);
        row.n_drawable = n_vocab;
        row.masked.clear();
        return row;
    };
    const random_row peaked = make(false);
    const random_row flat = make(true);
    const auto kinds = filter_kinds(n_vocab);
    std::vector<std::vector<double>> times(kinds.size() + 1);
    std::vector<long> finished(times.size(), 0);
    const auto timed = [&](size_t kind, const std::function<void()> & work) {
        times[kind].push_back(time_of<microseconds>(work));
    };
    row_scratch scratch;
    std::vector<float> kept;
    const bool on_cpu = device == "CPU";
    std::unique_ptr<sampler_rig> fusion;
    std::unique_ptr<sampler_rig> whole[2];
    if (!on_cpu) {
        fusion = std::make_unique<sampler_rig>(device, n_vocab, 1, 1, false);
        fusion->put(0, peaked);
        fusion->mask(peaked);
        for (const bool is_flat : {false, true}) {
            whole[is_flat] = std::make_unique<sampler_rig>(device, n_vocab, 1, 1);
            whole[is_flat]->put(0, is_flat ? flat : peaked);
            whole[is_flat]->mask(peaked);
        }
    }
    for (int round = -2; round < rounds; ++round) {
        if (round == 0) {  // what came before was warm-up
            std::fill(times.begin(), times.end(), std::vector<double>());
            std::fill(finished.begin(), finished.end(), 0);
        }
        if (fusion) {
            timed(0, [&] { fusion->run(); });
        }
        for (size_t k = 0; k < kinds.size(); ++k) {
            row_settings settings = kinds[k].settings;
            settings.u = static_cast<float>((round + 97) % 97) / 97.0F;
            const random_row & data = kinds[k].flat ? flat : peaked;
            row_inputs in;
            in.logits = data.base.data();
            in.n_vocab = in.n_drawable = n_vocab;
            timed(k + 1, [&] {
                if (on_cpu) {
                    in.expert[0] = data.experts[0].data();
                    in.antiexpert[0] = data.antiexperts[0].data();
                    draw_row(in, settings, scratch);
                    if (settings.keep) {
                        kept.assign(scratch.fused.begin(), scratch.fused.begin() + n_vocab);
                    }
                    return;
                }
                sampler_rig & rig = *whole[kinds[k].flat];
                rig.set(0, settings);
                if (rig.run()[0] < 0) {
                    const std::vector<float> fused = rig.fused(0);
                    in.logits = fused.data();
                    in.adjusted = settings.adjustments.size() <= static_cast<size_t>(graph_adjustments);
                    draw_row(in, settings, scratch);
                    ++finished[k + 1];
                }
            });
        }
    }
    std::printf("{\"device\": \"%s\", \"vocab\": %d, \"rounds\": %d, \"kinds\": [", device.c_str(), n_vocab, rounds);
    const char * separator = "";
    for (size_t k = on_cpu ? 1 : 0; k < times.size(); ++k) {
        std::printf("%s{\"name\": \"%s\", ", separator, k == 0 ? "fusion alone" : kinds[k - 1].name);
        print_microseconds(times[k]);
        std::printf(", \"finishedOnHost\": %ld}", finished[k]);
        separator = ", ";
    }
    std::printf("]}\n");
    return 0;
}

}  // namespace rast::test
