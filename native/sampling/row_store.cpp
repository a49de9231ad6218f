#include "row_store.h"

namespace rast {

row_store::row_store(ggml_backend_buffer_type_t buft, int32_t width, int32_t rows)
    : buft_(buft), tensors_(static_cast<size_t>(rows) + 2), written_(static_cast<size_t>(rows) + 1, false) {
    tensor_ = ggml_new_tensor_2d(tensors_.context(), GGML_TYPE_F32, width, rows + 1);
    for (int32_t row = 0; row <= rows; ++row) {
        rows_.push_back(ggml_view_1d(tensors_.context(), tensor_, width, static_cast<size_t>(row) * tensor_->nb[1]));
    }
    ok_ = tensors_.allocate(buft);
}

void row_store::read_row(int32_t row, std::vector<float> & out) const {
    out.resize(static_cast<size_t>(width()));
    ggml_backend_tensor_get(tensor_, out.data(), static_cast<size_t>(row) * tensor_->nb[1], tensor_->nb[1]);
}

void row_store::clear_row(int32_t row) {
    const auto at = static_cast<size_t>(row);
    if (written_[at]) {
        ggml_backend_tensor_memset(tensor_, 0, at * tensor_->nb[1], tensor_->nb[1]);
        written_[at] = false;
    }
}

void row_store::copy_row_to(row_store & target, int32_t from, int32_t to) {
    ggml_backend_tensor_copy(rows_[static_cast<size_t>(from)], target.rows_[static_cast<size_t>(to)]);
    target.mark_written(to);
}

}  // namespace rast
