// The sampler's graph on a device, with rows made here: the fused row over its whole width, tokens, log-probabilities.
#include "../engine/device_tensors.h"
#include "../engine/sampler_graph.h"
#include "../engine/sampler_row.h"
#include "harness.h"
#include "random_rows.h"
#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

namespace rast::test {

namespace {

constexpr float bound = 1e30F;

struct backend_deleter {
    void operator()(ggml_backend * backend) const { ggml_backend_free(backend); }
};

ggml_backend_dev_t device_named(const std::string & name) {
    ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
    if (device == nullptr) {
        fail("no device " + name);
    }
    return device;
}

}  // namespace

int test_graph(const arguments & args) {
    open_from(args);
    ggml_backend_dev_t device = device_named(args.text("device", "CPU"));
    const auto n_vocab = static_cast<int32_t>(args.number("vocab", 151936));
    const auto pairs = static_cast<int>(args.number("pairs", 1));
    const auto rounds = static_cast<int>(args.number("rounds", 10));
    const auto rows = static_cast<int32_t>(args.number("rows", 4));
    const tolerance within{4e-6, 4e-5};  // logits add up in float; cumulative sums of 1,024 float terms

    const std::string missing = missing_operation(device, n_vocab, rows + 1, pairs, true);
    if (!missing.empty()) {
        fail("the device lacks " + missing);
    }
    const std::unique_ptr<ggml_backend, backend_deleter> backend(ggml_backend_dev_init(device, nullptr));
    device_tensors memory(512);
    const ggml_context_ptr graph_memory(ggml_init({ggml_graph_overhead() + 1024, nullptr, true}));
    ggml_context * ctx = memory.context();
    const graph_tensors tensors = graph_tensors::create(ctx, n_vocab, rows + 1, true);
    ggml_tensor * logits = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows);
    std::vector<graph_pair> stores;
    for (int k = 0; k < pairs; ++k) {
        stores.push_back({ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows + 1),
                          ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows + 1)});
    }
    ggml_cgraph * graph = ggml_new_graph(graph_memory.get());
    ggml_tensor * tokens = build_draw(ctx, graph, logits, stores, tensors);
    if (!memory.allocate(ggml_backend_dev_buffer_type(device))) {
        fail("no memory on the device");
    }
    std::vector<float> rank(static_cast<size_t>(tensors.rank->ne[0]) * static_cast<size_t>(rows + 1));
    for (size_t i = 0; i < rank.size(); ++i) {
        rank[i] = -static_cast<float>(i % static_cast<size_t>(tensors.rank->ne[0]));
    }
    ggml_backend_tensor_set(tensors.rank, rank.data(), 0, rank.size() * sizeof(float));

    row_source source(static_cast<uint32_t>(args.number("seed", 11)));
    graph_settings uploaded(n_vocab, rows + 1);
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
        std::vector<float> mask(static_cast<size_t>(n_vocab), 0.0F);
        std::fill(mask.begin() + data[0].n_drawable, mask.end(), -bound);
        for (const int32_t token : data[0].masked) {
            mask[static_cast<size_t>(token)] = -bound;
        }
        ggml_backend_tensor_set(tensors.mask, mask.data(), 0, mask.size() * sizeof(float));
        for (int32_t r = 0; r < rows; ++r) {
            const auto send = [&](ggml_tensor * to, const std::vector<float> & values) {
                ggml_backend_tensor_set(to, values.data(), static_cast<size_t>(r) * to->nb[1],
                                        values.size() * sizeof(float));
            };
            send(logits, data[static_cast<size_t>(r)].base);
            for (size_t k = 0; k < stores.size(); ++k) {
                send(stores[k].expert, data[static_cast<size_t>(r)].experts[k]);
                send(stores[k].antiexpert, data[static_cast<size_t>(r)].antiexperts[k]);
            }
            uploaded.set(r, settings[static_cast<size_t>(r)]);
        }
        uploaded.upload(tensors);
        if (ggml_backend_graph_compute(backend.get(), graph) != GGML_STATUS_SUCCESS) {
            fail("the graph did not run");
        }
        std::vector<int32_t> got(static_cast<size_t>(rows));
        ggml_backend_tensor_get(tokens, got.data(), 0, got.size() * sizeof(int32_t));

        for (int32_t r = 0; r < rows; ++r) {
            const auto at = static_cast<size_t>(r);
            const row_settings & s = settings[at];
            std::vector<std::pair<const float *, const float *>> fused_pairs;
            for (size_t k = 0; k < stores.size(); ++k) {
                fused_pairs.emplace_back(data[at].experts[k].data(), data[at].antiexperts[k].data());
            }
            const reference_row expected = reference_draw(
                reference_fuse(data[at].base.data(), fused_pairs, s, n_vocab, data[0].n_drawable, data[0].masked), s);
            std::vector<float> fused(static_cast<size_t>(n_vocab));
            ggml_backend_tensor_get(tensors.fused, fused.data(), at * tensors.fused->nb[1],
                                    fused.size() * sizeof(float));
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
