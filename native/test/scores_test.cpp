// Figures of tokens against a reference in double precision: of rows made here on the CPU and in a device's graph, and
// of whole engines against contexts of llama.cpp whose logits are read whole.
#include "../sampling/score_graph.h"
#include "../sampling/token_figures.h"
#include "harness.h"
#include "plain_models.h"
#include "random_rows.h"
#include "score_reference.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

namespace rast::test {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Rows of one position with what counts in them.
struct made_position {
    random_row rows;
    std::array<float, max_pairs> lambda{};
    std::array<std::vector<int32_t>, max_pairs> lacking;

    std::vector<bool> counts(bool of_pair) const {
        std::vector<bool> out(rows.base.size(), false);
        std::fill(out.begin(), out.begin() + rows.n_drawable, true);
        for (const int32_t token : rows.masked) {
            out[static_cast<size_t>(token)] = false;
        }
        for (size_t k = 0; of_pair && k < lacking.size(); ++k) {
            if (lambda[k] != 0.0F) {
                for (const int32_t token : lacking[k]) {
                    out[static_cast<size_t>(token)] = false;
                }
                break;
            }
        }
        return out;
    }

    position expected() const {
        std::vector<std::pair<const float *, const float *>> pairs;
        for (size_t k = 0; k < rows.experts.size(); ++k) {
            pairs.emplace_back(rows.experts[k].data(), rows.antiexperts[k].data());
        }
        return position_of(rows.base.data(), pairs, lambda, counts(false), counts(true));
    }

    int32_t some_token(row_source & source) const {
        const std::vector<bool> all = counts(false);
        for (;;) {
            const size_t token = source.below(static_cast<int>(all.size()));
            if (all[token]) {
                return static_cast<int32_t>(token);
            }
        }
    }
};

made_position make_position(row_source & source, int n_vocab, int pairs, int index) {
    made_position out;
    out.rows = source.row(n_vocab, pairs);
    const float lambdas[] = {1.0F, 0.5F, 0.0F, 1.5F, -0.5F, 10.0F};
    for (int k = 0; k < pairs; ++k) {
        out.lambda[static_cast<size_t>(k)] = lambdas[(index + k) % 6];
        if (index % 3 == 1 && out.rows.n_drawable > 4) {
            out.lacking[static_cast<size_t>(k)] = {0, out.rows.n_drawable - 1};
        }
    }
    if (index % 4 == 2) {  // equal logits, in every row
        for (int i = 0; i < n_vocab; i += 3) {
            const auto at = static_cast<size_t>(i);
            const auto of = static_cast<size_t>(i % 6 == 0 ? 1 % n_vocab : 0);
            out.rows.base[at] = out.rows.base[of];
            for (size_t k = 0; k < out.rows.experts.size(); ++k) {
                out.rows.experts[k][at] = out.rows.experts[k][of];
                out.rows.antiexperts[k][at] = out.rows.antiexperts[k][of];
            }
        }
    }
    if (index % 5 == 3) {  // tokens that a model rules out
        for (int i = 4; i < n_vocab; i += 7) {
            out.rows.base[static_cast<size_t>(i)] = -infinity;
        }
        for (size_t k = 0; k < out.rows.experts.size(); ++k) {
            for (int i = 5; i < n_vocab; i += 11) {
                out.rows.experts[k][static_cast<size_t>(i)] = -logit_bound;
            }
        }
    }
    return out;
}

std::shared_ptr<token_figures> figures_on_cpu(const made_position & at, int32_t token, int32_t top) {
    const figured_tokens tokens({at.rows.n_drawable, at.rows.masked}, static_cast<int32_t>(at.rows.base.size()),
                                at.lacking);
    row_settings settings;
    settings.lambda = at.lambda;
    const int pair = at.rows.experts.empty() ? -1 : figured_pair(settings);
    row_inputs in;
    in.logits = at.rows.base.data();
    in.n_vocab = static_cast<int32_t>(at.rows.base.size());
    in.n_drawable = at.rows.n_drawable;
    in.masked = &at.rows.masked;
    for (size_t k = 0; k < at.rows.experts.size(); ++k) {
        in.expert[k] = at.rows.experts[k].data();
        in.antiexpert[k] = at.rows.antiexperts[k].data();
    }
    row_scratch scratch;
    const fused_row fused(in, settings, scratch);
    host_rows rows;
    rows.base = at.rows.base.data();
    if (pair >= 0) {
        rows.fused = fused.z();
        rows.expert = at.rows.experts[static_cast<size_t>(pair)].data();
        rows.antiexpert = at.rows.antiexperts[static_cast<size_t>(pair)].data();
    }
    auto out = std::make_shared<token_figures>();
    return figure_token(rows, tokens, pair, token, top, *out) ? out : nullptr;
}

void check_stretches() {
    const token_stretches some = stretches_without(10, {7, 2, 3, 2, -1, 12, 9});
    check(some == token_stretches{{0, 2}, {4, 7}, {8, 9}}, "stretches between masked ids");
    check(in_stretches(some, 0) && in_stretches(some, 8) && !in_stretches(some, 2) && !in_stretches(some, 7) &&
              !in_stretches(some, 9) && !in_stretches(some, -1) && !in_stretches(some, 100),
          "ids in stretches");
    check(stretches_without(3, {0, 1, 2}).empty() && stretches_without(0, {}).empty(), "no stretches");
}

void check_nothing_drawable() {
    made_position at;
    at.rows.base = {-infinity, NAN, -infinity};
    at.rows.n_drawable = 3;
    check(figures_on_cpu(at, 0, 3) == nullptr, "figures of a row without a finite number");
    at.rows.base = {1.0F, infinity, 0.0F};
    check(figures_on_cpu(at, 0, 3) == nullptr, "figures of an infinite row");
    at.rows.base = {1.0F, 3.0F, 2.0F};
    at.rows.masked = {1};
    const auto masked = figures_on_cpu(at, 1, 3);
    at.rows.masked = {};
    at.rows.experts = {{-logit_bound, -logit_bound, -logit_bound}};
    at.rows.antiexperts = {{0.0F, 0.0F, 0.0F}};
    at.lambda[0] = 1.0F;
    check(figures_on_cpu(at, 1, 3) == nullptr, "figures of an ensemble that rules everything out");
    check(masked && masked->logprob.base == never && masked->base_rank == 2 && masked->n_top_base == 2 &&
              masked->top_base[0].token == 2,
          "a token that is never drawn");
}

}  // namespace

// On the CPU: --rounds rows of some widths.
int test_token_figures(const arguments & args) {
    const long rounds = args.number("rounds", 600);
    check_stretches();
    check_nothing_drawable();
    row_source source(static_cast<uint32_t>(args.number("seed", 5)));
    comparison with{1e-5, 2e-6, true};
    const int widths[] = {2, 5, 33, 256, 257, 700, 5003, 20011};
    for (long round = 0; round < rounds; ++round) {
        const int n_vocab = widths[round % 8];
        const auto pairs = static_cast<int>((round / 8) % 4);
        const made_position at = make_position(source, n_vocab, pairs, static_cast<int>(round));
        const int32_t token = at.some_token(source);
        const auto top = static_cast<int32_t>(source.below(max_top_logprobs + 1));
        const position wanted = at.expected();
        if (*std::max_element(wanted.rast.logits.begin(), wanted.rast.logits.end()) == never) {
            continue;
        }
        const auto got = figures_on_cpu(at, token, top);
        check(got != nullptr, "round " + std::to_string(round) + " has no figures");
        with.logit_slack = 2e-6 * std::max(1.0, std::fabs(wanted.rast.logits[static_cast<size_t>(token)]) * 10);
        with.all(*got, wanted, token, top, "round " + std::to_string(round));
    }
    std::printf("rounds %ld worst %.2e\nok\n", rounds, with.worst);
    return 0;
}

// In a device's graph: --vocab --pairs --rows --rounds.
int test_score_graph(const arguments & args) {
    open_from(args);
    const auto n_vocab = static_cast<int32_t>(args.number("vocab", 151936));
    const auto pairs = static_cast<int>(args.number("pairs", 1));
    const auto rows = static_cast<int32_t>(args.number("rows", 4));
    const auto rounds = static_cast<int>(args.number("rounds", 4));
    ggml_backend_dev_t device = ggml_backend_dev_by_name(args.text("device", "CPU").c_str());
    check(device != nullptr, "the device is there");
    ggml_backend_buffer_type_t buft = ggml_backend_dev_buffer_type(device);

    row_source source(static_cast<uint32_t>(args.number("seed", 7)));
    pair_rows stores;
    check(stores.allocate(buft, pairs, n_vocab, rows), "memory for the rows of the pairs");
    device_tensors memory(2);
    ggml_tensor * logits = ggml_new_tensor_2d(memory.context(), GGML_TYPE_F32, n_vocab, rows);
    check(memory.allocate(buft), "memory for the rows");
    comparison with{1e-4, 1e-4, false};
    long compared = 0;
    for (int round = 0; round < rounds; ++round) {
        std::vector<made_position> made;
        std::vector<graph_row> wanted;
        const auto put = [&](ggml_tensor * to, int32_t row, const std::vector<float> & values) {
            ggml_backend_tensor_set(to, values.data(), static_cast<size_t>(row) * to->nb[1],
                                    values.size() * sizeof(float));
        };
        for (int32_t row = 0; row < rows; ++row) {
            made.push_back(make_position(source, n_vocab, pairs, round));  // one kind: the same pair in all rows
            made_position & at = made.back();
            at.rows.n_drawable = made[0].rows.n_drawable;
            at.rows.masked = made[0].rows.masked;
            at.lacking = made[0].lacking;
            put(logits, row, at.rows.base);
            for (int k = 0; k < pairs; ++k) {
                put(stores.expert(k).tensor(), row, at.rows.experts[static_cast<size_t>(k)]);
                put(stores.antiexpert(k).tensor(), row, at.rows.antiexperts[static_cast<size_t>(k)]);
            }
            wanted.push_back({at.some_token(source), at.lambda});
        }
        cpu_clock clock;
        path_context context;
        context.n_vocab = n_vocab;
        context.rows = rows;
        context.drawable = {made[0].rows.n_drawable, made[0].rows.masked};
        context.pairs = &stores;
        context.clock = &clock;
        context.lacking = made[0].lacking;
        const figured_tokens tokens(context.drawable, n_vocab, context.lacking);
        score_graph graph(context, tokens, buft);
        const std::string lacks = graph.prepare();
        check(lacks.empty(), "the device can do it: " + lacks);
        const auto top = static_cast<int32_t>(round % 2 == 0 ? 20 : round % 4 == 1 ? 0 : 3);
        for (int32_t first = 0; first < rows;) {
            const int32_t n = std::min(graph.most_rows(), rows - first);
            int64_t bytes = 0;
            const auto got =
                graph.run(logits, first, std::span(wanted).subspan(static_cast<size_t>(first), static_cast<size_t>(n)),
                          top, bytes);
            check(got.size() == static_cast<size_t>(n), "the graph ran");
            check(bytes > 0 && bytes <= int64_t{680} * n, "a few numbers a row come to the host");
            for (int32_t i = 0; i < n; ++i) {
                const auto at = static_cast<size_t>(first + i);
                const std::string where = "round " + std::to_string(round) + " row " + std::to_string(at);
                check(got[static_cast<size_t>(i)] != nullptr, where + " has no figures");
                with.all(*got[static_cast<size_t>(i)], made[at].expected(), wanted[at].token, top, where);
                ++compared;
            }
            first += n;
        }
    }
    std::printf("ok rows %ld worst %.2e\n", compared, with.worst);
    return 0;
}

// An engine: texts that are given, and texts that it draws, against contexts whose logits are read whole.
int test_scores(const arguments & args) {
    open_from(args);
    const engine_config config = config_from(args);
    const auto n_texts = static_cast<int>(args.number("texts", 4));
    const auto length = static_cast<size_t>(args.number("tokens", 20));
    comparison with{args.real("within", 1e-4), args.real("logit-slack", 1e-4), false};
    std::vector<request> requests;
    std::vector<outcome> outcomes;
    std::vector<llama_token> prompt;
    engine_info info;
    {
        driven_engine engine(config);
        info = engine.info();
        prompt = prompt_tokens(args, llama_model_get_vocab(engine.base_model().get()));
        for (int i = 0; i < 2 * n_texts; ++i) {
            request r = request_of(prompt, i, config.pairs.size(), static_cast<int>(length));
            r.logprobs = i % 4 == 3 ? 3 : -1;
            r.figures = i % 3 == 0 ? 20 : i % 3 == 1 ? 0 : 3;
            if (i % 2 == 0) {  // a text that nobody would draw
                for (size_t t = 0; t < length; ++t) {
                    r.given.push_back(
                        static_cast<llama_token>(prompt[(t * 7 + static_cast<size_t>(i)) % prompt.size()]));
                }
            }
            requests.push_back(std::move(r));
        }
        outcomes = engine.run(requests);
    }
    plain_models models(config);
    long rows = 0;
    long drafted = 0;
    long host_rows = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
        const outcome & got = outcomes[i];
        const std::string text = "text " + std::to_string(i);
        check(got.error.empty(), text + ": " + got.error);
        check(got.tokens.size() == length && got.figures.size() == length, text + " has all its tokens");
        check(requests[i].given.empty() || got.tokens == requests[i].given, text + " is the one that was given");
        models.restart();
        host_rows += got.result.host_rows;
        bytes += got.result.host_bytes;
        std::vector<llama_token> history = prompt;
        for (size_t t = 0; t < length; ++t) {
            const std::string where = text + " token " + std::to_string(t);
            check(got.figures[t].figures != nullptr, where + " has figures");
            const plain_models::rows read = models.read(history);
            std::vector<bool> counts(static_cast<size_t>(info.n_vocab), false);
            std::fill(counts.begin(), counts.begin() + models.n_drawable(), true);
            for (const int32_t token : models.masked()) {
                counts[static_cast<size_t>(token)] = false;
            }
            const auto & lambda = requests[i].sampling.lambda;
            counts.resize(static_cast<size_t>(models.n_drawable()));
            with.all(*got.figures[t].figures, position_of(read.base, read.pairs, lambda, counts, counts), got.tokens[t],
                     requests[i].figures, where);
            drafted += got.figures[t].draft != draft_source::nobody ? 1 : 0;
            history.push_back(got.tokens[t]);
            ++rows;
        }
    }
    std::printf("ok rows %ld drafted %ld host-rows %ld bytes %lld worst %.2e\n", rows, drafted, host_rows,
                static_cast<long long>(bytes), with.worst);
    return 0;
}

}  // namespace rast::test
