// How many tokens to draft: from what rows cost, and from how often expert and ensemble agree.
#pragma once

#include <cstddef>
#include <vector>

namespace rast {

// How often expert and ensemble draw the same token from the same history; recent positions count more.
class agreement {
  public:
    // Before anything was seen: a middling guess, worth four positions.
    static constexpr double expected_at_first = 0.7;
    static constexpr double weight_at_first = 4;

    agreement(double expected, double weight, double memory);
    void observe(bool same);

    // In (0, 1).
    double value() const { return (agreed_ + expected_ * weight_) / (compared_ + weight_); }

    // Positions observed, as far as they are remembered.
    double evidence() const { return compared_; }

    // A fresh one that expects this one's value.
    agreement successor(double weight, double memory) const { return {value(), weight, memory}; }

  private:
    double expected_;
    double weight_;  // of the expectation, in positions
    double memory_;  // what a position's weight becomes with every further one
    double agreed_ = 0;
    double compared_ = 0;
};

// Milliseconds of a decode by its rows, learned while running. They rise in steps and fall: kernels that take four rows
// at once make four cheaper than three.
class row_costs {
  public:
    explicit row_costs(size_t most);

    void learn(size_t rows, double ms);
    bool known(size_t rows) const { return rows < ms_.size() && ms_[rows] >= 0; }
    bool any() const;

    // Adds the costs of another model, which decodes the same rows.
    void add(const row_costs & other);

    // Between known numbers of rows along a line; beyond them a little below the last line, so that it is tried.
    double at(size_t rows) const;

  private:
    std::vector<double> ms_;    // by rows, -1 = not known
    std::vector<size_t> seen_;  // measurements
};

struct round_costs {
    row_costs expert;  // drafts one token per sequence and decode
    row_costs others;  // all other small models, each verifying in one decode
    row_costs base;
};

struct draft_candidate {
    double agreement = 0;
    int most = 0;          // tokens that may be drafted
    int useful = 1 << 30;  // tokens after which the text ends: more drafts are for nothing, unless rows get cheaper
};

// Tries lengths whose costs are not known, where most of their rows would be used even so; and now and then one that
// was not used for long and is nearly as good by what is known, as that may have been measured on a busy machine.
class draft_probe {
  public:
    int choose(const round_costs & costs, const draft_candidate & candidate, int chosen);

  private:
    size_t rounds_ = 0;
    std::vector<size_t> used_;  // the last round with so many drafts
};

// Tokens to draft for each sequence, so that a round gives the most tokens per millisecond: rows go one by one to the
// sequence that is likeliest to use them, and the best of all these rounds is taken. None unless it gains 4%.
// @param rows_left outputs of one decode beyond the one of each candidate
// @param other_rows rows of the base that belong to sequences without drafts
std::vector<int> choose_drafts(const round_costs & costs, const std::vector<draft_candidate> & candidates,
                               size_t rows_left, size_t other_rows);

}  // namespace rast
