#include "token_columns.h"

#include "sampling_steps.h"

#include <utility>

namespace rast {

token_columns::token_columns(std::vector<column_move> moves, int32_t width, int32_t rows)
    : moves_(std::move(moves)), width_(width), rows_(rows + 1), memory_(3) {}

token_columns::tensors token_columns::make(ggml_context * ctx, int64_t rows) const {
    const auto n = static_cast<int64_t>(moves_.size());
    return {ggml_new_tensor_2d(ctx, GGML_TYPE_I32, n, rows), ggml_new_tensor_2d(ctx, GGML_TYPE_I32, n, rows),
            ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n, rows)};
}

bool token_columns::allocate(ggml_backend_buffer_type_t buft) {
    tensors_ = make(memory_.context(), rows_);
    if (!memory_.allocate(buft)) {
        return false;
    }
    std::vector<int32_t> from;
    std::vector<int32_t> to;
    std::vector<float> keep;
    for (int32_t row = 0; row < rows_; ++row) {
        for (const column_move & move : moves_) {
            from.push_back(move.from < 0 ? 0 : move.from);
            to.push_back(move.to);
            keep.push_back(move.from < 0 ? 0.0F : 1.0F);
        }
    }
    ggml_backend_tensor_set(tensors_.from, from.data(), 0, from.size() * sizeof(int32_t));
    ggml_backend_tensor_set(tensors_.to, to.data(), 0, to.size() * sizeof(int32_t));
    ggml_backend_tensor_set(tensors_.keep, keep.data(), 0, keep.size() * sizeof(float));
    return true;
}

ggml_tensor * token_columns::build(ggml_context * ctx, ggml_tensor * logits, bool probe) const {
    const int64_t n = logits->ne[1];
    const auto moves = static_cast<int64_t>(moves_.size());
    const tensors t = probe ? make(ctx, n) : tensors_;
    const auto rows_of = [&](ggml_tensor * all) { return ggml_view_2d(ctx, all, moves, n, all->nb[1], 0); };
    ggml_tensor * wide =
        logits->ne[0] < width_ ? ggml_pad(ctx, logits, width_ - static_cast<int32_t>(logits->ne[0]), 0, 0, 0) : logits;
    const int64_t width = wide->ne[0];
    ggml_tensor * as_rows = ggml_reshape_3d(ctx, wide, 1, width, n);
    // what a column becomes is read before any is written
    ggml_tensor * values = ggml_clamp(ctx, ggml_get_rows(ctx, as_rows, rows_of(t.from)), -logit_bound, logit_bound);
    values = ggml_mul(ctx, values, ggml_reshape_3d(ctx, rows_of(t.keep), 1, moves, n));
    return ggml_reshape_2d(ctx, ggml_set_rows(ctx, as_rows, values, rows_of(t.to)), width, n);
}

}  // namespace rast
