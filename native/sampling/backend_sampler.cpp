#include "backend_sampler.h"

#include <cstddef>

namespace rast {

namespace {

backend_sampler * self_of(llama_sampler * sampler) {
    return static_cast<backend_sampler *>(sampler->ctx);
}

}  // namespace

backend_sampler::backend_sampler(graph_rows & rows) : rows_(rows) {
    interface_.name = [](const llama_sampler *) -> const char * { return "rast-ensemble"; };
    // llama.cpp asks for it; nobody samples these chains on the host
    interface_.apply = [](llama_sampler *, llama_token_data_array *) {};
    interface_.backend_init = on_init;
    interface_.backend_apply = on_apply;
    interface_.backend_reset = on_reset;
}

backend_sampler::~backend_sampler() {
    for (llama_sampler * chain : chains_) {
        llama_sampler_free(chain);
    }
}

llama_sampler * backend_sampler::make_chain() {
    llama_sampler * chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    chains_.push_back(chain);
    llama_sampler_chain_add(chain, llama_sampler_init(&interface_, this));
    return chain;
}

bool backend_sampler::on_init(llama_sampler * self, ggml_backend_buffer_type_t buft, uint32_t) {
    auto * sampler = self_of(self);
    if (!sampler->bound_) {  // once for all chains
        sampler->bound_ = true;
        sampler->rows_.bind(buft);
    }
    // llama.cpp ignores a refusal: whoever makes the context asks afterwards whether there was memory
    return true;
}

void backend_sampler::on_reset(llama_sampler * self) {
    auto * sampler = self_of(self);
    sampler->built_for_ = nullptr;
    // once per chain, all before the first apply
    sampler->graphs_built_ += sampler->reset_ ? 0 : 1;
    sampler->reset_ = true;
}

void backend_sampler::on_apply(llama_sampler * self, ggml_context * ctx, ggml_cgraph * graph,
                               llama_sampler_data * data) {
    auto * sampler = self_of(self);
    sampler->reset_ = false;
    ggml_tensor * all = data->logits->view_src;
    const bool probe = all == nullptr;  // llama.cpp counts nodes with a lone tensor of a width of its own
    if (!probe && sampler->watch_) {
        sampler->watch_(graph);
    }
    size_t row = 0;
    ggml_tensor * logits = data->logits;
    int64_t rows = 1;
    if (!probe) {
        row = data->logits->view_offs / all->nb[1];
        rows = all->ne[1] - 1;  // the last row is llama.cpp's padding
        logits = all;
    }
    // whatever is left here would be copied to the host, as wide as the vocabulary
    data->logits = nullptr;
    data->probs = nullptr;
    data->candidates = nullptr;
    data->sampled = nullptr;
    if (rows < 1) {
        return;
    }
    if (probe || sampler->built_for_ != logits) {
        sampler->built_for_ = logits;
        ggml_tensor * real = probe ? ggml_reshape_2d(ctx, logits, logits->ne[0], 1)
                                   : ggml_view_2d(ctx, logits, logits->ne[0], rows, logits->nb[1], 0);
        sampler->tokens_ = sampler->rows_.build(ctx, graph, real, probe);
    }
    if (sampler->tokens_ != nullptr) {
        data->sampled = ggml_view_1d(ctx, sampler->tokens_, 1, row * ggml_element_size(sampler->tokens_));
    }
}

}  // namespace rast
