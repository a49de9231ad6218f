// SHA-256 (FIPS 180-4): what tells files apart must not be something that a file's author can steer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace rast {

class sha256 {
  public:
    void add(const void * data, size_t size);

    // 64 hexadecimal digits. The object is spent.
    std::string hex();

  private:
    void block(const uint8_t * data);

    std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<uint8_t, 64> rest_{};
    uint64_t size_ = 0;
};

}  // namespace rast
