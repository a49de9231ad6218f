// Whether two models have the same tensors: names, shapes, types.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rast {

struct tensor_difference {
    std::string name;
    std::array<int64_t, 4> shape{};  // innermost first; zeros for none
    std::array<int64_t, 4> other{};
    std::string type;  // empty for none
    std::string other_type;
};

struct tensor_comparison {
    uint64_t common = 0;  // tensors of the same name
    // All of a kind are counted, a few are named.
    uint64_t only_first = 0;
    uint64_t only_second = 0;
    uint64_t shapes = 0;
    uint64_t types = 0;                       // of the same shape
    std::vector<tensor_difference> examples;  // missing ones and shapes before types

    bool same_shapes() const { return only_first == 0 && only_second == 0 && shapes == 0; }
};

// All parts of both. Throws what inspect_model throws. Any thread.
tensor_comparison compare_tensors(const std::string & first, const std::string & second);

}  // namespace rast
