#include "device_path.h"

#include "backend_sampler.h"
#include "sampler_graph.h"
#include "sampling_steps.h"

#include <algorithm>
#include <array>

namespace rast {

device_path::device_path(const path_context & context)
    : n_vocab_(context.n_vocab), pairs_(*context.pairs), memory_(context, true) {}

ggml_tensor * device_path::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) {
    const graph_tensors tensors = memory_.tensors_for(ctx, logits, probe);
    return build_draw(ctx, graph, logits, pairs_.tensors(ctx, logits, probe), tensors);
}

row_draw device_path::read_row(llama_context * ctx, int32_t row, int32_t output) {
    row_draw draw;
    draw.token = backend_sampler::drawn_token(ctx, output);
    if (draw.token < 0 || draw.token >= n_vocab_) {
        return memory_.draw_on_host(row, last_);
    }
    last_ = {};
    read_logprobs(row, draw);
    return draw;
}

void device_path::read_logprobs(int32_t row, row_draw & draw) {
    const auto & settings = memory_.settings(row);
    if (settings.top_logprobs < 0) {
        return;
    }
    const auto fetch = [&](ggml_tensor * tensor, float * to, size_t n) {
        ggml_backend_tensor_get(tensor, to, static_cast<size_t>(row) * tensor->nb[1], n * sizeof(float));
        last_.bytes += static_cast<int64_t>(n * sizeof(float));
    };
    const graph_tensors & tensors = memory_.tensors();
    fetch(tensors.drawn_logprob, &draw.logprob, 1);
    const auto n = static_cast<size_t>(std::min<int64_t>(settings.top_logprobs, tensors.top_tokens->ne[0]));
    if (n == 0) {
        return;
    }
    std::array<float, max_top_logprobs> tokens{};
    fetch(tensors.top_tokens, tokens.data(), n);
    fetch(tensors.top_logprobs, draw.top_logprobs.data(), n);
    draw.n_top = 0;
    for (size_t i = 0; i < n; ++i) {
        // tokens that may never be drawn have no probability: -infinity here
        if (draw.top_logprobs[i] > -logit_bound) {
            draw.top_tokens[static_cast<size_t>(draw.n_top)] = static_cast<int32_t>(tokens[i]);
            draw.top_logprobs[static_cast<size_t>(draw.n_top)] = draw.top_logprobs[i];
            ++draw.n_top;
        }
    }
}

}  // namespace rast
