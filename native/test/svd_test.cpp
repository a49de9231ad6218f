// The truncated decomposition against matrices whose singular values are known.
#include "../linear/tall_matrix.h"
#include "../linear/truncated_svd.h"
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <vector>

namespace rast::test {

namespace {

class held_rows final : public row_source {
  public:
    held_rows(int64_t rows, int64_t columns, int64_t at_once)
        : rows_(rows), columns_(columns), at_once_(at_once), data(static_cast<size_t>(rows * columns), 0.0F) {}

    int64_t rows() const override { return rows_; }
    int64_t columns() const override { return columns_; }

    void breathe() override {
        if (breaths-- == 0) {
            throw std::runtime_error("enough");
        }
    }

    void each(const taker & take) override {
        for (int64_t row = 0; row < rows_; row += at_once_) {
            take(row, std::min(at_once_, rows_ - row), data.data() + row * columns_);
        }
    }

  private:
    int64_t rows_;
    int64_t columns_;
    int64_t at_once_;

  public:
    std::vector<float> data;
    int64_t breaths = -1;  // until one throws; below 0: none does
};

// f64[rows, count] with orthonormal columns, by Gram and Schmidt.
std::vector<double> orthonormal(int64_t rows, int64_t count, std::mt19937_64 & numbers) {
    std::normal_distribution<double> normal;
    std::vector<double> out(static_cast<size_t>(rows * count));
    const auto at = [&](int64_t r, int64_t c) -> double & { return out[static_cast<size_t>(r * count + c)]; };
    for (int64_t c = 0; c < count; ++c) {
        for (int64_t r = 0; r < rows; ++r) {
            at(r, c) = normal(numbers);
        }
        for (int time = 0; time < 2; ++time) {
            for (int64_t before = 0; before < c; ++before) {
                double dot = 0;
                for (int64_t r = 0; r < rows; ++r) {
                    dot += at(r, c) * at(r, before);
                }
                for (int64_t r = 0; r < rows; ++r) {
                    at(r, c) -= dot * at(r, before);
                }
            }
            double norm = 0;
            for (int64_t r = 0; r < rows; ++r) {
                norm += at(r, c) * at(r, c);
            }
            for (int64_t r = 0; r < rows; ++r) {
                at(r, c) /= std::sqrt(norm);
            }
        }
    }
    return out;
}

struct shape {
    int64_t rows;
    int64_t columns;
    std::vector<double> values;
};

held_rows make(const shape & wanted, int64_t at_once, std::mt19937_64 & numbers) {
    const auto count = static_cast<int64_t>(wanted.values.size());
    const std::vector<double> u = orthonormal(wanted.rows, count, numbers);
    const std::vector<double> v = orthonormal(wanted.columns, count, numbers);
    held_rows out(wanted.rows, wanted.columns, at_once);
    for (int64_t r = 0; r < wanted.rows; ++r) {
        for (int64_t c = 0; c < wanted.columns; ++c) {
            double sum = 0;
            for (int64_t k = 0; k < count; ++k) {
                sum += u[static_cast<size_t>(r * count + k)] * wanted.values[static_cast<size_t>(k)] *
                       v[static_cast<size_t>(c * count + k)];
            }
            out.data[static_cast<size_t>(r * wanted.columns + c)] = static_cast<float>(sum);
        }
    }
    return out;
}

// Squared norm of matrix - left * right^T.
double residual(const held_rows & matrix, const truncated_svd & found) {
    double sum = 0;
    for (int64_t r = 0; r < matrix.rows(); ++r) {
        for (int64_t c = 0; c < matrix.columns(); ++c) {
            double value = static_cast<double>(matrix.data[static_cast<size_t>(r * matrix.columns() + c)]);
            for (int64_t k = 0; k < found.rank; ++k) {
                value -= static_cast<double>(found.left[static_cast<size_t>(r * found.rank + k)]) *
                         static_cast<double>(found.right[static_cast<size_t>(c * found.rank + k)]);
            }
            sum += value * value;
        }
    }
    return sum;
}

void compare(const shape & wanted, int64_t rank, int64_t at_once, std::mt19937_64 & numbers) {
    held_rows matrix = make(wanted, at_once, numbers);
    const truncated_svd found = decompose(matrix, rank);
    const std::string label =
        std::to_string(wanted.rows) + " x " + std::to_string(wanted.columns) + ", rank " + std::to_string(rank) + ": ";
    const auto kept = std::min({rank, wanted.rows, wanted.columns});
    check(found.rank == kept, label + "rank");
    const double largest = wanted.values.empty() ? 0 : wanted.values.front();
    double whole = 0;
    double best = 0;
    for (size_t k = 0; k < wanted.values.size(); ++k) {
        whole += wanted.values[k] * wanted.values[k];
        best += k < static_cast<size_t>(kept) ? wanted.values[k] * wanted.values[k] : 0;
    }
    for (int64_t k = 0; k < kept; ++k) {
        const double value = k < static_cast<int64_t>(wanted.values.size()) ? wanted.values[static_cast<size_t>(k)] : 0;
        check(std::abs(found.values[static_cast<size_t>(k)] - value) <= 2e-4 * largest,
              label + "value " + std::to_string(k) + " is " + std::to_string(found.values[static_cast<size_t>(k)]) +
                  ", not " + std::to_string(value));
    }
    check(std::abs(found.whole_energy - whole) <= 1e-4 * whole, label + "whole energy");
    // no rank holds more than the largest values; what is found is nearly that
    check(found.kept_energy <= best * (1 + 1e-4) && found.kept_energy >= best * (1 - 1e-4), label + "kept energy");
    check(std::abs(residual(matrix, found) - (whole - best)) <= 1e-4 * whole, label + "residual");
}

void test_eigen(std::mt19937_64 & numbers) {
    constexpr int64_t n = 24;
    std::normal_distribution<double> normal;
    std::vector<double> s(n * n);
    for (int64_t r = 0; r < n; ++r) {
        for (int64_t c = 0; c <= r; ++c) {
            s[static_cast<size_t>(r * n + c)] = s[static_cast<size_t>(c * n + r)] = normal(numbers);
        }
    }
    const eigen_pairs found = symmetric_eigen(s, n);
    for (int64_t k = 0; k < n; ++k) {
        check(k == 0 || found.values[static_cast<size_t>(k - 1)] >= found.values[static_cast<size_t>(k)], "descending");
        for (int64_t r = 0; r < n; ++r) {
            double sum = 0;
            for (int64_t c = 0; c < n; ++c) {
                sum += s[static_cast<size_t>(r * n + c)] * found.vectors[static_cast<size_t>(c * n + k)];
            }
            const double expected =
                found.values[static_cast<size_t>(k)] * found.vectors[static_cast<size_t>(r * n + k)];
            check(std::abs(sum - expected) < 1e-10, "S v = lambda v");
        }
    }
}

// It can be ended within each of its parts, which take seconds at true widths.
void test_ends() {
    held_rows matrix(96, 80, 96);
    for (size_t i = 0; i < matrix.data.size(); ++i) {
        matrix.data[i] = static_cast<float>((i * 37) % 101) - 50;
    }
    matrix.breaths = int64_t{1} << 40;
    decompose(matrix, 16);
    const int64_t all = (int64_t{1} << 40) - matrix.breaths;
    check(all > 200, "it looks up often");
    for (int64_t after = 0; after < all; after += 1 + all / 61) {
        matrix.breaths = after;
        bool ended = false;
        try {
            decompose(matrix, 16);
        } catch (const std::runtime_error &) {
            ended = true;
        }
        check(ended, "what breathe throws ends it");
    }
}

std::vector<double> decaying(int64_t count, double rate) {
    std::vector<double> out;
    for (int64_t k = 0; k < count; ++k) {
        out.push_back(3 * std::pow(rate, static_cast<double>(k)));
    }
    return out;
}

}  // namespace

int test_svd(const arguments & args) {
    std::mt19937_64 numbers(static_cast<uint64_t>(args.number("seed", 1)));
    test_ends();
    test_eigen(numbers);
    // exactly of low rank: all of it is found
    compare({60, 90, {5, 2, 1, 0.5}}, 4, 7, numbers);
    compare({90, 60, {5, 2, 1, 0.5}}, 8, 90, numbers);
    compare({200, 33, {1}}, 1, 64, numbers);
    // as wide as high, equal values, tiny values beside large ones
    compare({64, 64, std::vector<double>(6, 2.0)}, 6, 5, numbers);
    compare({80, 70, {1000, 1, 0.5, 0.25}}, 4, 16, numbers);
    // values that fall slowly: those beyond the rank are in the way
    compare({150, 120, decaying(120, 0.9)}, 8, 32, numbers);
    compare({300, 200, decaying(200, 0.97)}, 32, 50, numbers);
    // smaller than the rank, or than what is computed with
    compare({5, 300, decaying(5, 0.5)}, 16, 2, numbers);
    compare({300, 3, decaying(3, 0.5)}, 16, 100, numbers);
    compare({1, 1, {2}}, 4, 1, numbers);
    // nothing at all
    compare({40, 30, {}}, 4, 8, numbers);
    // the pieces that rows come in change nothing
    std::mt19937_64 same(5);
    held_rows whole = make({100, 80, decaying(80, 0.9)}, 100, same);
    const truncated_svd at_once = decompose(whole, 8);
    held_rows pieces(100, 80, 13);
    pieces.data = whole.data;
    const truncated_svd in_pieces = decompose(pieces, 8);
    for (size_t k = 0; k < 8; ++k) {
        check(std::abs(at_once.values[k] - in_pieces.values[k]) < 1e-4, "values of pieces");
    }
    // and again the same to the bit
    check(decompose(pieces, 8).left == in_pieces.left, "the same again");
    whole.data[17] = NAN;
    check(!std::isfinite(decompose(whole, 8).whole_energy), "what is not finite shows");
    std::printf("ok svd\n");
    return 0;
}

}  // namespace rast::test
