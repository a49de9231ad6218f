// The largest singular values of a matrix with their vectors, where the matrix can only be gone through row by row: it
// need not fit into memory.
//
// Randomized subspace iteration. Source: Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review
// 53(2), 2011, algorithm 4.4; iterated until what is kept no longer grows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace rast {

class row_source {
  public:
    virtual ~row_source() = default;

    virtual int64_t rows() const = 0;
    virtual int64_t columns() const = 0;

    // `count` rows from `first` on.
    using taker = std::function<void(int64_t first, int64_t count, const float * data)>;

    // Goes through all rows once, in order, some at a time.
    virtual void each(const taker & take) = 0;

    // Called between; what it throws ends the decomposition.
    virtual void breathe() {}
};

// matrix ~ left * right^T, with the square root of each singular value on either side.
struct truncated_svd {
    int64_t rank = 0;            // as asked, or as many as the matrix has rows or columns
    std::vector<float> left;     // f32[rows, rank]
    std::vector<float> right;    // f32[columns, rank]
    std::vector<double> values;  // descending, of `rank`; 0 where the matrix has no more
    double whole_energy = 0;     // squared Frobenius norm of the matrix; if it is not finite, nothing else is set
    double kept_energy = 0;      // of that what left * right^T holds
    int passes = 0;              // through the matrix
};

// Vectors are the same on every machine. Takes 4 * (rows + columns) * (rank + 16) bytes and some. Throws what the
// source throws. @param rank at least 1
truncated_svd decompose(row_source & matrix, int64_t rank);

}  // namespace rast
