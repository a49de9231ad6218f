// A GGUF header, opened with llama.cpp's reader behind checks that keep damaged files from ending the process: of a
// file that is here, or of the first bytes of one that is not.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace rast {

class gguf_file {
  public:
    // Throws as inspect_model does.
    explicit gguf_file(const std::string & path);

    // Of a file that is somewhere else, by its first bytes. `name` is what messages call it.
    // @returns nothing when the header goes on behind them
    // Throws ERR_NOT_GGUF, ERR_MODEL_INVALID, ERR_MODEL_TRUNCATED.
    static std::optional<gguf_file> of_start(const std::string & name, std::span<const uint8_t> start,
                                             uint64_t file_bytes);

    const gguf_context * get() const { return ctx_.get(); }

    const std::string & path() const { return path_; }

    uint64_t bytes() const { return bytes_; }

    std::optional<std::string> text(const std::string & key) const;
    // The number under `key`; of an array of numbers the largest (head counts may vary by layer).
    std::optional<uint64_t> number(const std::string & key) const;
    // Sum over the layers, where the key may hold an array with one entry each.
    std::optional<uint64_t> number_of_layer(const std::string & key, uint32_t layer) const;
    // Index of an array of strings, -1 when there is none.
    int64_t strings(const std::string & key) const;

  private:
    gguf_file(std::string path, uint64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

    void check_end() const;

    struct deleter {
        void operator()(gguf_context * ctx) const { gguf_free(ctx); }
    };

    std::string path_;
    uint64_t bytes_ = 0;
    std::unique_ptr<gguf_context, deleter> ctx_;
};

}  // namespace rast
