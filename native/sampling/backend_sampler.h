// llama.cpp's backend sampling, which lets a sampler add nodes to a context's graph. It is experimental: this file and
// backend_sampler.cpp alone know it, and turn it into two calls.
//
// One object serves all sequences of a context. A sequence id gets a trivial chain that points here, attached when the
// context is made and never changed. llama.cpp then calls, per graph: backend_reset of every chain, backend_apply of
// each output. The first apply makes the nodes for all rows (`logits->view_src` is the whole matrix), the others return
// a view of the result.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace rast {

// What the sampler adds to a graph. Called on the engine thread, within llama.cpp.
class graph_rows {
  public:
    virtual ~graph_rows() = default;

    // Once, while the context is made: llama.cpp has named the buffer type of the output layer.
    virtual void bind(ggml_backend_buffer_type_t buft) = 0;

    // @param logits f32[n_vocab, n]: all rows of the graph; one row of a width of llama.cpp's own if `probe`, when it
    //     counts nodes
    // @returns i32[n], the tokens that llama.cpp brings to the host; null for none
    virtual ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) = 0;
};

// Owns the chains, which must outlive the context they are attached to. Engine thread only.
class backend_sampler {
  public:
    // Borrows `rows` for as long as it lives.
    explicit backend_sampler(graph_rows & rows);
    ~backend_sampler();
    backend_sampler(const backend_sampler &) = delete;
    backend_sampler & operator=(const backend_sampler &) = delete;

    // A chain for one sequence id, to be attached at context creation. Owned by this object.
    llama_sampler * make_chain();

    // Graphs that llama.cpp has built with these nodes, whether they have outputs or not.
    int32_t graphs_built() const { return graphs_built_; }

    // Is shown every graph that llama.cpp builds from now on, from within; an empty function ends it.
    void watch_graphs(std::function<void(ggml_cgraph *)> watch) { watch_ = std::move(watch); }

    // What the graph drew at an output of the last decode.
    static llama_token drawn_token(llama_context * ctx, int32_t output) {
        return llama_get_sampled_token_ith(ctx, output);
    }

  private:
    static bool on_init(llama_sampler * self, ggml_backend_buffer_type_t buft, uint32_t rows);
    static void on_apply(llama_sampler * self, ggml_context * ctx, ggml_cgraph * graph, llama_sampler_data * data);
    static void on_reset(llama_sampler * self);

    graph_rows & rows_;
    std::function<void(ggml_cgraph *)> watch_;
    llama_sampler_i interface_{};
    std::vector<llama_sampler *> chains_;
    bool bound_ = false;

    int32_t graphs_built_ = 0;
    bool reset_ = false;  // since the last apply

    // of the graph that is being built
    ggml_tensor * built_for_ = nullptr;
    ggml_tensor * tokens_ = nullptr;
};

}  // namespace rast
