// Where the rows of logits of one context are also written to: rows of another context's pairs. On the CPU a node
// copies them; on a device nodes do, and if the target lies on another one, into rows of its own first, which go over
// device to device after the decode.
#pragma once

#include "../llama/api.h"
#include "cpu_clock.h"
#include "device_tensors.h"
#include "row_store.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace rast {

// Borrows the target and the clock. Engine thread only; the node runs on ggml's threads during a decode.
class logits_sink {
  public:
    // @param rows outputs per decode at most
    logits_sink(row_store & target, int32_t n_vocab, int32_t rows, cpu_clock & clock);

    // @param on_cpu whether `buft` is memory of the CPU
    // @returns false when the device has not enough memory
    bool allocate(ggml_backend_buffer_type_t buft, bool on_cpu);

    void build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits);

    // Before a decode: where row `row` of the batch goes; -1 for nowhere.
    void set_row(int32_t row, int32_t target);
    void upload();

    // After it: moves rows to another device where the target lies there.
    void deliver(int32_t rows);

    size_t device_bytes() const;

  private:
    static void on_cpu_rows(ggml_tensor * out, int thread, int threads, void * self);
    void copy_row(const float * logits, int32_t row) const;

    row_store & written() const { return local_ ? *local_ : target_; }

    row_store & target_;
    int32_t n_vocab_;
    int32_t rows_;
    cpu_clock & clock_;
    bool on_cpu_ = false;
    std::unique_ptr<row_store> local_;  // where the target lies on another device
    device_tensors memory_;
    ggml_tensor * row_numbers_ = nullptr;  // i64[rows + 1], on a device
    std::vector<int64_t> targets_;
};

}  // namespace rast
