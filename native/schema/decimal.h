// A JSON number, exactly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rast::schema {

// 0.d1d2d3... * 10^exponent, without zeros at either end of the digits; no digits is zero.
class decimal {
  public:
    // The text must be a JSON number.
    explicit decimal(std::string_view text);

    // <0, 0, >0
    int compare(const decimal & other) const;

    bool negative() const { return negative_; }

    bool zero() const { return digits_.empty(); }

    bool integer() const { return static_cast<int64_t>(digits_.size()) <= exponent_ || zero(); }

    const std::string & digits() const { return digits_; }

    int64_t exponent() const { return exponent_; }

    decimal absolute() const;

    // Digits before and after the point, without sign: "0" and "" for zero. At most a few hundred digits are asked for.
    std::string whole() const;
    std::string fraction() const;

    // Whether this is a multiple of `step`, which is above zero and has at most nine digits.
    bool multiple_of(const decimal & step) const;

  private:
    bool negative_ = false;
    std::string digits_;
    int64_t exponent_ = 0;
};

// Digits of a step that multiple_of can work with.
inline constexpr size_t most_step_digits = 9;

}  // namespace rast::schema
