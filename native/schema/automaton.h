// Deterministic automata over code points: what a string, a key or a number may be.
#pragma once

#include "code_points.h"
#include "pattern.h"
#include "refusal.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rast::schema {

class automaton {
  public:
    static constexpr int32_t dead = -1;

    struct edge {
        code_point_set set;
        int32_t to;
    };

    // All texts.
    static automaton anything();

    // Exactly these texts.
    static automaton of_texts(const std::vector<std::string_view> & texts, work_budget & budget);

    // What the pattern matches: anywhere in the text, unless it is anchored. Nothing if that takes more than this many
    // states.
    static std::optional<automaton> of_pattern(const pattern_node & root, size_t most_states, work_budget & budget);

    // From states with a `next` for every interval; `starts` are the intervals' first code points, from 0.
    automaton(std::vector<uint32_t> starts, std::vector<int32_t> next, std::vector<bool> accepts);

    automaton intersect(const automaton & other, work_budget & budget) const;
    automaton complement() const;

    // The texts of least to most code points. Nothing if that takes more than this many states.
    std::optional<automaton> of_length(uint64_t least, uint64_t most, size_t most_states, work_budget & budget) const;

    // Without states that lead nowhere, and as few as can be.
    automaton minimal(work_budget & budget) const;

    bool matches(std::string_view text) const;
    bool empty() const;       // when minimal: no text at all
    bool everything() const;  // when minimal

    // When minimal: every text of it begins another one, so that there is always more to say.
    bool always_extends() const;

    size_t size() const { return accepts_.size(); }

    bool accepts(size_t state) const { return accepts_[state]; }

    // By target, in order of the targets' first code points; the set of an edge is everything that leads there.
    std::vector<edge> edges(size_t state) const;

  private:
    // Where intervals begin if nothing is told apart within them: these, the surrogates' borders, and 0.
    static std::vector<uint32_t> borders(std::vector<uint32_t> starts);

    // By state: whether an accepting one is reached from it.
    std::vector<bool> alive() const;

    // By state: a number that those share from which the same texts are accepted (Moore: groups are split until all of
    // one lead to the same groups); dead without life.
    std::vector<int32_t> groups_of_equals(const std::vector<bool> & alive, work_budget & budget) const;

    size_t width() const { return starts_.size(); }

    int32_t step(int32_t state, size_t interval) const {
        return state < 0 ? dead : next_[static_cast<size_t>(state) * width() + interval];
    }

    std::vector<uint32_t> starts_;
    std::vector<int32_t> next_;
    std::vector<bool> accepts_;  // the first state is where texts begin
};

}  // namespace rast::schema
