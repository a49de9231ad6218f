#include "fused_memory.h"

namespace rast {

fused_memory::fused_memory(const path_context & context, bool drawing)
    : context_(context),
      drawing_(drawing),
      memory_(graph_tensors::count),
      rows_(static_cast<size_t>(context.rows) + 1),
      adjusted_(rows_.size(), false) {}

bool fused_memory::allocate(ggml_backend_buffer_type_t buft) {
    tensors_ = graph_tensors::create(memory_.context(), context_.n_vocab, context_.rows + 1, drawing_);
    uploaded_.emplace(context_.n_vocab, context_.rows + 1);
    if (!memory_.allocate(buft)) {
        return false;
    }
    tensors_.fill_mask(context_.drawable);
    if (drawing_) {
        tensors_.fill_rank();
    }
    return true;
}

graph_tensors fused_memory::tensors_for(ggml_context * ctx, ggml_tensor * logits, bool probe) const {
    return probe ? graph_tensors::create(ctx, static_cast<int32_t>(logits->ne[0]), 1, drawing_) : tensors_;
}

void fused_memory::set_row(int32_t row, const row_settings & settings) {
    rows_[static_cast<size_t>(row)] = settings;
    adjusted_[static_cast<size_t>(row)] = uploaded_->set(row, settings) && drawing_;
}

row_draw fused_memory::draw_on_host(int32_t row, row_traffic & traffic) {
    const auto start = cpu_clock::now();
    const row_draw draw = draw_row(read(row, traffic), settings(row), scratch_);
    context_.clock->add_of_host(start);
    return draw;
}

std::vector<float> fused_memory::fused_row(int32_t row, row_traffic & traffic) {
    std::vector<float> out;
    fuse_row(read(row, traffic), settings(row), scratch_, out);
    return out;
}

row_inputs fused_memory::read(int32_t row, row_traffic & traffic) {
    read_.resize(static_cast<size_t>(context_.n_vocab));
    const size_t bytes = read_.size() * sizeof(float);
    ggml_backend_tensor_get(tensors_.fused, read_.data(), static_cast<size_t>(row) * tensors_.fused->nb[1], bytes);
    traffic = {};
    traffic.host_rows = 1;
    traffic.host_bytes = static_cast<int64_t>(bytes);
    row_inputs in;
    in.logits = read_.data();
    in.n_vocab = context_.n_vocab;
    in.n_drawable = context_.drawable.n_drawable;
    in.masked = &context_.drawable.masked;
    in.adjusted = adjusted_[static_cast<size_t>(row)];
    return in;
}

}  // namespace rast
