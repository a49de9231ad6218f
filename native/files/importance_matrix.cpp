#include "importance_matrix.h"

#include "../error.h"
#include "file_kind.h"
#include "gguf_layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>

namespace rast {

namespace {

constexpr int32_t most_entries = 65536;
constexpr int32_t longest_entry_name = 1024;
constexpr int32_t longest_dataset = 1 << 20;

[[noreturn]] void refuse_matrix(const std::string & path, const std::string & why) {
    throw rast_error("ERR_QUANTIZE", path + " is no importance matrix: " + why, {{"path", path}});
}

uint64_t checked_matrix_size(const std::string & path) {
    const file_facts facts = look_at(path);
    switch (facts.kind) {
        case file_kind::missing:
            throw rast_error("ERR_FILE_NOT_FOUND", "No importance matrix at " + path, {{"path", path}});
        case file_kind::folder:
            throw rast_error("ERR_IS_DIRECTORY", path + " is a folder; expected an importance matrix",
                             {{"path", path}});
        case file_kind::other:
            throw rast_error("ERR_FILE_UNREADABLE", path + " is not a regular file", {{"path", path}});
        case file_kind::unknown:
            throw rast_error("ERR_FILE_UNREADABLE", "Could not read " + path + ": " + facts.problem, {{"path", path}});
        case file_kind::regular: break;
    }
    if (facts.bytes == 0) {
        throw rast_error("ERR_FILE_EMPTY", path + " is empty; expected an importance matrix", {{"path", path}});
    }
    return facts.bytes;
}

// Reads no more than there is: every length is compared with what is left of the file before anything is made of it.
class matrix_file {
  public:
    matrix_file(const std::string & path, uint64_t bytes)
        : path_(path), file_(native_path(path), std::ios::binary), left_(bytes) {
        if (!file_) {
            throw rast_error("ERR_FILE_UNREADABLE", "Could not open " + path, {{"path", path}});
        }
    }

    uint64_t left() const { return left_; }

    void seek(uint64_t offset, uint64_t file_bytes) {
        file_.seekg(static_cast<std::streamoff>(offset));
        left_ = file_bytes - std::min(offset, file_bytes);
    }

    void read(void * data, uint64_t bytes) {
        if (bytes > left_ || !file_.read(static_cast<char *>(data), static_cast<std::streamsize>(bytes))) {
            refuse_matrix(path_, "it is cut short");
        }
        left_ -= bytes;
    }

    int32_t number() {
        int32_t out = 0;
        read(&out, sizeof out);
        return out;
    }

    std::string text(int32_t longest) {
        const int32_t length = number();
        if (length < 0 || length > longest) {
            refuse_matrix(path_, "a name would have " + std::to_string(length) + " bytes");
        }
        std::string out(static_cast<size_t>(length), '\0');
        read(out.data(), out.size());
        return out.substr(0, out.find('\0'));
    }

    std::vector<float> floats(uint64_t count) {
        if (count > left_ / sizeof(float)) {
            refuse_matrix(path_, "it is cut short");
        }
        std::vector<float> out(count);
        read(out.data(), count * sizeof(float));
        return out;
    }

  private:
    const std::string & path_;
    std::ifstream file_;
    uint64_t left_;
};

importance_matrix read_legacy(const std::string & path, uint64_t bytes) {
    matrix_file file(path, bytes);
    importance_matrix out;
    const int32_t entries = file.number();
    if (entries < 1 || entries > most_entries) {
        refuse_matrix(path, "it would have " + std::to_string(entries) + " entries");
    }
    for (int32_t i = 0; i < entries; ++i) {
        const std::string name = file.text(longest_entry_name);
        const int32_t calls = file.number();
        const int32_t values = file.number();
        if (values < 1) {
            refuse_matrix(path, "entry " + std::to_string(i) + " has no values");
        }
        std::vector<float> sums = file.floats(static_cast<uint64_t>(values));
        if (calls > 0) {
            for (float & sum : sums) {
                sum /= static_cast<float>(calls);
            }
        }
        out.entries[name] = std::move(sums);
    }
    if (file.left() >= 4) {
        out.chunks = std::max(0, file.number());
        if (file.left() >= 4) {
            out.dataset = file.text(longest_dataset);
        }
    }
    return out;
}

std::vector<float> normalized(std::vector<float> sums, const std::vector<float> & counts) {
    const size_t width = sums.size() / counts.size();
    for (size_t expert = 0; expert < counts.size(); ++expert) {
        const float count = std::round(counts[expert]);
        for (size_t i = expert * width; i < (expert + 1) * width; ++i) {
            sums[i] = count > 0 ? sums[i] / count : 1.0F;  // an expert that was never asked: all count alike
        }
    }
    return sums;
}

importance_matrix read_gguf_matrix(const std::string & path, uint64_t bytes) {
    importance_matrix out;
    const gguf_file header(path);
    const int64_t datasets = header.strings("imatrix.datasets");
    const auto chunks = header.number("imatrix.chunk_count");
    if (datasets < 0 || !chunks || !header.number("imatrix.chunk_size")) {
        refuse_matrix(path, "a GGUF file without imatrix.datasets, imatrix.chunk_count and imatrix.chunk_size");
    }
    if (gguf_get_arr_n(header.get(), datasets) > 0) {
        out.dataset = gguf_get_arr_str(header.get(), datasets, 0);
    }
    out.chunks = static_cast<int32_t>(std::min<uint64_t>(*chunks, INT32_MAX));
    const gguf_layout layout = read_layout(path);
    matrix_file file(path, bytes);
    std::map<std::string, std::array<std::optional<std::vector<float>>, 2>> found;
    for (const auto & tensor : layout.tensors) {
        size_t which = 0;
        std::string name;
        for (const std::string_view suffix : {".in_sum2", ".counts"}) {
            if (tensor.name.ends_with(suffix)) {
                name = tensor.name.substr(0, tensor.name.size() - suffix.size());
                break;
            }
            ++which;
        }
        if (which == 2) {
            continue;
        }
        if (tensor.type != GGML_TYPE_F32) {
            refuse_matrix(path, tensor.name + " is not in F32");
        }
        file.seek(tensor.offset, bytes);
        found[name][which] = file.floats(tensor.bytes / sizeof(float));
    }
    for (auto & [name, parts] : found) {
        if (!parts[0] || !parts[1] || parts[1]->empty() || parts[0]->size() % parts[1]->size() != 0) {
            refuse_matrix(path, "sums and counts of " + name + " do not belong together");
        }
        out.entries[name] = normalized(std::move(*parts[0]), *parts[1]);
    }
    return out;
}

}  // namespace

importance_matrix read_importance_matrix(const std::string & path) {
    const uint64_t bytes = checked_matrix_size(path);
    std::array<char, 4> magic{};
    {
        matrix_file start(path, bytes);
        start.read(magic.data(), magic.size());
    }
    const bool is_gguf = std::memcmp(magic.data(), "GGUF", 4) == 0;
    importance_matrix out = is_gguf ? read_gguf_matrix(path, bytes) : read_legacy(path, bytes);
    if (out.entries.empty()) {
        refuse_matrix(path, "it has no entries");
    }
    for (const auto & [name, values] : out.entries) {
        if (!std::all_of(values.begin(), values.end(),
                         [](float value) { return std::isfinite(value) && value >= 0; })) {
            refuse_matrix(path, "the entry of " + name + " has values that are no importances");
        }
    }
    return out;
}

}  // namespace rast
