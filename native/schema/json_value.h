// JSON as it is written: members in the order given, numbers with their digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rast::schema {

struct json_value {
    enum class kind : uint8_t { null, boolean, number, string, array, object };
    using member = std::pair<std::string, json_value>;

    kind type = kind::null;
    bool flag = false;
    std::string text;  // a string's UTF-8, or a number as spelled
    std::vector<json_value> items;
    std::vector<member> members;

    // The member of this name, or null. Quick for large objects once they are indexed.
    const json_value * find(std::string_view name) const;

    void index();

    bool is(kind wanted) const { return type == wanted; }

    static json_value of_flag(bool flag);
    static json_value of_number(std::string text);
    static json_value of_text(std::string text);
    static json_value of_items(std::vector<json_value> items);
    static json_value of_members(std::vector<member> members);

  private:
    std::vector<uint32_t> by_name_;  // for large objects
};

// Throws ERR_JSON_SCHEMA: no JSON, a name twice in one object, nested too deep, too many values.
json_value parse_json(const std::string & text);

// JSON text without white space; numbers as spelled.
void write_json(const json_value & value, std::string & out);
void write_json_string(std::string_view text, std::string & out);

// Equality as JSON Schema has it: numbers by value, objects whatever their order.
bool equal(const json_value & a, const json_value & b);

}  // namespace rast::schema
