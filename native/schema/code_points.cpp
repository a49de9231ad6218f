#include "code_points.h"

#include <algorithm>

namespace rast::schema {

// NOLINTNEXTLINE(performance-unnecessary-value-param): a few ranges, made for the call
code_point_set::code_point_set(std::vector<range> ranges) {
    std::vector<range> whole;
    for (const auto & [from, to] : ranges) {
        if (from <= to && from < first_surrogate) {
            whole.emplace_back(from, std::min(to, first_surrogate - 1));
        }
        if (from <= to && to > last_surrogate) {
            whole.emplace_back(std::max(from, last_surrogate + 1), std::min(to, last_code_point));
        }
    }
    std::sort(whole.begin(), whole.end());
    for (const auto & one : whole) {
        if (!ranges_.empty() && one.first <= ranges_.back().second + 1) {
            ranges_.back().second = std::max(ranges_.back().second, one.second);
        } else {
            ranges_.push_back(one);
        }
    }
}

const code_point_set & code_point_set::all() {
    static const code_point_set everything({{0, last_code_point}});
    return everything;
}

bool code_point_set::contains(uint32_t code_point) const {
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), code_point,
                                        [](uint32_t c, const range & one) { return c < one.first; });
    return after != ranges_.begin() && code_point <= std::prev(after)->second;
}

code_point_set code_point_set::complement() const {
    std::vector<range> out;
    uint32_t from = 0;
    for (const auto & [first, last] : ranges_) {
        if (first > from) {
            out.emplace_back(from, first - 1);
        }
        from = last + 1;
    }
    if (from <= last_code_point) {
        out.emplace_back(from, last_code_point);
    }
    return code_point_set(std::move(out));
}

code_point_set code_point_set::unite(const code_point_set & other) const {
    std::vector<range> out = ranges_;
    out.insert(out.end(), other.ranges_.begin(), other.ranges_.end());
    return code_point_set(std::move(out));
}

code_point_set code_point_set::intersect(const code_point_set & other) const {
    std::vector<range> out;
    for (size_t i = 0, k = 0; i < ranges_.size() && k < other.ranges_.size();) {
        const uint32_t from = std::max(ranges_[i].first, other.ranges_[k].first);
        const uint32_t to = std::min(ranges_[i].second, other.ranges_[k].second);
        if (from <= to) {
            out.emplace_back(from, to);
        }
        if (ranges_[i].second < other.ranges_[k].second) {
            ++i;
        } else {
            ++k;
        }
    }
    return code_point_set(std::move(out));
}

std::vector<uint32_t> decode_utf8(std::string_view text) {
    std::vector<uint32_t> out;
    for (size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        uint32_t code_point = length == 1 ? lead : lead & (0x7FU >> length);
        for (size_t k = 1; k < length && i + k < text.size(); ++k) {
            code_point = code_point << 6U | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
        }
        out.push_back(code_point);
        i += length;
    }
    return out;
}

void append_utf8(uint32_t c, std::string & out) {
    const auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | c >> 6U);
        byte(0x80 | (c & 0x3FU));
    } else if (c < 0x10000) {
        byte(0xE0 | c >> 12U);
        byte(0x80 | (c >> 6U & 0x3FU));
        byte(0x80 | (c & 0x3FU));
    } else {
        byte(0xF0 | c >> 18U);
        byte(0x80 | (c >> 12U & 0x3FU));
        byte(0x80 | (c >> 6U & 0x3FU));
        byte(0x80 | (c & 0x3FU));
    }
}

}  // namespace rast::schema
