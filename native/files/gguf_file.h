// A GGUF header, opened with llama.cpp's reader behind checks that keep damaged files from ending the process.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rast {

class gguf_file {
  public:
    // Throws as inspect_model does.
    explicit gguf_file(const std::string & path);

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
    struct deleter {
        void operator()(gguf_context * ctx) const { gguf_free(ctx); }
    };

    std::string path_;
    uint64_t bytes_ = 0;
    std::unique_ptr<gguf_context, deleter> ctx_;
};

}  // namespace rast
