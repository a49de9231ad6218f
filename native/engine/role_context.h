// One model with its context and sampler.
#pragma once

#include "../llama/handles.h"
#include "../sampling/ensemble_sampler.h"
#include "adapter_set.h"
#include "cpu_threads.h"
#include "engine_config.h"
#include "engine_info.h"
#include "sequence_memory.h"
#include "token_map.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rast {

// What all contexts of an engine have in common: no sampler, one output per slot.
llama_context_params context_params(const engine_config & engine, int32_t threads, const std::atomic<bool> & stopping);

class role_context {
  public:
    // Loads the model. `keep_going` is asked now and then, with progress from 0 to 1; false aborts the load.
    // Throws ERR_MODEL_LOAD, ERR_NO_TOKENIZER, ERR_DEVICE_NOT_FOUND, ERR_LOAD_ABORTED.
    role_context(role which, const model_config & model, const engine_config & engine,
                 const std::function<bool(float)> & keep_going);

    // In another role, over a model that is loaded already: no file is read.
    role_context(role which, const model_config & model, const role_context & loaded);

    // Before create(), and before that of any context over the same model. Throws what adapter_set::load throws.
    void load_adapters(const model_config & model);

    // Makes the context. Throws ERR_CONTEXT_CREATE, ERR_MODEL_LOAD for a model that does not generate,
    // ERR_ADAPTER_UNSUPPORTED.
    void create(sampler_plan plan, const engine_config & engine, const cpu_threads & threads,
                const std::atomic<bool> & stopping, draft_memory drafts = {});

    role which() const { return role_; }

    const std::string & path() const { return path_; }

    const shared_model & model() const { return model_; }

    const llama_vocab * vocab() const { return llama_model_get_vocab(model_.get()); }

    // As many of its threads as that, from the next decode on.
    void set_threads(int32_t threads);
    int32_t threads() const { return threads_; }

    int32_t n_vocab() const { return llama_vocab_n_tokens(vocab()); }

    // Empty for the base.
    const token_map & tokens() const { return tokens_; }

    void set_tokens(token_map tokens) { tokens_ = std::move(tokens); }

    const adapter_set & adapters() const { return adapters_; }

    llama_context * get() const { return ctx_.get(); }

    ensemble_sampler & sampler() const { return *sampler_; }

    // From create() on.
    sequence_memory & memory() const { return *memory_; }

    const context_info & info() const { return info_; }

    // llama_decode, and done when it returns.
    // @returns its status. Throws ERR_INTERNAL when llama.cpp has split a batch with outputs: what the sampler gave for
    // its rows is then of no use.
    int decode(const llama_batch & batch);

  private:
    void use_adapters(const std::atomic<bool> & stopping);
    void refuse_unfit(const engine_config & engine) const;
    int32_t graphs_computed() const;

    role role_;
    std::string path_;
    int32_t threads_ = 0;  // in use
    context_info info_;
    token_map tokens_;
    // destroyed in reverse: context, then sampler, then adapters, then model
    shared_model model_;
    adapter_set adapters_;
    std::unique_ptr<ensemble_sampler> sampler_;
    std::unique_ptr<llama_context, llama_context_deleter> ctx_;
    mutable std::optional<sequence_memory> memory_;
};

}  // namespace rast
