// Models beside the engine, for comparison: contexts of their own, without samplers, whose logits are read whole.
#pragma once

#include "../engine/batch_builder.h"
#include "../engine/role_context.h"
#include "harness.h"
#include "reference.h"

#include <memory>
#include <vector>

namespace rast::test {

class plain_context {
  public:
    // @param sequences that it may hold
    plain_context(const model_config & config, const engine_config & engine, uint32_t sequences);

    int32_t n_vocab() const { return llama_vocab_n_tokens(llama_model_get_vocab(model_.get())); }

    const llama_vocab * vocab() const { return llama_model_get_vocab(model_.get()); }

    // Decodes tokens[n_past..) and returns the logits of the last.
    // @param in_company with rows of another sequence between
    const float * advance(const std::vector<llama_token> & tokens, bool in_company = false);
    void restart();

    int splits = 0;

  private:
    shared_model model_;
    std::unique_ptr<llama_context, llama_context_deleter> ctx_;
    size_t batch_size_ = 0;
    size_t n_past_ = 0;
};

// All models of an engine: what it must draw after a history.
class plain_models {
  public:
    // @param in_company whether noise() will be asked for, which needs room for another sequence
    explicit plain_models(const engine_config & config, bool in_company = false);

    // To another history.
    void restart();

    // @param history continues the one of the last call
    reference_row expected(const std::vector<llama_token> & history, const row_settings & settings,
                           bool in_company = false);

    // How far the fused logits of a position part when its history is decoded in batches of other shapes and in
    // company: kernels sum in other orders, and quantized activations round to other steps.
    double noise(const std::vector<llama_token> & history, const row_settings & settings);

    const llama_vocab * vocab() const { return contexts_[0]->vocab(); }

    int splits() const { return contexts_[0]->splits; }

    // Logits behind a history, borrowed until the next call.
    struct rows {
        const float * base = nullptr;
        std::vector<std::pair<const float *, const float *>> pairs;
    };

    rows read(const std::vector<llama_token> & history, bool in_company = false);

    int32_t n_drawable() const { return n_drawable_; }

    const std::vector<int32_t> & masked() const { return masked_; }

  private:
    std::vector<std::unique_ptr<plain_context>> contexts_;  // base, expert, antiexpert, expert, ...
    int32_t n_drawable_ = 0;
    std::vector<int32_t> masked_;
};

// The settings that position `history.size()` of a request must have, counted afresh.
row_settings settings_at(const request & wanted, const std::vector<llama_token> & history);

// Requests of every kind of settings, by number.
request request_of(const std::vector<llama_token> & prompt, int index, size_t pairs, int max_tokens);

// Tokens of --prompt.
std::vector<llama_token> prompt_tokens(const arguments & args, const llama_vocab * vocab);

}  // namespace rast::test
