// Sets of Unicode code points, and UTF-8. Surrogates are in no set: no JSON text that we write has them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rast::schema {

inline constexpr uint32_t last_code_point = 0x10FFFF;
inline constexpr uint32_t first_surrogate = 0xD800;
inline constexpr uint32_t last_surrogate = 0xDFFF;

class code_point_set {
  public:
    using range = std::pair<uint32_t, uint32_t>;  // both ends included

    code_point_set() = default;
    explicit code_point_set(std::vector<range> ranges);  // in any order

    static code_point_set single(uint32_t code_point) { return code_point_set({{code_point, code_point}}); }

    static const code_point_set & all();

    bool empty() const { return ranges_.empty(); }

    bool contains(uint32_t code_point) const;
    code_point_set complement() const;
    code_point_set unite(const code_point_set & other) const;
    code_point_set intersect(const code_point_set & other) const;

    // Ascending, neither touching nor overlapping.
    const std::vector<range> & ranges() const { return ranges_; }

    bool operator==(const code_point_set & other) const = default;

  private:
    std::vector<range> ranges_;
};

std::vector<uint32_t> decode_utf8(std::string_view text);  // of valid text
void append_utf8(uint32_t code_point, std::string & out);

}  // namespace rast::schema
