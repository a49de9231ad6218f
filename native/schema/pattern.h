// A regular expression of JavaScript under the u flag, read into a tree. One recursive descent, and so one file,
// although a long one: every part of it calls the others.
#pragma once

#include "code_points.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace rast::schema {

struct pattern_node {
    enum class kind : uint8_t { set, sequence, choice, repeat, begin, end };

    kind type = kind::sequence;
    code_point_set set;
    std::vector<pattern_node> parts;  // of a sequence (none: the empty text) or choice; the one that is repeated
    uint32_t least = 0;
    uint32_t most = 0;  // unlimited if `unlimited`
};

inline constexpr uint32_t unlimited = UINT32_MAX;

struct pattern {
    pattern_node root;
    // False if a set in it is smaller than what the expression says (\p{L}: letters of many scripts, not all): what
    // matches the tree matches the expression, but not the other way round.
    bool exact = true;
};

// What the expression cannot be read for: `what` completes "pattern ...".
class pattern_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Throws pattern_error.
pattern parse_pattern(const std::string & source);

}  // namespace rast::schema
