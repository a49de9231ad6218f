// What a number may be, and the texts that say so.
#pragma once

#include "automaton.h"
#include "decimal.h"
#include "refusal.h"

#include <optional>
#include <vector>

namespace rast::schema {

struct number_limits {
    struct bound {
        decimal value;
        bool exclusive;
    };

    bool integer = false;
    std::optional<bound> least;
    std::optional<bound> most;
    std::vector<decimal> steps;     // a multiple of each; above zero, with few digits
    std::vector<decimal> excluded;  // none of these

    bool limited() const { return least || most || !steps.empty() || !excluded.empty(); }

    void raise(const decimal & value, bool exclusive);  // at least, or above
    void lower(const decimal & value, bool exclusive);  // at most, or below

    // Proven: no number is within the bounds, steps and exclusions aside.
    bool empty() const;
};

// Texts of numbers within the limits: plain notation without exponent, no negative zero. At most 15 digits that count,
// so that a double tells any two apart, or as many as a bound of an integer has. Nothing if that takes too many states.
std::optional<automaton> numbers_within(const number_limits & limits, work_budget & budget);

}  // namespace rast::schema
