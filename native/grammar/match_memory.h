// Where the matching of one text keeps what it has found out: stacks and sets of stacks, each stored once, and which
// set a letter leads to. Grows only; a matcher whose memory has grown too much goes on in a new one.
//
// A set of stacks ("configuration") is a list of places in the grammar, each with a frame: what follows when its rule
// ends. Frames are shared, and equal ones are one, so that the number of stacks may be exponential where that of frames
// is not. One thread at a time.
#pragma once

#include "grammar.h"
#include "match_tables.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace rast {

// Matching has used up the work it was allowed. Nothing has changed, and what was found out is kept.
struct out_of_work {};

class match_memory {
  public:
    static constexpr uint32_t dead = UINT32_MAX;

    using item = match_item;

    explicit match_memory(std::shared_ptr<const grammar> rules);

    const grammar & rules() const { return *grammar_; }

    const std::shared_ptr<const grammar> & shared_rules() const { return grammar_; }

    // The configuration before any text.
    uint32_t start();

    // Where a letter leads; `dead` if nowhere. Throws out_of_work.
    uint32_t step(uint32_t config, uint32_t letter) {
        const auto & known = configs_[config].next;
        const uint32_t to = known.empty() ? unknown : known[letter];
        return to != unknown ? to : find_step(config, letter);
    }

    // Where a token leads as such, apart from its text; `dead` if nowhere. Throws out_of_work.
    // @param by_name_only not where any token but another may come
    uint32_t step_token(uint32_t config, uint32_t token, bool by_name_only);

    // Both together; either may be dead.
    uint32_t merge(uint32_t one, uint32_t other);

    // Whether the text may end here.
    bool complete(uint32_t config) const { return configs_[config].complete; }

    // Whether it may go on.
    bool goes_on(uint32_t config) const { return !configs_[config].items.empty(); }

    // Whether a character of [low, high] may come.
    bool takes_any(uint32_t config, uint32_t low, uint32_t high);

    // What tokens may come as such: calls with the id and whether it is the only one that may not.
    template <typename Visit>
    void tokens(uint32_t config, const Visit & visit) const {
        const stored & at = configs_[config];
        for (size_t i = at.tokens_from; i < at.items.size(); ++i) {
            const grammar::state & state = grammar_->states()[at.items[i].state];
            visit(static_cast<int32_t>(state.value), state.what == grammar::kind::not_token);
        }
    }

    bool names_tokens(uint32_t config) const { return configs_[config].tokens_from < configs_[config].items.size(); }

    // A copy of one configuration and what it needs. @returns its number there, in `to`
    uint32_t copy_into(match_memory & to, uint32_t config) const;

    // Units of work that may be done until out_of_work is thrown; about 20 ns each.
    void allow(uint64_t work) { work_left_ = work; }

    uint64_t work_left() const { return work_left_; }

    // For work of a caller's own.
    void spend_one() { spend(1); }

    // Looked at every now and then; when set, out_of_work is thrown.
    void watch(const std::atomic<bool> * cancelled) { cancelled_ = cancelled; }

    const std::atomic<bool> * watched() const { return cancelled_; }

    size_t bytes() const { return bytes_; }

    size_t frames() const { return frames_.size(); }

    size_t configurations() const { return configs_.size(); }

  private:
    static constexpr uint32_t unknown = UINT32_MAX - 1;
    static constexpr uint32_t temporary = 0x80000000U;  // frames of the closure at hand

    struct stored {
        std::vector<item> items;  // those of one letter by letter, those of several, those of tokens
        size_t several_from = 0;
        size_t tokens_from = 0;
        bool complete = false;
        std::vector<uint32_t> next;  // by letter, when first asked for
    };

    // What a closure makes of a rule that is called.
    struct called {
        uint32_t rule = 0;
        std::vector<item> returns;
        uint32_t frame = 0;  // when it is known
    };

    uint32_t find_step(uint32_t config, uint32_t letter);
    void spend(uint64_t work) {
        if (work > work_left_) {
            throw out_of_work{};
        }
        work_left_ -= work;
        if (work > until_look_) {
            look_for_cancellation();
        } else {
            until_look_ -= work;
        }
    }

    void look_for_cancellation();
    uint32_t close();
    void follow(const item & at);
    void add(uint32_t state, uint32_t counter, uint32_t frame);
    void call(uint32_t rule, const item & back);
    void settle_frames();
    void keep_best(std::vector<item> & items) const;
    uint32_t intern_frame(std::vector<item> & returns);
    uint32_t intern_config(std::vector<item> & items, bool complete);
    uint32_t letter_of(const item & one) const;

    std::shared_ptr<const grammar> grammar_;
    std::deque<std::vector<item>> frames_;  // [0] the end of the text; what a frame returns to comes before it
    std::deque<stored> configs_;
    number_table frame_table_;
    number_table config_table_;
    size_t bytes_ = 0;
    uint64_t work_left_ = UINT64_MAX;
    uint64_t until_look_ = 0;
    const std::atomic<bool> * cancelled_ = nullptr;

    // of the closure at hand
    seen_items seen_;
    std::vector<item> todo_;
    std::vector<item> found_;
    std::vector<called> calls_;
    size_t n_calls_ = 0;
    std::vector<uint32_t> call_of_rule_;  // index + 1
    bool complete_ = false;
};

}  // namespace rast
