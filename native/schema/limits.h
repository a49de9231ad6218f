// What the parts of one alternative say together about each type: limits.cpp of values, numbers, strings and arrays,
// object_limits.cpp and further_keys.cpp of objects.
#pragma once

#include "numbers.h"
#include "schema_document.h"
#include "strings.h"
#include "validator.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rast::schema {

// Parts that hold together; who brought whom in, as far as that makes properties or items count as evaluated.
struct alternative {
    part_list parts;
    std::vector<std::pair<part, part>> links;
};

struct known_key {
    std::string name;
    part_list value;
    bool required;
};

// Keys beyond the known ones.
struct more_keys {
    std::optional<automaton> keys;  // which; any that is not known without
    part_list value;
    bool once;  // at most one of them
};

struct object_limits {
    std::vector<known_key> known;
    std::vector<more_keys> more;
    uint64_t least = 0;
    uint64_t most = UINT64_MAX;
};

struct array_limits {
    std::vector<part_list> fixed;
    part_list rest;
    bool rest_stated = false;
    uint64_t least = 0;
    uint64_t most = UINT64_MAX;
    bool unique = false;
    part contains = nullptr;  // the part that states it
    part at = nullptr;        // what states uniqueItems or contains, for messages
};

class limits_reader {
  public:
    limits_reader(schema_document & document, pattern_book & patterns, validator & values)
        : document_(document), patterns_(patterns), values_(values) {}

    // Types that all parts allow.
    uint8_t types(const alternative & one);

    // Where no part names a type, those that some keyword is about, or all.
    uint8_t meant_types(const alternative & one);

    // Values of an enum or const that all parts allow; nothing if there is neither.
    std::optional<std::vector<part>> values(const alternative & one, bool perhaps);

    number_limits numbers(const alternative & one, bool integer);
    string_limits strings(const alternative & one);
    array_limits arrays(const alternative & one);

    // `proof`: only what is exact, nothing about further keys.
    object_limits objects(const alternative & one, bool proof);

    // Parts about the value of this key.
    part_list value_of(const alternative & one, const std::string & key, bool proof);

    // Whether `not` is of a form that stays: an enum, const or pattern alone.
    static bool is_simple_not(part of);

  private:
    class further_keys;

    // Parts that `from` brought in, itself included.
    part_list scope_of(const alternative & one, part from);
    // Without a key: every key there may be.
    bool evaluates(const part_list & scope, part from, const std::string * key);
    std::optional<automaton> key_names(const alternative & one);

    schema_document & document_;
    pattern_book & patterns_;
    validator & values_;
};

// A schema that nothing is valid by.
part never();

// Unless it is there, or says nothing.
void add_part(part_list & list, part one);

}  // namespace rast::schema
