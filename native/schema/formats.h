// Formats that can be kept, as patterns.
#pragma once

#include <cstdint>
#include <string_view>

namespace rast::schema {

enum class format_kind : uint8_t { unknown, text, any_text, int32, int64, any_number };

struct format {
    format_kind kind;
    const char * pattern;  // of text: not all that the format allows, but nothing else
};

format format_named(std::string_view name);

}  // namespace rast::schema
