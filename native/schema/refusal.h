// How a schema is refused: always ERR_JSON_SCHEMA, with what is refused and where.
#pragma once

#include "../error.h"
#include "../threads/work_turns.h"

#include <string>
#include <utility>

namespace rast::schema {

[[noreturn]] inline void refuse_schema(const std::string & message, rast_error::detail_list details = {}) {
    throw rast_error("ERR_JSON_SCHEMA", message, std::move(details));
}

// Work that a schema may cost; one that would never end, or eat memory, is refused instead.
class work_budget {
  public:
    explicit work_budget(size_t units) : left_(units) {}

    void spend(size_t units = 1) {
        if (units > left_) {
            left_ = 0;
            refuse_schema("The schema is too complex: its parts multiply beyond what can be worked out",
                          {{"reason", std::string("too complex")}});
        }
        left_ -= units;
        work_turn::breathe();
    }

  private:
    size_t left_;
};

}  // namespace rast::schema
