// Weights that a worker has had before, by the hash that llama.cpp's client asks for: a file each. Files appear whole
// or not at all, and are read with a look at the hash, so that no kill and no damage can make weights others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rast::rpc {

// FNV-1a, as llama.cpp's client has it.
uint64_t tensor_hash(const uint8_t * data, size_t size);

class tensor_cache {
  public:
    // Makes the folder. Throws ERR_FILE_UNWRITABLE.
    explicit tensor_cache(const std::string & folder);

    // Puts the weights behind what is in `out`. @returns false, with `out` as it was, where there are none
    bool read(uint64_t hash, size_t size, std::vector<uint8_t> & out) const;

    // What cannot be written is left out: it is sent again another time.
    void write(const uint8_t * data, size_t size) const;

  private:
    std::filesystem::path path_of(uint64_t hash, size_t size) const;

    std::filesystem::path folder_;
};

}  // namespace rast::rpc
