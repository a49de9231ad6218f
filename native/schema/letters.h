// Unicode properties of patterns (\p{...}), for scripts in wide use: of the code points that a property has, not all.
#pragma once

#include "code_points.h"

#include <string_view>

namespace rast::schema {

// By short or long name; null if it is none of these.
const code_point_set * known_property(std::string_view name);

}  // namespace rast::schema
