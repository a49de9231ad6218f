// Whether a value that stands in the schema (of an enum or const) is valid by a part of it.
#pragma once

#include "schema_document.h"
#include "strings.h"

namespace rast::schema {

// `unknown`: a format or \p{...} of which only some texts are known.
enum class verdict : uint8_t { no, unknown, yes };

class validator {
  public:
    validator(schema_document & document, pattern_book & patterns) : document_(document), patterns_(patterns) {}

    // `listed`: the value is one of the part's own enum, which need not be looked through again.
    verdict validate(const json_value & value, part by, bool listed = false) {
        listing_ = listed ? by : nullptr;
        return check(value, by, 0);
    }

  private:
    verdict check(const json_value & value, part by, int depth);
    verdict check_applied(const json_value & value, part by, int depth);
    verdict check_number(const json_value & value, part by);
    verdict check_string(const json_value & value, part by);
    verdict check_array(const json_value & value, part by, int depth);
    verdict check_object(const json_value & value, part by, int depth);
    verdict match(const std::string & text, const std::string & source, part by, const char * keyword, bool exact);

    schema_document & document_;
    pattern_book & patterns_;
    part listing_ = nullptr;
};

enum type_bit : uint8_t {
    null_bit = 1,
    boolean_bit = 2,
    integer_bit = 4,
    fraction_bit = 8,
    string_bit = 16,
    array_bit = 32,
    object_bit = 64,
    number_bits = integer_bit | fraction_bit,
    every_bit = 127
};

// What `type` and OpenAPI's `nullable` say; every_bit without.
uint8_t types_of(part at, const schema_document & document);

uint8_t type_of_value(const json_value & value);

}  // namespace rast::schema
