// What a conjunction of schemas means: alternatives, each a list of parts that all hold and that say nothing of other
// schemas for the same value any more (no $ref, allOf, anyOf, oneOf, if, dependencies; `not` in its simplest forms
// only).
#pragma once

#include "limits.h"
#include "schema_document.h"
#include "validator.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rast::schema {

class meaning {
  public:
    meaning(schema_document & document, pattern_book & patterns, validator & values)
        : document_(document), limits_(document, patterns, values) {}

    // None if nothing is valid. Throws if they are too many, or on what is not supported.
    std::vector<alternative> alternatives(const part_list & all);

    // Proven that nothing is valid by all of them; false if there is no (short) proof.
    bool empty(const part_list & all);
    bool empty(const alternative & one);

    // A part that is valid exactly where this one is not; null, and a keyword, if there is none that we can say.
    part negation(part of, std::string & obstacle);

    limits_reader & limits() { return limits_; }

  private:
    struct open_alternative;

    void take(part next, part from, open_alternative & into);
    part_list forks_of_one_of(part at);
    part_list forks_of_condition(part at);
    void fork_on_presence(part at, const std::string & name, const json_value & then, open_alternative & into);
    bool fork(open_alternative & from, std::vector<open_alternative> & open);
    std::optional<json_value> negated(part of, std::string & obstacle);
    bool empty_at(const part_list & all, int depth);
    bool empty_at(const alternative & one, int depth);
    bool empty_objects(const alternative & one, int depth);
    bool empty_arrays(const alternative & one, int depth);

    schema_document & document_;
    limits_reader limits_;
    std::map<part, part_list> one_ofs_;
    std::map<part, part_list> conditions_;
    std::map<part, part> negations_;
    std::map<std::pair<part, std::string>, part_list> presences_;
    size_t effort_ = 0;  // left for the proof under way
    int proofs_ = 0;     // under way, inside each other
};

}  // namespace rast::schema
