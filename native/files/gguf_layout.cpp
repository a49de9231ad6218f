#include "gguf_layout.h"

#include "../error.h"
#include "file_kind.h"
#include "tokenizer_view.h"

#include <cstring>
#include <fstream>

namespace rast {

namespace {

constexpr size_t longest_text = 4096;

uint64_t bytes_of_number(uint32_t type) {
    switch (type) {
        case GGUF_TYPE_UINT8:
        case GGUF_TYPE_INT8:
        case GGUF_TYPE_BOOL: return 1;
        case GGUF_TYPE_UINT16:
        case GGUF_TYPE_INT16: return 2;
        case GGUF_TYPE_UINT32:
        case GGUF_TYPE_INT32:
        case GGUF_TYPE_FLOAT32: return 4;
        default: return 8;
    }
}

// The bytes of a header, one thing after the other.
class header_bytes {
  public:
    header_bytes(const std::string & path, uint64_t size) : path_(path), bytes_(size) {
        std::ifstream file(native_path(path), std::ios::binary);
        if (!file.read(bytes_.data(), static_cast<std::streamsize>(size))) {
            throw rast_error("ERR_FILE_UNREADABLE", "Could not read " + path, {{"path", path}});
        }
    }

    uint64_t at() const { return at_; }

    template <class T>
    T take() {
        T out;
        std::memcpy(&out, skip(sizeof(T)), sizeof(T));
        return out;
    }

    std::string take_text() {
        const auto size = take<uint64_t>();
        return {skip(size), static_cast<size_t>(size)};
    }

    const char * skip(uint64_t size) {
        if (size > bytes_.size() - at_) {
            throw rast_error("ERR_MODEL_INVALID", path_ + " is damaged: its header has no end", {{"path", path_}});
        }
        const char * out = bytes_.data() + at_;
        at_ += size;
        return out;
    }

    void skip_array(uint32_t element_type, uint64_t count) {
        if (element_type == GGUF_TYPE_STRING) {
            for (uint64_t i = 0; i < count; ++i) {
                skip(take<uint64_t>());
            }
        } else if (count > bytes_.size()) {
            skip(UINT64_MAX);
        } else {
            skip(count * bytes_of_number(element_type));
        }
    }

  private:
    const std::string & path_;
    std::vector<char> bytes_;
    uint64_t at_ = 0;
};

void read_value(header_bytes & header, gguf_key & key) {
    switch (key.type) {
        case GGUF_TYPE_UINT8: key.value = static_cast<double>(header.take<uint8_t>()); break;
        case GGUF_TYPE_INT8: key.value = static_cast<double>(header.take<int8_t>()); break;
        case GGUF_TYPE_UINT16: key.value = static_cast<double>(header.take<uint16_t>()); break;
        case GGUF_TYPE_INT16: key.value = static_cast<double>(header.take<int16_t>()); break;
        case GGUF_TYPE_UINT32: key.value = static_cast<double>(header.take<uint32_t>()); break;
        case GGUF_TYPE_INT32: key.value = static_cast<double>(header.take<int32_t>()); break;
        case GGUF_TYPE_FLOAT32: key.value = static_cast<double>(header.take<float>()); break;
        case GGUF_TYPE_UINT64: key.value = static_cast<double>(header.take<uint64_t>()); break;
        case GGUF_TYPE_INT64: key.value = static_cast<double>(header.take<int64_t>()); break;
        case GGUF_TYPE_FLOAT64: key.value = header.take<double>(); break;
        case GGUF_TYPE_BOOL: key.value = header.take<uint8_t>() != 0; break;
        case GGUF_TYPE_STRING: {
            std::string text = header.take_text();
            if (text.size() <= longest_text) {
                key.value = std::move(text);
            }
            break;
        }
        default:
            key.element_type = header.take<uint32_t>();
            key.count = header.take<uint64_t>();
            header.skip_array(key.element_type, key.count);
    }
}

void read_vocabulary(const gguf_file & file, gguf_layout & out) {
    if (file.strings("tokenizer.ggml.tokens") < 0) {
        return;
    }
    const tokenizer_view tokens(file);
    int32_t end = tokens.size();
    while (end > 0 && tokens.is_padding(end - 1)) {
        --end;
    }
    out.vocabulary = static_cast<uint32_t>(tokens.size());
    out.text_vocabulary = static_cast<uint32_t>(end);
}

}  // namespace

gguf_layout read_layout(const std::string & path) {
    const gguf_file file(path);
    gguf_layout out;
    out.file_bytes = file.bytes();
    out.data_offset = gguf_get_data_offset(file.get());
    out.alignment = gguf_get_alignment(file.get());
    header_bytes header(path, std::min(out.data_offset, out.file_bytes));
    header.skip(4);  // magic
    out.version = header.take<uint32_t>();
    const auto tensors = header.take<uint64_t>();
    const auto keys = header.take<uint64_t>();
    for (uint64_t i = 0; i < keys; ++i) {
        gguf_key key;
        key.offset = header.at();
        key.name = header.take_text();
        key.type = header.take<uint32_t>();
        read_value(header, key);
        key.bytes = header.at() - key.offset;
        out.keys.push_back(std::move(key));
    }
    for (uint64_t i = 0; i < tensors; ++i) {
        gguf_tensor_place tensor;
        tensor.name = header.take_text();
        tensor.shape.resize(std::min<uint32_t>(header.take<uint32_t>(), GGML_MAX_DIMS));
        for (uint64_t & n : tensor.shape) {
            n = header.take<uint64_t>();
        }
        tensor.type = static_cast<ggml_type>(header.take<uint32_t>());
        tensor.offset = out.data_offset + header.take<uint64_t>();
        tensor.bytes = gguf_get_tensor_size(file.get(), static_cast<int64_t>(i));
        out.tensors.push_back(std::move(tensor));
    }
    read_vocabulary(file, out);
    return out;
}

}  // namespace rast
