#include "decimal.h"

#include "refusal.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr int64_t largest_exponent = 1'000'000;  // digits are written out

uint64_t remainder_of(std::string_view digits, int64_t zeros, uint64_t by) {
    uint64_t rest = 0;
    for (const char digit : digits) {
        rest = (rest * 10 + static_cast<uint64_t>(digit - '0')) % by;
    }
    for (int64_t i = 0; i < zeros && rest != 0; ++i) {
        rest = rest * 10 % by;
    }
    return rest;
}

}  // namespace

decimal::decimal(std::string_view text) {
    if (!text.empty() && text.front() == '-') {
        negative_ = true;
        text.remove_prefix(1);
    }
    int64_t shift = 0;
    const size_t e = text.find_first_of("eE");
    if (e != std::string_view::npos) {
        std::string_view power = text.substr(e + 1);
        const bool down = !power.empty() && power.front() == '-';
        if (!power.empty() && (power.front() == '-' || power.front() == '+')) {
            power.remove_prefix(1);
        }
        for (const char digit : power) {
            shift = std::min(largest_exponent * 10, shift * 10 + (digit - '0'));
        }
        if (shift > largest_exponent) {
            refuse_schema("A number in the schema has an exponent beyond 10^6");
        }
        shift = down ? -shift : shift;
        text = text.substr(0, e);
    }
    const size_t point = text.find('.');
    digits_ = std::string(text.substr(0, point));
    exponent_ = static_cast<int64_t>(digits_.size()) + shift;
    if (point != std::string_view::npos) {
        digits_ += text.substr(point + 1);
    }
    const size_t first = digits_.find_first_not_of('0');
    if (first == std::string::npos) {
        digits_.clear();
        negative_ = false;
        exponent_ = 0;
        return;
    }
    exponent_ -= static_cast<int64_t>(first);
    digits_ = digits_.substr(first, digits_.find_last_not_of('0') + 1 - first);
}

int decimal::compare(const decimal & other) const {
    if (negative_ != other.negative_) {
        return negative_ ? -1 : 1;
    }
    const int sign = negative_ ? -1 : 1;
    if (zero() || other.zero()) {
        return zero() && other.zero() ? 0 : zero() ? -sign : sign;
    }
    if (exponent_ != other.exponent_) {
        return exponent_ < other.exponent_ ? -sign : sign;
    }
    const int order = digits_.compare(other.digits_);
    return order == 0 ? 0 : order < 0 ? -sign : sign;
}

decimal decimal::absolute() const {
    decimal out = *this;
    out.negative_ = false;
    return out;
}

std::string decimal::whole() const {
    if (zero() || exponent_ <= 0) {
        return "0";
    }
    std::string out = digits_.substr(0, static_cast<size_t>(exponent_));
    out.resize(static_cast<size_t>(exponent_), '0');
    return out;
}

std::string decimal::fraction() const {
    if (zero() || integer()) {
        return "";
    }
    return exponent_ >= 0 ? digits_.substr(static_cast<size_t>(exponent_))
                          : std::string(static_cast<size_t>(-exponent_), '0') + digits_;
}

bool decimal::multiple_of(const decimal & step) const {
    if (zero()) {
        return true;
    }
    uint64_t by = 0;
    for (const char digit : step.digits_) {
        by = by * 10 + static_cast<uint64_t>(digit - '0');
    }
    const int64_t zeros = (exponent_ - static_cast<int64_t>(digits_.size())) -
                          (step.exponent_ - static_cast<int64_t>(step.digits_.size()));
    // Without zeros at their end the digits are no multiple of ten.
    return zeros >= 0 && remainder_of(digits_, zeros, by) == 0;
}

}  // namespace rast::schema
