// Matrices with few columns, and what is done with them. Sums over rows are in double, or in the order of the rows:
// results do not depend on the processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace rast {

// f32[rows, width], row-major. The width is a multiple of 16: columns beyond those in use are 0.
struct tall_matrix {
    tall_matrix() = default;
    tall_matrix(int64_t n_rows, int64_t columns)
        : rows(n_rows),
          width((columns + 15) / 16 * 16),
          data(static_cast<size_t>(n_rows) * static_cast<size_t>(width), 0.0F) {}

    float * row(int64_t i) { return data.data() + static_cast<size_t>(i) * static_cast<size_t>(width); }
    const float * row(int64_t i) const { return data.data() + static_cast<size_t>(i) * static_cast<size_t>(width); }

    int64_t rows = 0;
    int64_t width = 0;
    std::vector<float> data;
};

// out[a, :] += sum over p of x[a * stride_a + p * stride_p] * b[p, :]
// `b` and `out` are row-major with `width` columns, a multiple of 16.
void multiply_add(const float * x, int64_t stride_a, int64_t stride_p, int64_t count_a, int64_t count_p,
                  const float * b, int64_t width, float * out) noexcept;

// m^T m, f64[width, width].
std::vector<double> gram(const tall_matrix & m);

// Called often in what takes long; what it throws ends that.
using breath = std::function<void()>;

// m times f64[width, width], in place.
void multiply_right(tall_matrix & m, const std::vector<double> & square, const breath & breathe = {});

struct eigen_pairs {
    std::vector<double> values;   // descending
    std::vector<double> vectors;  // f64[n, n], row-major; vector k is column k
};

// Of a symmetric f64[n, n], by Jacobi's rotations.
eigen_pairs symmetric_eigen(std::vector<double> symmetric, int64_t n, const breath & breathe = {});

// Replaces the columns by an orthonormal basis of what they span, most important first; columns beyond its size are 0.
// @returns its size
int64_t orthonormalize(tall_matrix & m, const breath & breathe = {});

}  // namespace rast
