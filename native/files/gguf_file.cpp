#include "gguf_file.h"

#include "../error.h"
#include "../llama/libraries.h"
#include "file_kind.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

namespace rast {

namespace {

uint64_t checked_size(const std::string & path) {
    const file_facts facts = look_at(path);
    switch (facts.kind) {
        case file_kind::missing: throw rast_error("ERR_FILE_NOT_FOUND", "No file at " + path, {{"path", path}});
        case file_kind::folder:
            throw rast_error("ERR_IS_DIRECTORY", path + " is a folder; expected a GGUF file", {{"path", path}});
        case file_kind::other:
            throw rast_error("ERR_FILE_UNREADABLE", path + " is not a regular file", {{"path", path}});
        case file_kind::unknown:
            throw rast_error("ERR_FILE_UNREADABLE", "Could not read " + path + ": " + facts.problem, {{"path", path}});
        case file_kind::regular: break;
    }
    if (facts.bytes == 0) {
        throw rast_error("ERR_FILE_EMPTY", path + " is empty; expected a GGUF file", {{"path", path}});
    }
    return facts.bytes;
}

// llama.cpp's reader compares every name with every other.
constexpr uint64_t most_tensors = 32768;
constexpr uint64_t most_keys = 8192;

constexpr size_t start_bytes = 24;  // magic, version, tensors, keys

// @param start the file's first bytes, as many of them as there are
void check_start(const std::string & path, std::span<const char> start) {
    if (start.size() < 4 || std::memcmp(start.data(), "GGUF", 4) != 0) {
        throw rast_error("ERR_NOT_GGUF", path + " is not a GGUF file: it does not begin with \"GGUF\"",
                         {{"path", path}});
    }
    uint64_t tensors = 0;
    uint64_t keys = 0;
    if (start.size() >= start_bytes) {
        std::memcpy(&tensors, &start[8], sizeof tensors);
        std::memcpy(&keys, &start[16], sizeof keys);
    }
    if (tensors > most_tensors || keys > most_keys) {
        throw rast_error("ERR_MODEL_INVALID",
                         path + " is damaged: it names " + std::to_string(tensors) + " tensors and " +
                             std::to_string(keys) + " keys",
                         {{"path", path}});
    }
}

void check_start_of_file(const std::string & path) {
    std::ifstream file(native_path(path), std::ios::binary);
    std::array<char, start_bytes> start{};
    if (!file) {
        throw rast_error("ERR_FILE_UNREADABLE", "Could not open " + path, {{"path", path}});
    }
    file.read(start.data(), start.size());
    check_start(path, {start.data(), static_cast<size_t>(file.gcount())});
}

std::optional<uint64_t> integer(gguf_type type, const void * data, size_t index) {
    const auto at = [&]<class T>(T) { return static_cast<const T *>(data)[index]; };
    switch (type) {
        case GGUF_TYPE_UINT8: return at(uint8_t{});
        case GGUF_TYPE_UINT16: return at(uint16_t{});
        case GGUF_TYPE_UINT32: return at(uint32_t{});
        case GGUF_TYPE_UINT64: return at(uint64_t{});
        case GGUF_TYPE_INT32: return static_cast<uint64_t>(std::max<int32_t>(0, at(int32_t{})));
        case GGUF_TYPE_INT64: return static_cast<uint64_t>(std::max<int64_t>(0, at(int64_t{})));
        default: return std::nullopt;
    }
}

}  // namespace

gguf_file::gguf_file(const std::string & path) : path_(path), bytes_(checked_size(path)) {
    check_start_of_file(path);
    const llama::log_capture log;
    try {
        ctx_.reset(gguf_init_from_file(path.c_str(), {/*no_alloc*/ true, /*ctx*/ nullptr}));
    } catch (const std::exception & error) {
        throw rast_error("ERR_MODEL_INVALID", path + " is damaged: " + error.what(), {{"path", path}});
    }
    if (!ctx_) {
        const std::string why = log.problems();
        throw rast_error("ERR_MODEL_INVALID", path + " is damaged" + (why.empty() ? "" : ": " + why), {{"path", path}});
    }
    check_end();
}

// The reader allocates no more than the bytes it is given account for, whatever they promise.
std::optional<gguf_file> gguf_file::of_start(const std::string & name, std::span<const uint8_t> start,
                                             uint64_t file_bytes) {
    check_start(name, {reinterpret_cast<const char *>(start.data()), std::min<size_t>(start.size(), start_bytes)});
    gguf_file out(name, file_bytes);
    const llama::log_capture log;
    try {
        out.ctx_.reset(gguf_init_from_buffer(start.data(), start.size(), {/*no_alloc*/ true, /*ctx*/ nullptr}));
    } catch (const std::exception & error) {
        throw rast_error("ERR_MODEL_INVALID", name + " is damaged: " + error.what(), {{"path", name}});
    }
    if (!out.ctx_) {
        if (start.size() < file_bytes) {
            return std::nullopt;
        }
        const std::string why = log.problems();
        throw rast_error("ERR_MODEL_INVALID", name + " is damaged" + (why.empty() ? "" : ": " + why), {{"path", name}});
    }
    out.check_end();
    return out;
}

void gguf_file::check_end() const {
    uint64_t end = gguf_get_data_offset(ctx_.get());
    for (int64_t i = 0; i < gguf_get_n_tensors(ctx_.get()); ++i) {
        end = std::max<uint64_t>(end, gguf_get_data_offset(ctx_.get()) + gguf_get_tensor_offset(ctx_.get(), i) +
                                          gguf_get_tensor_size(ctx_.get(), i));
    }
    if (end > bytes_) {
        throw rast_error("ERR_MODEL_TRUNCATED",
                         path_ + " is cut short: its header promises " + std::to_string(end) + " bytes, the file has " +
                             std::to_string(bytes_),
                         {{"path", path_},
                          {"expectedBytes", static_cast<double>(end)},
                          {"foundBytes", static_cast<double>(bytes_)}});
    }
}

std::optional<std::string> gguf_file::text(const std::string & key) const {
    const int64_t id = gguf_find_key(ctx_.get(), key.c_str());
    if (id < 0 || gguf_get_kv_type(ctx_.get(), id) != GGUF_TYPE_STRING) {
        return std::nullopt;
    }
    return gguf_get_val_str(ctx_.get(), id);
}

std::optional<uint64_t> gguf_file::number_of_layer(const std::string & key, uint32_t layer) const {
    const int64_t id = gguf_find_key(ctx_.get(), key.c_str());
    if (id < 0) {
        return std::nullopt;
    }
    const gguf_type type = gguf_get_kv_type(ctx_.get(), id);
    if (type == GGUF_TYPE_ARRAY) {
        if (gguf_get_arr_type(ctx_.get(), id) == GGUF_TYPE_STRING || layer >= gguf_get_arr_n(ctx_.get(), id)) {
            return std::nullopt;
        }
        return integer(gguf_get_arr_type(ctx_.get(), id), gguf_get_arr_data(ctx_.get(), id), layer);
    }
    switch (type) {
        case GGUF_TYPE_UINT16: return gguf_get_val_u16(ctx_.get(), id);
        case GGUF_TYPE_UINT32: return gguf_get_val_u32(ctx_.get(), id);
        case GGUF_TYPE_UINT64: return gguf_get_val_u64(ctx_.get(), id);
        case GGUF_TYPE_INT32: return static_cast<uint64_t>(std::max(0, gguf_get_val_i32(ctx_.get(), id)));
        default: return std::nullopt;
    }
}

std::optional<uint64_t> gguf_file::number(const std::string & key) const {
    return number_of_layer(key, 0);
}

int64_t gguf_file::strings(const std::string & key) const {
    const int64_t id = gguf_find_key(ctx_.get(), key.c_str());
    if (id < 0 || gguf_get_kv_type(ctx_.get(), id) != GGUF_TYPE_ARRAY ||
        gguf_get_arr_type(ctx_.get(), id) != GGUF_TYPE_STRING) {
        return -1;
    }
    return id;
}

}  // namespace rast
