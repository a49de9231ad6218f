#include "tensor_rows.h"

#include "../error.h"
#include "file_kind.h"
#include "model_facts.h"

#include <algorithm>
#include <cstring>

namespace rast {

tensor_rows::tensor_rows(const std::string & model, const std::string & name) {
    const gguf_file first(model);
    const std::vector<std::string> files = model_files(first);
    for (size_t i = 0; i < files.size(); ++i) {
        std::unique_ptr<gguf_file> other;
        const gguf_file * part = &first;
        if (i > 0) {
            other = std::make_unique<gguf_file>(files[i]);
            part = other.get();
        }
        const int64_t index = gguf_find_tensor(part->get(), name.c_str());
        if (index < 0) {
            continue;
        }
        path_ = part->path();
        type_ = gguf_get_tensor_type(part->get(), index);
        const int64_t * ne = gguf_get_tensor_ne(part->get(), index);
        std::copy(ne, ne + shape_.size(), shape_.begin());
        offset_ = gguf_get_data_offset(part->get()) + gguf_get_tensor_offset(part->get(), index);
        row_bytes_ = ggml_row_size(type_, shape_[0]);
        if (type_ != GGML_TYPE_F32 && ggml_get_type_traits(type_)->to_float == nullptr) {
            throw rast_error("ERR_MODEL_INVALID",
                             model + " has a tensor " + name + " of the type " + ggml_type_name(type_) +
                                 ", which cannot be turned into numbers",
                             {{"path", model}, {"tensor", name}});
        }
        in_.open(native_path(path_), std::ios::binary);
        return;
    }
    throw rast_error("ERR_MODEL_INVALID", model + " has no tensor " + name, {{"path", model}, {"tensor", name}});
}

void tensor_rows::read(int64_t first, int64_t count, float * out) {
    const size_t bytes = row_bytes_ * static_cast<size_t>(count);
    raw_.resize(bytes);
    in_.seekg(static_cast<std::streamoff>(offset_ + row_bytes_ * static_cast<uint64_t>(first)));
    if (!in_.read(raw_.data(), static_cast<std::streamsize>(bytes))) {
        throw rast_error("ERR_FILE_UNREADABLE", "Could not read " + path_, {{"path", path_}});
    }
    if (type_ == GGML_TYPE_F32) {
        std::memcpy(out, raw_.data(), bytes);
    } else {
        ggml_get_type_traits(type_)->to_float(raw_.data(), out, count * shape_[0]);
    }
}

}  // namespace rast
