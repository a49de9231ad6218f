#include "call_order.h"

#include <cstddef>

namespace rast {

call_order::call_order(const std::vector<std::vector<uint32_t>> & first) : callers_left(first.size()) {
    for (const auto & callees : first) {
        for (const uint32_t callee : callees) {
            ++callers_left[callee];
        }
    }
    for (uint32_t r = 0; r < first.size(); ++r) {
        if (callers_left[r] == 0) {
            order.push_back(r);
        }
    }
    for (size_t i = 0; i < order.size(); ++i) {
        for (const uint32_t callee : first[order[i]]) {
            if (--callers_left[callee] == 0) {
                order.push_back(callee);
            }
        }
    }
}

}  // namespace rast
