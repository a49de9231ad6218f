#include "match_memory.h"

#include "../threads/work_turns.h"

#include <algorithm>

namespace rast {

namespace {

constexpr uint64_t work_between_looks = 1 << 14;  // units of 20 ns: some 0.3 ms until a cancellation is seen
constexpr size_t overhead_bytes = 32;             // of a stored list beside its items: its places in the tables
constexpr uint64_t seed_of_frames = 1;
constexpr uint64_t seed_of_complete = 2;  // configurations that may end differ from those that may not
constexpr uint64_t seed_of_others = 3;

// Places in the list of a configuration: one letter < several < tokens.
constexpr uint32_t several_letters = UINT32_MAX - 1;
constexpr uint32_t tokens_only = UINT32_MAX;

bool counts(const grammar::state & state) {
    return state.what == grammar::kind::count_set || state.what == grammar::kind::count_rule;
}

}  // namespace

// ---- frames and configurations, each stored once

uint32_t match_memory::intern_frame(std::vector<item> & returns) {
    frame_table_.make_room(frames_.size());
    uint32_t & known =
        frame_table_.find(hash_of(returns, seed_of_frames), [&](uint32_t i) { return frames_[i] == returns; });
    if (known == 0) {
        frames_.emplace_back(returns.begin(), returns.end());
        bytes_ += sizeof(std::vector<item>) + returns.size() * sizeof(item) + overhead_bytes;
        known = static_cast<uint32_t>(frames_.size());
    }
    return known - 1;
}

// The letter of an item by which a configuration is ordered.
uint32_t match_memory::letter_of(const item & one) const {
    const grammar::state & state = grammar_->states()[one.state];
    if (state.what == grammar::kind::token || state.what == grammar::kind::not_token) {
        return tokens_only;
    }
    const uint32_t letter = grammar_->only_letter(state.value);
    return letter < grammar_->letters() ? letter : several_letters;
}

uint32_t match_memory::intern_config(std::vector<item> & items, bool complete) {
    if (items.empty() && !complete) {
        return dead;
    }
    config_table_.make_room(configs_.size());
    uint32_t & known =
        config_table_.find(hash_of(items, complete ? seed_of_complete : seed_of_others),
                           [&](uint32_t i) { return configs_[i].complete == complete && configs_[i].items == items; });
    if (known == 0) {
        stored made;
        made.items.assign(items.begin(), items.end());
        made.complete = complete;
        const auto from = [&](uint32_t letter) {
            return static_cast<size_t>(std::partition_point(items.begin(), items.end(),
                                                            [&](const item & one) { return letter_of(one) < letter; }) -
                                       items.begin());
        };
        made.several_from = from(several_letters);
        made.tokens_from = from(tokens_only);
        configs_.push_back(std::move(made));
        bytes_ += sizeof(stored) + items.size() * sizeof(item) + overhead_bytes;
        known = static_cast<uint32_t>(configs_.size());
    }
    return known - 1;
}

// ---- matching

match_memory::match_memory(std::shared_ptr<const grammar> rules)
    : grammar_(std::move(rules)), call_of_rule_(grammar_->rules().size()) {
    // the end of the text returns to itself
    std::vector<item> end{{0, 0, 0}};
    intern_frame(end);
}

void match_memory::look_for_cancellation() {
    until_look_ = work_between_looks;
    work_turn::breathe_now();
    if (cancelled_ != nullptr && *cancelled_) {
        throw out_of_work{};
    }
}

uint32_t match_memory::start() {
    todo_.clear();
    todo_.push_back({grammar_->rules()[grammar_->root()].start, 0, 0});
    return close();
}

uint32_t match_memory::find_step(uint32_t config, uint32_t letter) {
    const auto & states = grammar_->states();
    const stored & from = configs_[config];
    todo_.clear();
    const auto take = [&](const item & one) {
        const grammar::state & state = states[one.state];
        if (state.what == grammar::kind::count_set) {
            todo_.push_back({one.state, one.counter + 1, one.frame});
        } else {
            todo_.push_back({state.next, 0, one.frame});
        }
    };
    const auto single_end = from.items.begin() + static_cast<ptrdiff_t>(from.several_from);
    auto at =
        std::partition_point(from.items.begin(), single_end, [&](const item & one) { return letter_of(one) < letter; });
    for (; at != single_end && letter_of(*at) == letter; ++at) {
        take(*at);
    }
    spend(1 + from.tokens_from - from.several_from);
    for (size_t i = from.several_from; i < from.tokens_from; ++i) {
        if (grammar_->holds(states[from.items[i].state].value, letter)) {
            take(from.items[i]);
        }
    }
    const uint32_t to = todo_.empty() ? dead : close();
    stored & known = configs_[config];
    if (known.next.empty()) {
        known.next.assign(grammar_->letters(), unknown);
        bytes_ += known.next.size() * sizeof(uint32_t);
    }
    known.next[letter] = to;
    return to;
}

uint32_t match_memory::step_token(uint32_t config, uint32_t token, bool by_name_only) {
    const stored & from = configs_[config];
    todo_.clear();
    for (size_t i = from.tokens_from; i < from.items.size(); ++i) {
        const grammar::state & state = grammar_->states()[from.items[i].state];
        const bool by_name = state.what == grammar::kind::token;
        if (by_name ? state.value == token : state.value != token && !by_name_only) {
            todo_.push_back({state.next, 0, from.items[i].frame});
        }
    }
    return todo_.empty() ? dead : close();
}

uint32_t match_memory::merge(uint32_t one, uint32_t other) {
    if (one == dead || other == dead || one == other) {
        return one == dead ? other : one;
    }
    found_ = configs_[one].items;
    found_.insert(found_.end(), configs_[other].items.begin(), configs_[other].items.end());
    keep_best(found_);
    return intern_config(found_, configs_[one].complete || configs_[other].complete);
}

bool match_memory::takes_any(uint32_t config, uint32_t low, uint32_t high) {
    const stored & at = configs_[config];
    spend(1 + at.tokens_from / 4);
    for (size_t i = 0; i < at.tokens_from; ++i) {
        if (grammar_->meets(grammar_->states()[at.items[i].state].value, low, high)) {
            return true;
        }
    }
    return false;
}

// Adds a place to the closure at hand, unless it is there, or one that can do all that it can.
void match_memory::add(uint32_t state, uint32_t counter, uint32_t frame) {
    const grammar::state & what = grammar_->states()[state];
    if (counts(what) && counter >= what.min) {
        // of those that have repeated enough the one that has repeated least may do most
        counter = what.max == grammar::endless ? what.min : counter;
        uint32_t & least = seen_.at({state, UINT32_MAX, frame}, UINT32_MAX);
        if (counter >= least) {
            return;
        }
        least = counter;
    } else {
        uint32_t & seen = seen_.at({state, counter, frame}, 0);
        if (seen != 0) {
            return;
        }
        seen = 1;
    }
    todo_.push_back({state, counter, frame});
}

// Enters a rule that will go on at `back`.
void match_memory::call(uint32_t rule, const item & back) {
    uint32_t & index = call_of_rule_[rule];
    if (index == 0) {
        if (n_calls_ == calls_.size()) {
            calls_.emplace_back();
        }
        calls_[n_calls_].rule = rule;
        calls_[n_calls_].returns.clear();
        index = static_cast<uint32_t>(++n_calls_);
        add(grammar_->rules()[rule].start, 0, temporary | (index - 1));
    }
    calls_[index - 1].returns.push_back(back);
}

// From one place a step on without a character; a place that waits for one is found.
void match_memory::follow(const item & at) {
    const grammar::state & state = grammar_->states()[at.state];
    spend(1);
    switch (state.what) {
        case grammar::kind::end:
            // a rule that ends where it began is one that may be empty: whoever called it went on already
            if ((at.frame & temporary) == 0) {
                if (at.frame == 0) {
                    complete_ = true;
                } else {
                    spend(frames_[at.frame].size());
                    for (const item & back : frames_[at.frame]) {
                        add(back.state, back.counter, back.frame);
                    }
                }
            }
            break;
        case grammar::kind::characters:
        case grammar::kind::token:
        case grammar::kind::not_token: found_.push_back(at); break;
        case grammar::kind::split:
            for (uint32_t i = 0; i < state.count; ++i) {
                add(grammar_->branches()[state.value + i], 0, at.frame);
            }
            spend(state.count);
            break;
        case grammar::kind::call:
            call(state.value, {state.next, 0, at.frame});
            if (grammar_->rules()[state.value].nullable) {
                add(state.next, 0, at.frame);
            }
            break;
        case grammar::kind::count_set:
            if (at.counter < state.max) {
                found_.push_back(at);
            }
            if (at.counter >= state.min) {
                add(state.next, 0, at.frame);
            }
            break;
        case grammar::kind::count_rule:
            if (at.counter < state.max) {
                call(state.value, {at.state, at.counter + 1, at.frame});
            }
            if (at.counter >= state.min) {
                add(state.next, 0, at.frame);
            }
            break;
    }
}

// All places that are reached from those in todo_ without a character. @returns the configuration
uint32_t match_memory::close() {
    // of a closure that was broken off
    for (size_t i = 0; i < n_calls_; ++i) {
        call_of_rule_[calls_[i].rule] = 0;
    }
    n_calls_ = 0;
    found_.clear();
    complete_ = false;
    seen_.clear();
    std::vector<item> kernel;
    kernel.swap(todo_);
    for (const item & one : kernel) {
        add(one.state, one.counter, one.frame);
    }
    while (!todo_.empty()) {
        const item at = todo_.back();
        todo_.pop_back();
        follow(at);
    }
    kernel.clear();
    todo_.swap(kernel);  // keeps its room
    settle_frames();
    for (item & one : found_) {
        one.frame = (one.frame & temporary) != 0 ? calls_[one.frame & ~temporary].frame : one.frame;
    }
    keep_best(found_);
    return intern_config(found_, complete_);
}

// Gives the rules that were called their frames: callers first, as a frame is known by what it returns to.
void match_memory::settle_frames() {
    std::vector<uint32_t> order(n_calls_);
    for (uint32_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
        return grammar_->rules()[calls_[x].rule].rank < grammar_->rules()[calls_[y].rule].rank;
    });
    std::vector<item> returns;
    for (const uint32_t i : order) {
        returns.clear();
        for (const item & back : calls_[i].returns) {
            const uint32_t frame = (back.frame & temporary) != 0 ? calls_[back.frame & ~temporary].frame : back.frame;
            if (back.state == 0) {
                // a call that ends its rule: what is called returns where the rule would
                returns.insert(returns.end(), frames_[frame].begin(), frames_[frame].end());
            } else {
                returns.push_back({back.state, back.counter, frame});
            }
        }
        spend(returns.size());
        keep_best(returns);
        calls_[i].frame = intern_frame(returns);
    }
}

// Sorts items, and drops those that can do no more than another.
void match_memory::keep_best(std::vector<item> & items) const {
    const auto & states = grammar_->states();
    const auto in_order = [&](const item & x, const item & y) {
        return x.state != y.state ? x.state < y.state : x.frame != y.frame ? x.frame < y.frame : x.counter < y.counter;
    };
    std::sort(items.begin(), items.end(), in_order);
    size_t kept = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        item one = items[i];
        const grammar::state & state = states[one.state];
        const bool enough = counts(state) && one.counter >= state.min;
        if (enough && state.max == grammar::endless) {
            one.counter = state.min;
        }
        if (kept > 0) {
            const item & before = items[kept - 1];
            const bool same_place = before.state == one.state && before.frame == one.frame;
            if (same_place && (before.counter == one.counter || (enough && before.counter >= state.min))) {
                continue;
            }
        }
        items[kept++] = one;
    }
    items.resize(kept);
    // frames are lists without letters: only places that wait for a character are put in their order
    const bool waiting = std::all_of(items.begin(), items.end(), [&](const item & one) {
        const auto what = states[one.state].what;
        return what == grammar::kind::characters || what == grammar::kind::token || what == grammar::kind::not_token ||
               what == grammar::kind::count_set;
    });
    if (waiting) {
        std::stable_sort(items.begin(), items.end(),
                         [&](const item & x, const item & y) { return letter_of(x) < letter_of(y); });
    }
}

uint32_t match_memory::copy_into(match_memory & to, uint32_t config) const {
    std::vector<bool> needed(frames_.size());
    const stored & from = configs_[config];
    for (const item & one : from.items) {
        needed[one.frame] = true;
    }
    for (size_t i = frames_.size(); i-- > 0;) {
        if (needed[i]) {
            for (const item & back : frames_[i]) {
                needed[back.frame] = true;
            }
        }
    }
    std::vector<uint32_t> there(frames_.size());
    std::vector<item> items;
    const auto translate = [&](const std::vector<item> & list) {
        items = list;
        for (item & one : items) {
            one.frame = there[one.frame];
        }
        // numbers are given in the same order, so that what was sorted stays so
        return items;
    };
    for (uint32_t i = 0; i < frames_.size(); ++i) {
        if (needed[i] || i == 0) {
            translate(frames_[i]);
            there[i] = to.intern_frame(items);
        }
    }
    translate(from.items);
    return to.intern_config(items, from.complete);
}

}  // namespace rast
