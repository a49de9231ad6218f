#include "gbnf_text.h"

#include "../error.h"
#include "../threads/work_turns.h"

#include <algorithm>

namespace rast {

namespace {

constexpr size_t letters_between_looks = 4096;  // at the flag of cancellation: well below a millisecond

}  // namespace

void gbnf_text::fail_at(size_t place, const std::string & what) const {
    uint32_t line = 1;
    uint32_t column = 1;
    for (size_t i = 0; i < std::min(place, text_.size()); ++i) {
        if (text_[i] == '\n') {
            ++line;
            column = 1;
        } else if ((static_cast<uint8_t>(text_[i]) & 0xC0) != 0x80) {
            ++column;
        }
    }
    throw rast_error("ERR_GRAMMAR",
                     "The grammar's line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what,
                     {{"line", static_cast<double>(line)}, {"column", static_cast<double>(column)}});
}

std::string gbnf_text::found() const {
    if (at_end()) {
        return "the end of the grammar";
    }
    const char c = text_[at_];
    if (c == '\n' || c == '\r') {
        return "the end of the line";
    }
    if (static_cast<uint8_t>(c) < 0x20) {
        return "a control character";
    }
    size_t end = at_ + 1;
    while (end < text_.size() && (static_cast<uint8_t>(text_[end]) & 0xC0) == 0x80) {
        ++end;
    }
    return "'" + std::string(text_.substr(at_, end - at_)) + "'";
}

uint32_t gbnf_text::line_here() {
    for (; counted_to_ < at_; ++counted_to_) {
        line_ += text_[counted_to_] == '\n' ? 1 : 0;
    }
    return line_;
}

void gbnf_text::skip_space(bool newlines) {
    while (!at_end()) {
        const char c = text_[at_];
        if (c == '#') {
            while (!at_end() && text_[at_] != '\n' && text_[at_] != '\r') {
                ++at_;
            }
        } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
            ++at_;
        } else {
            return;
        }
    }
}

void gbnf_text::look_for_cancellation() {
    work_turn::breathe();
    if (cancelled_ != nullptr && ++steps_ % letters_between_looks == 0 && *cancelled_) {
        throw rast_error("ERR_GRAMMAR", "Reading the grammar was cancelled");
    }
}

uint32_t gbnf_text::parse_hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
        const char c = peek();
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            expected(std::to_string(digits) + " hexadecimal digits");
        }
        value = value << 4 | static_cast<uint32_t>(digit);
    }
    return value;
}

uint32_t gbnf_text::parse_character() {
    return is('\\') ? parse_escape() : parse_utf8();
}

uint32_t gbnf_text::parse_escape() {
    ++at_;
    const char c = peek();
    if (at_end()) {
        expected("an escaped character");
    }
    ++at_;
    switch (c) {
        case 'x': return parse_hex(2);
        case 'u': return parse_hex(4);
        case 'U': return parse_hex(8);
        case 't': return '\t';
        case 'r': return '\r';
        case 'n': return '\n';
        case '\\':
        case '"':
        case '[':
        case ']':
        case '-': return static_cast<uint8_t>(c);
        default: --at_; expected("x, u, U, t, r, n, \\, \", [, ] or - behind the backslash");
    }
}

uint32_t gbnf_text::parse_utf8() {
    const auto lead = static_cast<uint8_t>(text_[at_]);
    const int more = lead < 0x80 ? 0 : lead < 0xC2 ? -1 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : -1;
    if (more < 0) {
        fail("a byte that is not UTF-8");
    }
    uint32_t value = more == 0 ? lead : lead & (0x3FU >> more);
    for (int i = 1; i <= more; ++i) {
        const auto next = static_cast<uint8_t>(peek(static_cast<size_t>(i)));
        if ((next & 0xC0) != 0x80) {
            fail("a byte that is not UTF-8");
        }
        value = value << 6 | (next & 0x3FU);
    }
    at_ += static_cast<size_t>(more) + 1;
    return value;
}

}  // namespace rast
