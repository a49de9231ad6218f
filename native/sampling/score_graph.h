// Figures of tokens (token_figures) on the device that holds the rows: a graph of its own, run after a decode over the
// rows as they lie there, of which some thirty numbers a row come to the host. Requests that ask for no figures pay
// nothing for it.
#pragma once

#include "../llama/api.h"
#include "device_tensors.h"
#include "pair_rows.h"
#include "sampling_path.h"
#include "token_figures.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rast {

struct graph_row {
    int32_t token = 0;
    std::array<float, max_pairs> lambda{};
};

// Owns a backend of the device, so that it runs on a stream of its own: whoever calls has waited for the decode. Engine
// thread only.
class score_graph {
  public:
    // Makes nothing on the device yet. @param tokens must outlive it
    score_graph(const path_context & context, const figured_tokens & tokens, ggml_backend_buffer_type_t buft);

    // @returns what the device lacks; empty if it can be used
    std::string prepare();

    // Rows that one run can have.
    int32_t most_rows() const { return most_rows_; }

    // Of rows `first` on of the latest decode, which all have the same figured_pair(), and more than one token.
    // @param logits rows of the base, as llama.cpp has them
    // @returns by row: null where nothing can be drawn. Empty when the device could not run it
    std::vector<std::shared_ptr<const token_figures>> run(ggml_tensor * logits, int32_t first,
                                                          std::span<const graph_row> rows, int32_t top,
                                                          int64_t & bytes);

    size_t device_bytes() const;

  private:
    struct backend_deleter {
        void operator()(ggml_backend * backend) const { ggml_backend_free(backend); }
    };
    struct allocator_deleter {
        void operator()(ggml_gallocr * allocator) const { ggml_gallocr_free(allocator); }
    };
    // Persistent tensors: what never changes, what a run is told, what it gives.
    struct tensors {
        ggml_tensor * mask = nullptr;  // f32[n_vocab]: 0, or never_logit_on_device
        std::array<ggml_tensor *, max_pairs> pair_masks{};
        ggml_tensor * ids = nullptr;      // f32[n_vocab]: 0, 1, 2, ...
        ggml_tensor * tokens = nullptr;   // i32[1, rows]
        ggml_tensor * token = nullptr;    // f32[1, rows]: the same
        ggml_tensor * lambdas = nullptr;  // f32[rows, pairs], as many rows as a run has; the next likewise
        ggml_tensor * figures = nullptr;  // f32[rows, figure_count]
        // f32[top, rows]: ids of the likeliest under base and ensemble, and the logits of those under both
        std::array<ggml_tensor *, 6> likeliest{};
    };

    tensors make(ggml_context * ctx) const;
    void build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, int32_t first, int64_t n, int pair,
               bool top) const;
    std::string missing_operation() const;
    void upload(std::span<const graph_row> rows) const;

    path_context context_;
    const figured_tokens & tokens_;
    ggml_backend_buffer_type_t buft_;
    int32_t most_rows_;
    int32_t n_top_;
    device_tensors memory_;
    tensors t_;
    std::unique_ptr<ggml_backend, backend_deleter> backend_;
    std::unique_ptr<ggml_gallocr, allocator_deleter> allocator_;  // of what a run works with
};

}  // namespace rast
