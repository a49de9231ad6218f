// The text of a grammar and a place in it: what stands there, characters and escapes, and errors that say where. Knows
// no rules.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rast {

// Borrows the text and the flag.
class gbnf_text {
  protected:
    gbnf_text(std::string_view text, const std::atomic<bool> * cancelled) : text_(text), cancelled_(cancelled) {}

    bool at_end() const { return at_ >= text_.size(); }

    char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

    bool is(char c) const { return !at_end() && text_[at_] == c; }

    // Throw ERR_GRAMMAR with line and column.
    [[noreturn]] void fail(const std::string & what) const { fail_at(at_, what); }

    [[noreturn]] void fail_at(size_t place, const std::string & what) const;
    [[noreturn]] void expected(const std::string & what) const { fail("expected " + what + ", found " + found()); }

    // What stands here, for a message.
    std::string found() const;

    uint32_t line_here();
    void skip_space(bool newlines);
    void look_for_cancellation();

    // One character of a literal or a class, perhaps escaped.
    uint32_t parse_character();

    std::string_view text_;
    size_t at_ = 0;

  private:
    uint32_t parse_hex(int digits);
    uint32_t parse_escape();
    uint32_t parse_utf8();

    const std::atomic<bool> * cancelled_;
    size_t steps_ = 0;
    size_t counted_to_ = 0;
    uint32_t line_ = 1;
};

}  // namespace rast
