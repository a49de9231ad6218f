#include "pair_rows.h"

namespace rast {

bool pair_rows::allocate(ggml_backend_buffer_type_t buft, int pairs, int32_t n_vocab, int32_t rows) {
    bool ok = true;
    for (int i = 0; i < pairs * 2; ++i) {
        stores_.push_back(std::make_unique<row_store>(buft, n_vocab, rows));
        ok = ok && stores_.back()->ok();
    }
    return ok;
}

void pair_rows::clear_unused(int32_t row, const row_settings & settings) {
    for (int k = 0; k < count(); ++k) {
        if (settings.lambda[static_cast<size_t>(k)] == 0.0F) {
            expert(k).clear_row(row);
            antiexpert(k).clear_row(row);
        }
    }
}

std::vector<graph_pair> pair_rows::tensors(ggml_context * ctx, ggml_tensor * logits, bool probe) const {
    std::vector<graph_pair> out;
    for (int k = 0; k < count(); ++k) {
        if (probe) {
            out.push_back({ggml_new_tensor_2d(ctx, GGML_TYPE_F32, logits->ne[0], 1),
                           ggml_new_tensor_2d(ctx, GGML_TYPE_F32, logits->ne[0], 1)});
        } else {
            out.push_back({expert(k).tensor(), antiexpert(k).tensor()});
        }
    }
    return out;
}

void pair_rows::point_to(int32_t row, row_inputs & in) const {
    for (int k = 0; k < count(); ++k) {
        in.expert[static_cast<size_t>(k)] = expert(k).host_row(row);
        in.antiexpert[static_cast<size_t>(k)] = antiexpert(k).host_row(row);
    }
}

size_t pair_rows::bytes() const {
    size_t bytes = 0;
    for (const auto & store : stores_) {
        bytes += store->bytes();
    }
    return bytes;
}

}  // namespace rast
