// A grammar along one text: what may come next, by characters, by bytes and by tokens.
//
// What the grammar sees are the bytes that are shown, and they must be UTF-8: a byte sequence that a reader would show
// as U+FFFD is never allowed. A token may end within a character if some character of the grammar goes on like that.
//
// Copies are cheap and share what was found out. One thread at a time, copies included. Work is counted: each call does
// at most what allow() gave, else throws out_of_work and changes nothing; what was found out until then is kept, so
// that the call can be made again.
#pragma once

#include "match_memory.h"
#include "token_trie.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rast {

class grammar_matcher {
  public:
    // A look at a whole vocabulary, which may be done in parts.
    class look;

    // Throws out_of_work if the beginning of the grammar alone needs more than `work`.
    grammar_matcher(std::shared_ptr<const grammar> rules, uint64_t work, const std::atomic<bool> * cancelled = nullptr);

    // ---- text

    // Takes bytes. @returns false, and nothing has changed, if the grammar does not allow them.
    bool accept_text(std::string_view bytes);

    // Whether the text may end here.
    bool may_end() const;

    // Whether it must: nothing may follow.
    bool must_end() const;

    // The characters that may come, in words for people; "" for none, or where finding out takes too much work. Changes
    // nothing but the work that is left.
    std::string next_characters();

    // ---- tokens

    bool allows(const token_trie & tokens, int32_t token);

    // The token, which must be allowed and not end the text, came.
    void accept(const token_trie & tokens, int32_t token);

    // ---- work

    void allow(uint64_t work) { memory_->allow(work); }

    uint64_t work_left() const { return memory_->work_left(); }

    void watch(const std::atomic<bool> * cancelled) { memory_->watch(cancelled); }

    const match_memory & memory() const { return *memory_; }

  private:
    // Of a character whose first bytes have come.
    struct part_of_character {
        uint32_t value = 0;
        uint8_t lacking = 0;  // bytes
        uint8_t low = 0x80;   // bounds of the next one
        uint8_t high = 0xBF;

        bool operator==(const part_of_character &) const = default;
    };

    struct place {
        uint32_t config = 0;
        part_of_character part;

        bool operator==(const place &) const = default;
    };

    // One byte on. @returns false if it cannot come
    static bool advance(match_memory & memory, place & at, uint8_t byte);
    // Whether a text may stop here for now: the character that was begun can be ended.
    static bool can_rest(match_memory & memory, const place & at);
    place after(const token_trie & tokens, int32_t token) const;

    std::shared_ptr<match_memory> memory_;
    place at_;
};

// Which tokens may come next, as a set of bits. Belongs to the state of the matcher at its construction.
class grammar_matcher::look {
  public:
    look(const grammar_matcher & of, const token_trie & tokens);

    // Goes on for as long as the work lasts that allow() gave. @returns whether it is done
    bool go_on();

    bool may_come(int32_t token) const {
        const auto at = static_cast<size_t>(token);
        return (bits_[at / 64] >> (at % 64) & 1) != 0;
    }

  private:
    void set(int32_t token) { bits_[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64); }

    void unset(int32_t token) { bits_[static_cast<size_t>(token) / 64] &= ~(uint64_t{1} << (token % 64)); }

    void add_whole_tokens();

    std::shared_ptr<match_memory> memory_;
    const token_trie * tokens_;
    place from_;
    std::vector<uint64_t> bits_;
    std::vector<place> places_;  // by depth
    uint32_t node_ = 1;
    bool done_ = false;
};

}  // namespace rast
