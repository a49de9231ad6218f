// The sampler of one context: draws from fused rows, hands rows to another context, or both.
#pragma once

#include "backend_sampler.h"
#include "cpu_clock.h"
#include "figure_reader.h"
#include "logits_sink.h"
#include "pair_rows.h"
#include "sampler_settings.h"
#include "sampling_path.h"
#include "sampling_steps.h"
#include "token_columns.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rast {

struct sampler_plan {
    int32_t n_vocab = 0;  // columns of this context's logits, once they are in the order of the base
    int32_t rows = 1;     // outputs per decode at most
    int32_t threads = 1;  // of the CPU
    bool draws = false;   // gives tokens
    int pairs = 0;        // (expert, antiexpert) pairs added to its logits
    sampler_choice choice = sampler_choice::automatic;
    bool in_main_memory = false;  // where the output layer is, though llama.cpp says that it is on a device
    drawable_tokens drawable;
    row_store * sink = nullptr;       // also writes its rows of logits there; borrowed
    std::vector<column_move> moves;   // brings its columns into the order of the base
    std::vector<column_move> blanks;  // columns that are 0 in what it writes there, though it may draw them
    std::array<std::vector<int32_t>, max_pairs> lacking;  // by pair: tokens that one of its models lacks
};

// Owns the rows of the pairs, the way its rows are drawn on (sampling_path) and the chains that llama.cpp is given, so
// it outlives its context, and its sink outlives it. Made before the context: what it will draw with is known, and
// failure() says, once llama.cpp has made one.
//
// Engine thread only. A decode that fails leaves settings as they were set; tokens are those of the last one that did
// not.
class ensemble_sampler : private graph_rows {
  public:
    explicit ensemble_sampler(sampler_plan plan);
    ~ensemble_sampler() override = default;
    ensemble_sampler(const ensemble_sampler &) = delete;
    ensemble_sampler & operator=(const ensemble_sampler &) = delete;

    // A chain for one sequence id, to be attached at context creation. Owned by this object.
    llama_sampler * make_chain() { return backend_.make_chain(); }

    // ---- after context creation, when llama.cpp has named the output device

    // Whether rows are finished on the host.
    bool on_host_path() const { return path_ != nullptr && path_->on_host(); }

    // Why rows are drawn where they are.
    const std::string & reason() const { return reason_; }

    // What there was no memory or no operation for; empty if all is well.
    const std::string & failure() const { return failure_; }

    std::string device_name() const;

    // Where small models write: pair k of this sampler.
    row_store & expert_store(int pair) { return pairs_.expert(pair); }

    row_store & antiexpert_store(int pair) { return pairs_.antiexpert(pair); }

    size_t device_bytes() const;

    // Room for the rows that the CPU works on.
    size_t host_bytes() const { return path_ ? path_->host_bytes() : 0; }

    // Graphs that llama.cpp has built with its nodes, whether they have outputs or not.
    int32_t graphs_built() const { return backend_.graphs_built(); }

    // See backend_sampler.
    void watch_graphs(std::function<void(ggml_cgraph *)> watch) { backend_.watch_graphs(std::move(watch)); }

    // ---- before a decode

    // Whether graphs draw. A change must come with other sequence ids: that makes llama.cpp build a new graph.
    bool drawing() const { return drawing_; }

    void set_drawing(bool drawing) { drawing_ = drawing; }

    // The settings of row i of the batch, and where its logits go (-1 = nowhere).
    void set_row(int32_t row, const row_settings & settings);
    void set_sink(int32_t row, int32_t target);
    void upload();

    // ---- after it has finished

    // Moves rows to another device where the sink lies there.
    void deliver_rows(int32_t rows);

    // The token of a row, with its figures where they were asked for; finishes it on the host if the device did not.
    // `output` is the row's index in the batch, for llama.cpp. Once for each row.
    row_draw read_row(llama_context * ctx, int32_t row, int32_t output);

    // f32[n_drawable]: what a row with `keep` was drawn from, fused, masked and adjusted.
    std::vector<float> fused_row(int32_t row);

    // Of a row with figures: what those of another token than the drawn one are made of.
    std::shared_ptr<const kept_rows> keep_rows(int32_t row);

    // What every decode copies to the host for each of its rows: the token.
    int64_t bytes_per_row() const { return path_ && drawing_ ? path_->bytes_per_row() : 0; }

    // Of the last read_row(), fused_row() or keep_rows().
    const row_traffic & last_traffic() const { return last_; }

    // Milliseconds that the CPU spent on rows since the last call: its nodes in the graph, and rows finished on the
    // host.
    double take_cpu_ms() { return clock_.take(); }

  private:
    void bind(ggml_backend_buffer_type_t buft) override;
    ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) override;

    std::unique_ptr<sampling_path> choose_path(ggml_backend_dev_t device, bool on_cpu);
    path_context context_of_path();
    void see_rows(ggml_tensor * logits);

    sampler_plan plan_;
    bool drawing_;
    std::string reason_;
    std::string failure_;
    ggml_backend_buffer_type_t buft_ = nullptr;

    cpu_clock clock_;
    pair_rows pairs_;
    std::optional<logits_sink> sink_;
    std::optional<token_columns> moves_;
    std::optional<token_columns> blanks_;
    std::unique_ptr<sampling_path> path_;  // none where it only writes to its sink
    std::optional<figure_reader> figures_;
    row_traffic last_;
    backend_sampler backend_;
};

}  // namespace rast
