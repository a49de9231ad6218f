// The sampler of one context: draws from fused rows, hands rows to another context, or both.
//
// llama.cpp's backend sampling is experimental: this file and ensemble_sampler.cpp are the only users of it.
// One object serves all sequences of a context. Engine thread only.
#pragma once

#include "device_tensors.h"
#include "sampler_graph.h"
#include "sampler_row.h"
#include "sampler_settings.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rast {

enum class sampler_choice { automatic, device, host };

// Ids that may be drawn: below n_drawable and not in masked (ascending).
struct drawable_tokens {
    int32_t n_drawable = 0;
    std::vector<int32_t> masked;
};

struct sampler_plan {
    int32_t n_vocab = 0;  // columns of this context's logits
    int32_t rows = 1;     // outputs per decode at most
    int32_t threads = 1;  // of the CPU
    bool draws = false;   // gives tokens
    int pairs = 0;        // (expert, antiexpert) pairs added to its logits
    sampler_choice choice = sampler_choice::automatic;
    drawable_tokens drawable;
    row_store * tap = nullptr;  // also writes its rows of logits there
};

class ensemble_sampler {
  public:
    explicit ensemble_sampler(sampler_plan plan);
    ~ensemble_sampler();
    ensemble_sampler(const ensemble_sampler &) = delete;
    ensemble_sampler & operator=(const ensemble_sampler &) = delete;

    // A chain for one sequence id, to be attached at context creation. Owned by this object.
    llama_sampler * make_chain();

    // Set after context creation, when llama.cpp has named the output device.
    bool on_host_path() const { return host_path_; }

    const std::string & reason() const { return reason_; }

    const std::string & failure() const { return failure_; }

    std::string device_name() const;

    // Where small models write: pair k of this sampler.
    row_store & expert_store(int pair) { return *stores_[static_cast<size_t>(pair) * 2]; }

    row_store & antiexpert_store(int pair) { return *stores_[static_cast<size_t>(pair) * 2 + 1]; }

    // Whether graphs draw. A change must come with other sequence ids: that makes llama.cpp build a new graph.
    bool drawing() const { return drawing_; }

    void set_drawing(bool drawing) { drawing_ = drawing; }

    // Before a decode: the settings of row i of the batch, and where its logits go (-1 = nowhere).
    void set_row(int32_t row, const row_settings & settings);
    void set_tap(int32_t row, int32_t target);
    void upload();

    // After the decode has finished: moves rows to another device where the tap lies there.
    void deliver_taps(int32_t rows);

    // The token of a row; finishes it on the host if the device did not.
    // `output` is the row's index in the batch, for llama.cpp.
    row_draw read_row(llama_context * ctx, int32_t row, int32_t output);

    // f32[n_drawable]: what a row with `keep` was drawn from, fused, masked and adjusted.
    std::vector<float> fused_row(int32_t row);

    // What every decode copies to the host for each of its rows: the token.
    int64_t bytes_per_row() const { return plan_.draws && drawing_ && !host_path_ ? 4 : 0; }

    struct traffic {
        int64_t bytes = 0;       // read for log-probabilities of rows drawn on the device
        int64_t host_rows = 0;   // rows finished on the host
        int64_t host_bytes = 0;  // read for those
    };

    // Of the last read_row.
    const traffic & last_traffic() const { return last_; }

    size_t device_bytes() const;

    // Room for the rows that the CPU works on.
    size_t host_bytes() const;

    // Milliseconds that the CPU spent on rows since the last call: its node in the graph, and rows finished on the
    // host.
    double take_cpu_ms();

    // Graphs that llama.cpp has built with its nodes, whether they have outputs or not.
    int32_t graphs_built() const { return graphs_built_; }

  private:
    static bool on_backend_init(llama_sampler * self, ggml_backend_buffer_type_t buft, uint32_t rows);
    static void on_backend_apply(llama_sampler * self, ggml_context * ctx, ggml_cgraph * graph,
                                 llama_sampler_data * data);
    static void on_backend_reset(llama_sampler * self);
    static void on_cpu_rows(ggml_tensor * out, int thread, int threads, void * self);

    void bind(ggml_backend_buffer_type_t buft);
    void bind_stores(ggml_backend_buffer_type_t buft);
    void choose_path(ggml_backend_buffer_type_t buft);
    void build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe);
    void cpu_row(const float * logits, int32_t row, row_scratch & scratch);
    row_inputs read_fused(int32_t row);
    row_draw finish_on_host(int32_t row);
    void read_logprobs(int32_t row, row_draw & draw);

    sampler_plan plan_;
    bool bound_ = false;
    bool on_cpu_ = false;
    bool host_path_ = false;
    bool drawing_ = true;
    std::string reason_;
    std::string failure_;
    ggml_backend_buffer_type_t buft_ = nullptr;

    llama_sampler_i interface_{};
    std::vector<llama_sampler *> chains_;

    std::vector<std::unique_ptr<row_store>> stores_;  // expert 0, antiexpert 0, expert 1, ...
    std::unique_ptr<row_store> local_tap_;            // when plan_.tap lies on another device
    std::unique_ptr<device_tensors> settings_memory_;
    graph_tensors tensors_;
    ggml_tensor * tap_rows_ = nullptr;  // i64[rows + 1]
    std::optional<graph_settings> graph_settings_;

    std::vector<row_settings> rows_;
    std::vector<bool> device_adjusted_;
    std::vector<int64_t> tap_targets_;
    std::vector<row_draw> cpu_draws_;
    std::vector<std::vector<float>> kept_rows_;  // of the CPU path, where asked for
    std::vector<row_scratch> scratches_;         // one per thread of the CPU path; [0] also for the host path
    std::vector<double> thread_ms_;              // of the CPU path's node, by thread
    double host_ms_ = 0;                         // of rows finished on the host
    std::vector<float> host_row_;
    traffic last_;

    int32_t graphs_built_ = 0;
    bool reset_ = false;  // since the last apply

    // of the graph that is being built
    ggml_tensor * built_for_ = nullptr;
    ggml_tensor * tokens_ = nullptr;
};

}  // namespace rast
