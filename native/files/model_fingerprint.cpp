#include "model_fingerprint.h"

#include "../error.h"
#include "file_kind.h"
#include "sha256.h"

#include <algorithm>
#include <fstream>

namespace rast {

namespace {

constexpr uint64_t whole_bytes = uint64_t{32} << 20;
constexpr uint64_t most_samples = 4096;
constexpr uint64_t sample_bytes = 4096;
constexpr uint64_t chunk_bytes = uint64_t{1} << 20;

// One part, read at places that only go forward.
class part_reader {
  public:
    part_reader(const gguf_file & file, sha256 & hash)
        : path_(file.path()), in_(native_path(file.path()), std::ios::binary), hash_(hash) {}

    void add(uint64_t at, uint64_t size) {
        in_.seekg(static_cast<std::streamoff>(at));
        while (size > 0) {
            buffer_.resize(static_cast<size_t>(std::min(size, chunk_bytes)));
            if (!in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()))) {
                throw rast_error("ERR_FILE_UNREADABLE", "Could not read " + path_, {{"path", path_}});
            }
            hash_.add(buffer_.data(), buffer_.size());
            size -= buffer_.size();
        }
    }

  private:
    std::string path_;
    std::ifstream in_;
    sha256 & hash_;
    std::vector<char> buffer_;
};

void add_samples(const gguf_file & file, uint64_t samples, part_reader & in) {
    const gguf_context * header = file.get();
    const uint64_t data = gguf_get_data_offset(header);
    for (int64_t i = 0; i < gguf_get_n_tensors(header); ++i) {
        const uint64_t start = data + gguf_get_tensor_offset(header, i);
        const uint64_t size = gguf_get_tensor_size(header, i);
        if (size <= samples * sample_bytes) {
            in.add(start, size);
            continue;
        }
        // the first and the last bytes, and places between at equal distances
        for (uint64_t k = 0; k < samples; ++k) {
            const uint64_t room = size - sample_bytes;
            const uint64_t at = samples == 1 ? room / 2 : room / (samples - 1) * k;
            in.add(start + (k > 0 && k == samples - 1 ? room : at), sample_bytes);
        }
    }
}

}  // namespace

std::string model_fingerprint(const std::vector<const gguf_file *> & parts) {
    uint64_t tensors = 0;
    uint64_t bytes = 0;
    for (const gguf_file * part : parts) {
        tensors += static_cast<uint64_t>(gguf_get_n_tensors(part->get()));
        bytes += part->bytes() - gguf_get_data_offset(part->get());
    }
    const uint64_t samples = std::max<uint64_t>(1, most_samples / std::max<uint64_t>(1, tensors));
    sha256 hash;
    for (const gguf_file * part : parts) {
        part_reader in(*part, hash);
        const uint64_t size = part->bytes();
        const uint64_t header = gguf_get_data_offset(part->get());
        hash.add(&size, sizeof size);
        in.add(0, std::min(header, size));
        if (bytes <= whole_bytes) {
            in.add(header, size - std::min(header, size));
        } else {
            add_samples(*part, samples, in);
        }
    }
    return hash.hex();
}

}  // namespace rast
