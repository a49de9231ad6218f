// How often drafts are what the ensemble draws; recent positions count more.
#pragma once

#include <algorithm>

namespace rast {

class agreement {
  public:
    // Before anything was seen: most pairs agree often, and two positions outweigh the guess.
    static constexpr double expected_at_first = 0.8;
    static constexpr double weight_at_first = 2;

    // @param weight of the expectation, in positions
    // @param memory what a position's weight becomes with every further one
    agreement(double expected, double weight, double memory)
        : agreed_(expected * weight), compared_(weight), memory_(memory) {}

    void observe(bool same) {
        agreed_ = agreed_ * memory_ + (same ? 1 : 0);
        compared_ = compared_ * memory_ + 1;
    }

    // In [0, 1].
    double value() const { return agreed_ / compared_; }

    // In positions, as far as they are remembered.
    double weight() const { return compared_; }

    // A fresh one that expects this one's value, with at most so much weight.
    agreement successor(double most_weight, double memory) const {
        return {value(), std::min(most_weight, compared_), memory};
    }

    // Another's count, as value() and weight() gave it.
    void restore(double value, double weight) {
        agreed_ = value * weight;
        compared_ = weight;
    }

  private:
    double agreed_;
    double compared_;
    double memory_;
};

}  // namespace rast
