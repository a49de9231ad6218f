#include "numbers.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace rast::schema {

namespace {

constexpr size_t exact_digits = 15;           // of a double
constexpr size_t most_digits = 60;            // before and behind the point that a number is written with
constexpr size_t most_digit_states = 60'000;  // of the automaton over digits, before it is minimal
constexpr size_t affordable = 4'000;          // states of divisions

// A bound or an exclusion, seen from the digits of a text.
struct comparison {
    decimal value;
    std::string whole;
    std::string fraction;
    bool allows_less;
    bool allows_equal;
    bool allows_more;
};

// A multiple of `by` * 10^-places.
struct division {
    uint32_t by;
    size_t places;
};

enum class phase : uint8_t { begin, minus, zero, whole, point, fraction };

struct progress {
    phase at = phase::begin;
    bool negative = false;
    bool nonzero = false;
    uint8_t whole_digits = 0;
    uint8_t fraction_digits = 0;
    std::vector<int8_t> orders;   // of the text's magnitude against each comparison's, as far as read
    std::vector<uint32_t> rests;  // of the digits so far, by each division

    auto key() const { return std::tie(at, negative, nonzero, whole_digits, fraction_digits, orders, rests); }

    bool operator<(const progress & other) const { return key() < other.key(); }
};

class builder {
  public:
    explicit builder(const number_limits & limits) : integer_(limits.integer) {
        if (limits.least) {
            compare(limits.least->value, false, !limits.least->exclusive, true);
        }
        if (limits.most) {
            compare(limits.most->value, true, !limits.most->exclusive, false);
        }
        for (const auto & value : limits.excluded) {
            compare(value, true, false, true);
        }
        for (const auto & step : limits.steps) {
            divide(step);
        }
        // Fewer digits where each costs many states.
        const size_t enough = affordable / cost_;
        size_t wanted = std::min(exact_digits, enough);
        too_large_ = !limits.steps.empty() && enough < 6;
        for (const auto * bound : {&limits.least, &limits.most}) {
            if (*bound) {
                const size_t needed = (*bound)->value.absolute().whole().size();
                if (integer_ ? needed <= most_digits : needed <= exact_digits) {
                    wanted = std::max(wanted, needed);
                }
            }
        }
        digits_ = wanted;
    }

    std::optional<automaton> build(work_budget & budget) {
        if (too_large_) {
            return std::nullopt;
        }
        static const std::vector<uint32_t> starts = [] {
            std::vector<uint32_t> out{0, '-', '-' + 1, '.', '.' + 1};
            for (uint32_t c = '0'; c <= '9' + 1; ++c) {
                out.push_back(c);
            }
            out.erase(std::unique(out.begin(), out.end()), out.end());
            return out;
        }();
        std::map<progress, int32_t> ids;
        std::vector<progress> states;
        std::vector<int32_t> next;
        std::vector<bool> accepts;
        const auto id_of = [&](const std::optional<progress> & state) -> int32_t {
            if (!state) {
                return automaton::dead;
            }
            const auto [at, added] = ids.emplace(*state, static_cast<int32_t>(states.size()));
            if (added) {
                states.push_back(*state);
                accepts.push_back(accept(*state));
            }
            return at->second;
        };
        progress first;
        first.orders.resize(comparisons_.size());
        first.rests.resize(divisions_.size());
        id_of(first);
        for (size_t i = 0; i < states.size(); ++i) {
            if (states.size() > most_digit_states) {
                return std::nullopt;
            }
            const progress from = states[i];
            for (const uint32_t start : starts) {
                budget.spend();
                next.push_back(id_of(read(from, start)));
            }
        }
        return automaton(starts, std::move(next), std::move(accepts)).minimal(budget);
    }

  private:
    void compare(const decimal & value, bool less, bool equal, bool more) {
        // Bounds of more digits than any text has need no digits: every text is nearer to zero.
        if (value.exponent() > static_cast<int64_t>(most_digits)) {
            comparisons_.push_back({value, std::string(most_digits + 1, '9'), "", less, equal, more});
        } else if (value.exponent() < -static_cast<int64_t>(most_digits)) {
            // nearer to zero than any text but zero itself
            comparisons_.push_back({value, "0", std::string(most_digits, '0') + "1", less, equal, more});
        } else {
            const decimal magnitude = value.absolute();
            comparisons_.push_back({value, magnitude.whole(), magnitude.fraction(), less, equal, more});
        }
    }

    void divide(const decimal & step) {
        uint64_t by = 0;
        for (const char digit : step.digits()) {
            by = by * 10 + static_cast<uint64_t>(digit - '0');
        }
        const int64_t power = step.exponent() - static_cast<int64_t>(step.digits().size());
        for (int64_t i = 0; i < power && by <= most_digit_states; ++i) {
            by *= 10;
        }
        cost_ = by > most_digit_states / cost_ ? most_digit_states : cost_ * static_cast<size_t>(by);
        divisions_.push_back({static_cast<uint32_t>(std::min<uint64_t>(by, most_digit_states)),
                              power < 0 ? static_cast<size_t>(-power) : 0});
        places_ = std::min(places_, divisions_.back().places);
    }

    static int8_t order_of(char digit, char other) {
        return static_cast<int8_t>(digit < other ? -1 : digit > other ? 1 : 0);
    }

    // Where the whole part ends, lengths decide before digits do.
    void end_whole(progress & state) const {
        for (size_t i = 0; i < comparisons_.size(); ++i) {
            const size_t length = comparisons_[i].whole.size();
            if (state.whole_digits != length) {
                state.orders[i] = static_cast<int8_t>(state.whole_digits < length ? -1 : 1);
            }
        }
    }

    void read_digit(progress & state, char digit, bool whole) const {
        const size_t at = whole ? state.whole_digits : state.fraction_digits;
        for (size_t i = 0; i < comparisons_.size(); ++i) {
            const std::string & digits = whole ? comparisons_[i].whole : comparisons_[i].fraction;
            if (state.orders[i] == 0) {
                state.orders[i] = at < digits.size() ? order_of(digit, digits[at]) : order_of(whole ? '0' : digit, '0');
            }
        }
        for (size_t i = 0; i < divisions_.size(); ++i) {
            state.rests[i] = static_cast<uint32_t>(
                (uint64_t{state.rests[i]} * 10 + static_cast<uint64_t>(digit - '0')) % divisions_[i].by);
        }
        state.nonzero = state.nonzero || digit != '0';
        ++(whole ? state.whole_digits : state.fraction_digits);
    }

    std::optional<progress> read(progress state, uint32_t c) const {
        if (c == '-') {
            if (state.at != phase::begin) {
                return std::nullopt;
            }
            state.at = phase::minus;
            state.negative = true;
            return state;
        }
        if (c == '.') {
            const bool room = state.whole_digits < digits_ && places_ > 0;
            if (integer_ || !room || (state.at != phase::zero && state.at != phase::whole)) {
                return std::nullopt;
            }
            end_whole(state);
            state.at = phase::point;
            return state;
        }
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        const char digit = static_cast<char>(c);
        switch (state.at) {
            case phase::begin:
            case phase::minus: state.at = digit == '0' ? phase::zero : phase::whole; break;
            case phase::zero: return std::nullopt;
            case phase::whole:
                if (state.whole_digits >= digits_) {
                    return std::nullopt;
                }
                break;
            case phase::point:
            case phase::fraction:
                if (size_t{state.whole_digits} + state.fraction_digits >= digits_ || state.fraction_digits >= places_) {
                    return std::nullopt;
                }
                state.at = phase::fraction;
                read_digit(state, digit, false);
                return state;
        }
        read_digit(state, digit, true);
        return state;
    }

    bool accept(progress state) const {
        if (state.at == phase::zero || state.at == phase::whole) {
            end_whole(state);
        } else if (state.at != phase::fraction) {
            return false;
        }
        if (state.negative && !state.nonzero) {
            return false;
        }
        for (size_t i = 0; i < comparisons_.size(); ++i) {
            const comparison & one = comparisons_[i];
            int order = state.orders[i];  // NOLINT(bugprone-signed-char-misuse): a small number, no byte of a text
            if (order == 0 && state.fraction_digits < one.fraction.size()) {
                order = -1;  // the last digit of a fraction is no zero
            }
            if (state.negative != one.value.negative()) {
                order = state.negative ? -1 : 1;
                if (!state.nonzero && one.value.zero()) {
                    order = 0;
                }
            } else if (state.negative) {
                order = -order;
            }
            if (!(order < 0 ? one.allows_less : order > 0 ? one.allows_more : one.allows_equal)) {
                return false;
            }
        }
        for (size_t i = 0; i < divisions_.size(); ++i) {
            uint64_t rest = state.rests[i];
            for (size_t k = state.fraction_digits; k < divisions_[i].places && rest != 0; ++k) {
                rest = rest * 10 % divisions_[i].by;
            }
            if (rest != 0) {
                return false;
            }
        }
        return true;
    }

    bool integer_;
    std::vector<comparison> comparisons_;
    std::vector<division> divisions_;
    size_t places_ = SIZE_MAX;  // digits behind the point
    size_t cost_ = 1;
    bool too_large_ = false;
    size_t digits_ = exact_digits;
};

}  // namespace

void number_limits::raise(const decimal & value, bool exclusive) {
    const int order = least ? value.compare(least->value) : 1;
    if (order > 0) {
        least = bound{value, exclusive};
    } else if (order == 0) {
        least->exclusive = least->exclusive || exclusive;
    }
}

void number_limits::lower(const decimal & value, bool exclusive) {
    const int order = most ? value.compare(most->value) : -1;
    if (order < 0) {
        most = bound{value, exclusive};
    } else if (order == 0) {
        most->exclusive = most->exclusive || exclusive;
    }
}

bool number_limits::empty() const {
    if (!least || !most) {
        return false;
    }
    const int order = least->value.compare(most->value);
    return order > 0 || (order == 0 && (least->exclusive || most->exclusive));
}

std::optional<automaton> numbers_within(const number_limits & limits, work_budget & budget) {
    return builder(limits).build(budget);
}

}  // namespace rast::schema
