// A grammar made ready for matching: checked, and turned into a network of states. Immutable, shared by any threads.
//
// The network is as large as the text: what repeats a counted number of times is one state with a counter. A rule is
// entered by a call and left at its end, as in a pushdown automaton; rules never begin with themselves (left recursion
// is refused), so that a text of a character can only call a finite number of them.
#pragma once

#include "gbnf_parser.h"
#include "grammar_checks.h"
#include "letter_map.h"

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rast {

class grammar {
  public:
    enum class kind : uint8_t {
        end,         // of the rule
        characters,  // one of set `value`, then `next`
        token,       // the token `value`, then `next`
        not_token,   // any but the token `value`, then `next`
        call,        // rule `value`, then `next`
        split,       // any of `count` states, from branches()[value] on
        count_set,   // as often as min to max a character of set `value`, then `next`
        count_rule   // as often as min to max rule `value`, then `next`; an empty repetition counts as none
    };

    static constexpr uint32_t endless = gbnf_node::endless;

    struct state {
        kind what = kind::end;
        uint32_t value = 0;
        uint32_t next = 0;
        uint32_t count = 0;
        uint32_t min = 0;
        uint32_t max = 0;

        auto operator<=>(const state &) const = default;
    };

    struct rule {
        uint32_t start = 0;  // state
        uint32_t rank = 0;   // those that may call it before any character have smaller ones
        bool nullable = false;
    };

    // @param tokens for grammars that name tokens; without, such a grammar is refused
    // @throws ERR_GRAMMAR for a text that does not parse, an undefined rule, left recursion, a rule that never ends, a
    //     token that no text can hold
    explicit grammar(std::string_view gbnf, const token_names * tokens = nullptr,
                     const std::atomic<bool> * cancelled = nullptr);

    const std::vector<state> & states() const { return states_; }

    const std::vector<uint32_t> & branches() const { return branches_; }

    const std::vector<rule> & rules() const { return rules_; }

    uint32_t root() const { return root_; }

    // Code points that the grammar never tells apart are one letter (letter_map).
    uint32_t letters() const { return letters_.letters(); }

    uint32_t letter_of(uint32_t code_point) const { return letters_.letter_of(code_point); }

    bool holds(uint32_t set, uint32_t letter) const { return letters_.holds(set, letter); }

    bool meets(uint32_t set, uint32_t low, uint32_t high) const { return letters_.meets(set, low, high); }

    uint32_t only_letter(uint32_t set) const { return letters_.only_letter(set); }

    size_t bytes() const;

  private:
    class builder;

    std::vector<state> states_;  // [0] is the end
    std::vector<uint32_t> branches_;
    std::vector<rule> rules_;     // those of the text, then what count_rule repeats
    std::vector<code_set> sets_;  // until letters_ has them
    letter_map letters_;
    uint32_t root_ = 0;
};

}  // namespace rast
