// The order of rules by which may call which before any character: callers come before what they call. A grammar
// without left recursion has one for all of its rules; a rule that is missing from it lies on a circle, or behind one.
#pragma once

#include <cstdint>
#include <vector>

namespace rast {

struct call_order {
    // @param first by rule: what it may call before any character, as often as it does
    explicit call_order(const std::vector<std::vector<uint32_t>> & first);

    bool complete() const { return order.size() == callers_left.size(); }

    std::vector<uint32_t> order;
    std::vector<uint32_t> callers_left;  // by rule: callers that are not in the order; 0 for those that are
};

}  // namespace rast
