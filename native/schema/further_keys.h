// Keys of an object that no part knows by name: those of its patterns, and those that nobody speaks of.
#pragma once

#include "limits.h"

#include <optional>
#include <string_view>
#include <vector>

namespace rast::schema {

// Adds them to the limits of one object, whose known keys are there; used once.
class limits_reader::further_keys {
  public:
    further_keys(limits_reader & reader, const alternative & one, object_limits & out);

    void read();

  private:
    struct pattern_key {
        part at;
        const known_pattern * pattern;
        part schema;
    };

    void collect();
    void leave_out_known_keys();
    automaton strangers_by_first_character(const std::vector<std::string_view> & known) const;
    void add_keys_of(size_t i);
    std::optional<automaton> only_of(size_t i, part_list & parts);
    void add_rest_for(size_t i, part_list & parts);
    void add_others();
    void add_more(std::optional<automaton> keys, part_list parts);

    limits_reader & reader_;
    const alternative & one_;
    object_limits & out_;
    work_budget & budget_;
    part_list value_;    // of keys that nobody speaks of
    bool open_ = false;  // whether there may be any
    std::vector<pattern_key> patterns_;
    std::optional<automaton> allowed_;  // what keys may be called; anything without
};

}  // namespace rast::schema
