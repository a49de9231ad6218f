// What a few numbers say of rows: against sums in plain sight, and what must hold of any rows.
#include "../sampling/row_figures.h"
#include "harness.h"
#include "random_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

namespace rast::test {

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

void check_near(double value, double wanted, const char * what, double within = 1e-9) {
    if (!(std::fabs(value - wanted) <= within)) {
        fail(std::string(what) + " is " + std::to_string(value) + ", expected " + std::to_string(wanted));
    }
}

void check_by_hand() {
    const row_tokens all(4, {});
    const std::vector<float> flat = {1, 1, 1, 1};
    const row_distribution even(flat, all);
    check(even.top() == 0, "the first of equal tokens");
    check_near(even.entropy(), std::log(4.0), "entropy of four equal tokens");
    check_near(even.logprob(3), -std::log(4.0), "log-probability of one of four");
    check(even.rank(0) == 0 && even.rank(3) == 3, "ranks of equal tokens by id");

    const std::vector<float> skewed = {0, std::log(3.0F), -inf, NAN};
    const row_distribution row(skewed, all);
    check(row.top() == 1, "the likeliest token");
    check_near(row.logprob(1), std::log(0.75), "three quarters", 1e-6);
    check_near(row.logprob(0), std::log(0.25), "one quarter", 1e-6);
    check(row.logprob(2) == -inf && row.logprob(3) == -inf, "what is not finite is never drawn");
    check(row.rank(0) == 1 && row.rank(2) == 2, "ranks behind what may be drawn");
    check_near(row.entropy(), -0.75 * std::log(0.75) - 0.25 * std::log(0.25), "entropy of 3 to 1", 1e-6);
    check_near(row.divergence(even), 0.75 * std::log(0.75 * 4) + 0.25 * std::log(0.25 * 4), "divergence", 1e-6);
    check(std::isinf(even.divergence(row)), "what the other row never has");
    check_near(row.divergence(row), 0, "divergence from itself");

    // tokens that do not count are as if they were not there
    const row_tokens some(3, {1, 7, -2});
    const row_distribution without(skewed, some);
    check(without.top() == 0 && !some.counts(1) && !some.counts(3) && some.counts(2), "masked tokens");
    check_near(without.logprob(0), 0, "the only token left");
    check(without.logprob(1) == -inf, "a masked token");

    const std::vector<float> none = {-inf, NAN, inf};
    const row_tokens three(3, {});
    const row_distribution empty(none, three);
    check(empty.top() == -1 && empty.entropy() == 0 && empty.logprob(0) == -inf, "a row without a finite number");
    check_near(empty.divergence(even), 0, "divergence of nothing");
}

void check_random(long rounds) {
    row_source source(11);
    for (long round = 0; round < rounds; ++round) {
        const int n = 2 + static_cast<int>(round % 300);
        const row_tokens tokens(n, {static_cast<int32_t>(round % n)});
        const random_row a = source.row(n, static_cast<int>(round % 4));
        const random_row b = source.row(n, static_cast<int>((round + 1) % 4));
        const row_distribution x(a.base, tokens);
        const row_distribution y(b.base, tokens);
        if (x.top() < 0 || y.top() < 0) {
            continue;
        }
        double mass = 0;
        std::vector<int32_t> ranks;
        for (int32_t token = 0; token < n; ++token) {
            mass += std::exp(x.logprob(token));
            if (tokens.counts(token) && std::isfinite(a.base[static_cast<size_t>(token)])) {
                ranks.push_back(x.rank(token));
            }
        }
        check_near(mass, 1, "the mass of a row", 1e-9);
        std::sort(ranks.begin(), ranks.end());
        for (size_t i = 0; i < ranks.size(); ++i) {
            check(ranks[i] == static_cast<int32_t>(i), "ranks are 0, 1, 2, ...");
        }
        check(x.rank(x.top()) == 0, "the likeliest has rank 0");
        check(x.entropy() >= 0 && x.entropy() <= std::log(static_cast<double>(ranks.size())) + 1e-9,
              "entropy's bounds");
        check(x.divergence(y) >= 0, "a divergence is not negative");
    }
}

}  // namespace

int test_figures(const arguments & args) {
    const long rounds = args.number("rounds", 2000);
    check_by_hand();
    check_random(rounds);
    std::printf("rounds %ld\nok\n", rounds);
    return 0;
}

}  // namespace rast::test
