// The sampler's graph on a device, with rows made here: the fused row over its whole width, tokens, log-probabilities.
#include "../sampling/sampler_row.h"
#include "reference.h"
#include "sampler_rig.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rast::test {

int test_graph(const arguments & args) {
    open_from(args);
    const auto n_vocab = static_cast<int32_t>(args.number("vocab", 151936));
    const auto pairs = static_cast<int>(args.number("pairs", 1));
    const auto rounds = static_cast<int>(args.number("rounds", 10));
    const auto rows = static_cast<int32_t>(args.number("rows", 4));
    const tolerance within{4e-6, 4e-5};  // logits add up in float; cumulative sums of 1,024 float terms

    sampler_rig rig(args.text("device", "CPU"), n_vocab, pairs, rows);
    const graph_tensors & tensors = rig.tensors;
    row_source source(static_cast<uint32_t>(args.number("seed", 11)));
    row_scratch scratch;
    long near_ties = 0;
    long finished = 0;
    long drawn = 0;
    double worst_logit = 0;
    double worst_logprob = 0;
    for (int round = 0; round < rounds; ++round) {
        std::vector<random_row> data;
        std::vector<row_settings> settings;
        // one mask per engine: take the first row's for all
        for (int32_t r = 0; r < rows; ++r) {
            data.push_back(source.row(n_vocab, pairs));
            data[static_cast<size_t>(r)].n_drawable = data[0].n_drawable;
            data[static_cast<size_t>(r)].masked = data[0].masked;
            settings.push_back(source.settings(data.back(), round * rows + r));
        }
        rig.mask(data[0]);
        for (int32_t r = 0; r < rows; ++r) {
            rig.put(r, data[static_cast<size_t>(r)]);
            rig.set(r, settings[static_cast<size_t>(r)]);
        }
        const std::vector<int32_t> got = rig.run();

        for (int32_t r = 0; r < rows; ++r) {
            const auto at = static_cast<size_t>(r);
            const row_settings & s = settings[at];
            std::vector<std::pair<const float *, const float *>> fused_pairs;
            for (size_t k = 0; k < data[at].experts.size(); ++k) {
                fused_pairs.emplace_back(data[at].experts[k].data(), data[at].antiexperts[k].data());
            }
            const reference_row expected = reference_draw(
                reference_fuse(data[at].base.data(), fused_pairs, s, n_vocab, data[0].n_drawable, data[0].masked), s);
            const std::vector<float> fused = rig.fused(r);
            for (size_t i = 0; i < fused.size(); ++i) {
                const double want = expected.logits[i];
                if (std::isinf(want)) {
                    if (fused[i] > -1e29F) {
                        fail("token " + std::to_string(i) + " may never be drawn, but has logit " +
                             std::to_string(fused[i]));
                    }
                    continue;
                }
                worst_logit = std::max(worst_logit, std::fabs(fused[i] - want) / std::max(1.0, std::fabs(want)));
            }
            ++drawn;
            int32_t token = got[at];
            if (token < 0) {
                // the host finishes this row, from the kept fused row
                ++finished;
                row_inputs in;
                in.logits = fused.data();
                in.n_vocab = n_vocab;
                in.n_drawable = data[0].n_drawable;
                in.masked = &data[0].masked;
                in.adjusted = s.adjustments.size() <= static_cast<size_t>(graph_adjustments);
                token = draw_row(in, s, scratch).token;
            } else if (s.top_logprobs >= 0) {
                float logprob = 0;
                ggml_backend_tensor_get(tensors.drawn_logprob, &logprob, at * sizeof(float), sizeof(float));
                const double want = expected.logits[static_cast<size_t>(token)] - expected.log_total;
                if (want > -60) {
                    worst_logprob = std::max(worst_logprob, std::fabs(logprob - want));
                }
                std::vector<float> top(static_cast<size_t>(tensors.top_logprobs->ne[0]));
                std::vector<float> ids(top.size());
                ggml_backend_tensor_get(tensors.top_logprobs, top.data(), at * tensors.top_logprobs->nb[1],
                                        top.size() * sizeof(float));
                ggml_backend_tensor_get(tensors.top_tokens, ids.data(), at * tensors.top_tokens->nb[1],
                                        ids.size() * sizeof(float));
                for (size_t i = 0; i < std::min(top.size(), expected.order.size()); ++i) {
                    const double ranked = expected.logits[static_cast<size_t>(expected.order[i])] - expected.log_total;
                    const double named = expected.logits[static_cast<size_t>(ids[i])] - expected.log_total;
                    if (ranked > -60) {
                        worst_logprob =
                            std::max({worst_logprob, std::fabs(top[i] - ranked), std::fabs(top[i] - named)});
                    }
                }
            }
            if (token != expected.token) {
                ++near_ties;
                if (!is_near_tie(expected, s, token, within)) {
                    fail("round " + std::to_string(round) + " row " + std::to_string(r) + ": drew " +
                         std::to_string(token) + ", expected " + std::to_string(expected.token) + " (T " +
                         std::to_string(s.temperature) + ", k " + std::to_string(s.top_k) + ", p " +
                         std::to_string(s.top_p) + ", min-p " + std::to_string(s.min_p) + ", u " + std::to_string(s.u) +
                         ")");
                }
            }
        }
    }
    if (worst_logit > 2e-6) {
        fail("fused logits are off by " + std::to_string(worst_logit) + " (relative)");
    }
    if (worst_logprob > 2e-4) {
        fail("log-probabilities are off by " + std::to_string(worst_logprob));
    }
    if (near_ties * 50 > drawn) {
        fail(std::to_string(near_ties) + " near-ties in " + std::to_string(drawn) + " rows: more than 2%");
    }
    std::printf("ok rows %ld near-ties %ld host-finished %ld worst-logit %.2e worst-logprob %.2e\n", drawn, near_ties,
                finished, worst_logit, worst_logprob);
    return 0;
}

}  // namespace rast::test
