#include "logits_sink.h"

#include "sampler_graph.h"
#include "sampling_steps.h"

#include <algorithm>

namespace rast {

namespace {

void copy_bounded(const float * from, float * to, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        const float v = from[i];
        to[i] = v > logit_bound ? logit_bound : (v < -logit_bound ? -logit_bound : v);
    }
}

}  // namespace

logits_sink::logits_sink(row_store & target, int32_t n_vocab, int32_t rows, cpu_clock & clock)
    : target_(target),
      n_vocab_(n_vocab),
      rows_(rows),
      clock_(clock),
      memory_(1),
      targets_(static_cast<size_t>(rows) + 1, -1) {}

bool logits_sink::allocate(ggml_backend_buffer_type_t buft, bool on_cpu) {
    on_cpu_ = on_cpu;
    if (target_.buffer_type() != buft) {
        local_ = std::make_unique<row_store>(buft, target_.width(), rows_);
        if (!local_->ok()) {
            return false;
        }
    }
    if (on_cpu_) {
        return true;
    }
    row_numbers_ = ggml_new_tensor_1d(memory_.context(), GGML_TYPE_I64, rows_ + 1);
    return memory_.allocate(buft);
}

void logits_sink::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits) {
    if (!on_cpu_) {
        build_sink(ctx, graph, logits, written().tensor(), row_numbers_);
        return;
    }
    ggml_tensor * arguments[] = {logits};
    ggml_build_forward_expand(graph, ggml_custom_4d(ctx, GGML_TYPE_I32, logits->ne[1], 1, 1, 1, arguments, 1,
                                                    on_cpu_rows, GGML_N_TASKS_MAX, this));
}

void logits_sink::on_cpu_rows(ggml_tensor * out, int thread, int threads, void * self) {
    auto * sink = static_cast<logits_sink *>(self);
    const ggml_tensor * logits = out->src[0];
    const auto start = cpu_clock::now();
    for (int64_t row = thread; row < logits->ne[1]; row += threads) {
        sink->copy_row(reinterpret_cast<const float *>(static_cast<const char *>(logits->data) +
                                                       static_cast<size_t>(row) * logits->nb[1]),
                       static_cast<int32_t>(row));
    }
    sink->clock_.add_of_node(thread, start);
}

void logits_sink::copy_row(const float * logits, int32_t row) const {
    const int64_t target = targets_[static_cast<size_t>(row)];
    if (target >= 0) {
        copy_bounded(logits, written().host_row(local_ ? row : target), std::min(n_vocab_, written().width()));
    }
}

void logits_sink::set_row(int32_t row, int32_t target) {
    targets_[static_cast<size_t>(row)] = target;
    if (target >= 0 && !local_) {
        target_.mark_written(target);
    }
}

void logits_sink::upload() {
    if (row_numbers_ == nullptr) {
        return;
    }
    std::vector<int64_t> numbers(targets_.size());
    const int64_t spare = rows_;
    for (size_t i = 0; i < numbers.size(); ++i) {
        const bool kept = targets_[i] >= 0;
        numbers[i] = !kept ? spare : local_ ? static_cast<int64_t>(i) : targets_[i];
    }
    ggml_backend_tensor_set(row_numbers_, numbers.data(), 0, numbers.size() * sizeof(int64_t));
}

void logits_sink::deliver(int32_t rows) {
    if (!local_) {
        return;
    }
    for (int32_t row = 0; row < rows; ++row) {
        const int64_t target = targets_[static_cast<size_t>(row)];
        if (target >= 0) {
            local_->copy_row_to(target_, row, static_cast<int32_t>(target));
        }
    }
}

size_t logits_sink::device_bytes() const {
    return memory_.bytes() + (local_ ? local_->bytes() : 0);
}

}  // namespace rast
