#include "truncated_svd.h"

#include "tall_matrix.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

constexpr int64_t oversampling = 16;
constexpr int most_iterations = 12;
constexpr double least_gain = 1e-6;  // of the matrix's energy

// splitmix64, for a start that has no preference; in [-1, 1).
class start_numbers {
  public:
    float next() {
        state_ += 0x9E3779B97F4A7C15U;
        uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        z ^= z >> 31U;
        return static_cast<float>(static_cast<int32_t>(z >> 40U) - (1 << 23)) * 0x1p-23F;
    }

  private:
    uint64_t state_ = 0x5241535420535644U;
};

tall_matrix random_start(int64_t rows, int64_t columns) {
    tall_matrix out(rows, columns);
    start_numbers numbers;
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t c = 0; c < columns; ++c) {
            out.row(i)[c] = numbers.next();
        }
    }
    return out;
}

// The columns of m times the first `rank` of `square`, each multiplied with its factor: f32[rows, rank].
std::vector<float> first_columns(tall_matrix m, std::vector<double> square, const std::vector<double> & factors,
                                 int64_t rank) {
    const auto width = static_cast<size_t>(m.width);
    for (size_t r = 0; r < width; ++r) {
        for (size_t c = 0; c < width; ++c) {
            square[r * width + c] *= c < factors.size() ? factors[c] : 0;
        }
    }
    multiply_right(m, square);
    std::vector<float> out;
    out.reserve(static_cast<size_t>(m.rows * rank));
    for (int64_t i = 0; i < m.rows; ++i) {
        out.insert(out.end(), m.row(i), m.row(i) + rank);
    }
    return out;
}

}  // namespace

truncated_svd decompose(row_source & matrix, int64_t rank) {
    const breath breathe = [&] { matrix.breathe(); };
    const int64_t rows = matrix.rows();
    const int64_t columns = matrix.columns();
    const int64_t smaller = std::min(rows, columns);
    truncated_svd out;
    out.rank = std::min(rank, smaller);
    const int64_t wanted = std::min(rank + oversampling, smaller);

    tall_matrix right = random_start(columns, wanted);  // a basis of the rows' space, then matrix^T * left
    tall_matrix left;                                   // a basis of the columns' space
    eigen_pairs kept;
    double energy = 0;
    for (int iteration = 0; iteration < most_iterations; ++iteration) {
        orthonormalize(right, breathe);
        left = tall_matrix(rows, wanted);
        const bool first = iteration == 0;
        matrix.each([&](int64_t from, int64_t count, const float * data) {
            multiply_add(data, columns, 1, count, columns, right.data.data(), right.width, left.row(from));
            if (first) {
                double sum = 0;
                for (int64_t i = 0; i < count * columns; ++i) {
                    sum += static_cast<double>(data[i]) * static_cast<double>(data[i]);
                }
                out.whole_energy += sum;
            }
        });
        ++out.passes;
        if (!std::isfinite(out.whole_energy)) {
            return out;
        }
        orthonormalize(left, breathe);
        std::fill(right.data.begin(), right.data.end(), 0.0F);
        matrix.each([&](int64_t from, int64_t count, const float * data) {
            multiply_add(data, 1, columns, columns, count, left.row(from), left.width, right.data.data());
        });
        ++out.passes;
        kept = symmetric_eigen(gram(right), right.width, breathe);
        const double before = energy;
        energy = 0;
        for (int64_t k = 0; k < out.rank; ++k) {
            energy += std::max(kept.values[static_cast<size_t>(k)], 0.0);
        }
        if (iteration > 0 && energy - before <= least_gain * out.whole_energy) {
            break;
        }
    }

    // right = V S W^T for the eigenvectors W: matrix ~ (left W) S V^T
    std::vector<double> left_factors;
    std::vector<double> right_factors;
    for (int64_t k = 0; k < out.rank; ++k) {
        const double value = std::sqrt(std::max(kept.values[static_cast<size_t>(k)], 0.0));
        out.values.push_back(value);
        left_factors.push_back(std::sqrt(value));
        right_factors.push_back(value > 0 ? 1 / std::sqrt(value) : 0);
    }
    out.kept_energy = std::min(energy, out.whole_energy);
    out.left = first_columns(std::move(left), kept.vectors, left_factors, out.rank);
    out.right = first_columns(std::move(right), kept.vectors, right_factors, out.rank);
    return out;
}

}  // namespace rast
