// What a few numbers say of rows of logits: how likely a token is, how many are likelier, how sure a row is, and how
// far two rows are apart. A row never leaves native code; these do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rast {

// Tokens that a row is looked at over: those that may be drawn, but for some that have no meaning in one of the rows.
class row_tokens {
  public:
    // @param masked ids that do not count, in any order
    row_tokens(int32_t n_drawable, const std::vector<int32_t> & masked);

    int32_t size() const { return static_cast<int32_t>(counts_.size()); }
    bool counts(int32_t token) const {
        return token >= 0 && token < size() && counts_[static_cast<size_t>(token)] != 0;
    }

  private:
    std::vector<uint8_t> counts_;
};

// The distribution that a row of logits is at temperature 1. Borrows both; computes in double precision, in two passes.
class row_distribution {
  public:
    // @param logits f32[n], n >= tokens.size(): infinities and NaN count as never
    row_distribution(std::span<const float> logits, const row_tokens & tokens);

    // The likeliest token, of equal ones the first; -1 where nothing is finite.
    int32_t top() const { return top_; }

    // Nats; 0 where nothing is finite.
    double entropy() const { return entropy_; }

    // Nats; -infinity for a token that does not count.
    double logprob(int32_t token) const;

    // How many tokens are likelier (of equal ones those before it); all of them for a token that does not count.
    int32_t rank(int32_t token) const;

    // KL(this || other), nats, 0 and more; infinite where this has what other has not.
    double divergence(const row_distribution & other) const;

  private:
    double value(int32_t token) const;

    std::span<const float> logits_;
    const row_tokens & tokens_;
    int32_t top_ = -1;
    double log_sum_ = 0;  // of exp over all tokens
    double entropy_ = 0;
};

}  // namespace rast
