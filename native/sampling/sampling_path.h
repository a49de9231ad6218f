// One way from rows of logits to tokens. There are three, chosen once, when llama.cpp has named the output device:
//
//   cpu_path     the output layer is on the CPU: one node of its graph does everything for a row, in C++
//   device_path  a device has every operation: the whole draw is nodes of its graph, and a few bytes reach the host
//   host_path    a device lacks one, or it was asked for: its graph only fuses, and every row is finished on the host
//
// All give the same tokens, up to rounding. Owned by the context's ensemble_sampler; engine thread only, but for nodes,
// which run on ggml's threads during a decode. After allocate() has failed nothing else is called.
#pragma once

#include "../llama/api.h"
#include "cpu_clock.h"
#include "pair_rows.h"
#include "sampler_settings.h"
#include "sampling_steps.h"
#include "token_figures.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

// What a path knows of its context. What is borrowed outlives the path.
struct path_context {
    int32_t n_vocab = 0;  // columns of the context's logits
    int32_t rows = 1;     // outputs per decode at most
    int32_t threads = 1;  // of the CPU
    drawable_tokens drawable;
    pair_rows * pairs = nullptr;
    cpu_clock * clock = nullptr;
    std::array<std::vector<int32_t>, max_pairs> lacking;  // by pair: tokens that one of its models lacks
    const figured_tokens * figured = nullptr;             // borrowed, for paths that make figures themselves
};

// What was read from a device beside the token.
struct row_traffic {
    int64_t bytes = 0;       // for log-probabilities of rows drawn on the device
    int64_t host_rows = 0;   // rows finished on the host
    int64_t host_bytes = 0;  // read for those
};

class sampling_path {
  public:
    virtual ~sampling_path() = default;
    sampling_path() = default;
    sampling_path(const sampling_path &) = delete;
    sampling_path & operator=(const sampling_path &) = delete;

    // @returns false when the device has not enough memory
    virtual bool allocate(ggml_backend_buffer_type_t buft) = 0;

    // Adds nodes for all rows of `logits` to a graph. @returns i32[n], tokens for llama.cpp to bring to the host; or
    // null
    virtual ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) = 0;

    // Before a decode: the settings of row i of the batch.
    virtual void set_row(int32_t row, const row_settings & settings) = 0;
    virtual void upload() = 0;

    // After it: the token of a row. `output` is the row's index in the batch, for llama.cpp.
    virtual row_draw read_row(llama_context * ctx, int32_t row, int32_t output) = 0;

    // f32[n_drawable]: what a row with `keep` was drawn from, fused, masked and adjusted. Once per decode and row.
    virtual std::vector<float> fused_row(int32_t row) = 0;

    // Of the last read_row() or fused_row().
    const row_traffic & last_traffic() const { return last_; }

    // Whether rows are finished on the host, as a rule.
    virtual bool on_host() const { return false; }

    // Whether read_row() gives the figures of rows that want them, and the tokens of those that are given.
    virtual bool makes_figures() const { return false; }

    // What every decode brings to the host for each of its rows.
    virtual int64_t bytes_per_row() const = 0;

    virtual size_t device_bytes() const = 0;

    // Room for the rows that the CPU works on.
    virtual size_t host_bytes() const = 0;

  protected:
    row_traffic last_;
};

}  // namespace rast
