#include "tall_matrix.h"

#include "../hot_loops.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rast {

namespace {

constexpr int64_t tile_columns = 16;
constexpr int tile_rows = 4;
constexpr int64_t tile_depth = 512;  // so that a tile of b stays in the first cache

// Columns of m, or of noise in it: of a Gram matrix of floats no less can be told from 0.
constexpr double least_share = 1e-13;

}  // namespace

RAST_HOT
void multiply_add(const float * x, int64_t stride_a, int64_t stride_p, int64_t count_a, int64_t count_p,
                  const float * b, int64_t width, float * out) noexcept {
    for (int64_t p0 = 0; p0 < count_p; p0 += tile_depth) {
        const int64_t p1 = std::min(count_p, p0 + tile_depth);
        for (int64_t c0 = 0; c0 < width; c0 += tile_columns) {
            int64_t a = 0;
            for (; a + tile_rows <= count_a; a += tile_rows) {
                float sum[tile_rows][tile_columns];
                for (int t = 0; t < tile_rows; ++t) {
                    for (int c = 0; c < tile_columns; ++c) {
                        sum[t][c] = out[(a + t) * width + c0 + c];
                    }
                }
                for (int64_t p = p0; p < p1; ++p) {
                    const float * from = b + p * width + c0;
                    for (int t = 0; t < tile_rows; ++t) {
                        const float factor = x[(a + t) * stride_a + p * stride_p];
                        for (int c = 0; c < tile_columns; ++c) {
                            sum[t][c] += factor * from[c];
                        }
                    }
                }
                for (int t = 0; t < tile_rows; ++t) {
                    for (int c = 0; c < tile_columns; ++c) {
                        out[(a + t) * width + c0 + c] = sum[t][c];
                    }
                }
            }
            for (; a < count_a; ++a) {
                float sum[tile_columns];
                for (int c = 0; c < tile_columns; ++c) {
                    sum[c] = out[a * width + c0 + c];
                }
                for (int64_t p = p0; p < p1; ++p) {
                    const float factor = x[a * stride_a + p * stride_p];
                    const float * from = b + p * width + c0;
                    for (int c = 0; c < tile_columns; ++c) {
                        sum[c] += factor * from[c];
                    }
                }
                for (int c = 0; c < tile_columns; ++c) {
                    out[a * width + c0 + c] = sum[c];
                }
            }
        }
    }
}

namespace {

// Rows at a time: a breath of a few microseconds, and work that is worth a call through the loader's table.
constexpr int64_t rows_at_once = 16;

// sum[r, c] += from[r] * from[c] for c >= r, over `rows` rows of width n. row: f64[n], scratch.
RAST_HOT
void add_gram(const float * from, int64_t rows, int64_t n, double * row, double * sum) noexcept {
    for (int64_t i = 0; i < rows; ++i, from += n) {
        for (int64_t c = 0; c < n; ++c) {
            row[c] = static_cast<double>(from[c]);
        }
        for (int64_t r = 0; r < n; ++r) {
            const double factor = row[r];
            double * to = sum + r * n;
            for (int64_t c = r; c < n; ++c) {
                to[c] += factor * row[c];
            }
        }
    }
}

// Each of `rows` rows of width n times f64[n, n], in place. sum: f64[n], scratch.
RAST_HOT
void multiply_rows(float * row, int64_t rows, int64_t n, const double * square, double * sum) noexcept {
    for (int64_t i = 0; i < rows; ++i, row += n) {
        for (int64_t c = 0; c < n; ++c) {
            sum[c] = 0.0;
        }
        for (int64_t r = 0; r < n; ++r) {
            const auto factor = static_cast<double>(row[r]);
            const double * from = square + r * n;
            for (int64_t c = 0; c < n; ++c) {
                sum[c] += factor * from[c];
            }
        }
        for (int64_t c = 0; c < n; ++c) {
            row[c] = static_cast<float>(sum[c]);
        }
    }
}

}  // namespace

std::vector<double> gram(const tall_matrix & m) {
    const int64_t n = m.width;
    std::vector<double> out(static_cast<size_t>(n * n), 0.0);
    std::vector<double> row(static_cast<size_t>(n));
    add_gram(m.data.data(), m.rows, n, row.data(), out.data());
    for (int64_t r = 0; r < n; ++r) {
        for (int64_t c = 0; c < r; ++c) {
            out[static_cast<size_t>(r * n + c)] = out[static_cast<size_t>(c * n + r)];
        }
    }
    return out;
}

void multiply_right(tall_matrix & m, const std::vector<double> & square, const breath & breathe) {
    const int64_t n = m.width;
    std::vector<double> sum(static_cast<size_t>(n));
    for (int64_t i = 0; i < m.rows; i += rows_at_once) {
        if (breathe) {
            breathe();
        }
        multiply_rows(m.row(i), std::min(rows_at_once, m.rows - i), n, square.data(), sum.data());
    }
}

eigen_pairs symmetric_eigen(std::vector<double> s, int64_t n, const breath & breathe) {
    const auto at = [n](int64_t r, int64_t c) { return static_cast<size_t>(r * n + c); };
    std::vector<double> v(static_cast<size_t>(n * n), 0.0);
    for (int64_t i = 0; i < n; ++i) {
        v[at(i, i)] = 1;
    }
    constexpr int most_sweeps = 60;
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
        bool rotated = false;
        for (int64_t p = 0; p < n; ++p) {
            if (breathe) {
                breathe();
            }
            for (int64_t q = p + 1; q < n; ++q) {
                const double off = s[at(p, q)];
                const double pp = s[at(p, p)];
                const double qq = s[at(q, q)];
                if (std::abs(off) <= 1e-15 * std::sqrt(std::abs(pp * qq)) || off == 0) {
                    continue;
                }
                rotated = true;
                const double theta = (qq - pp) / (2 * off);
                const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const double c = 1 / std::sqrt(t * t + 1);
                const double sine = t * c;
                for (int64_t k = 0; k < n; ++k) {  // columns
                    const double kp = s[at(k, p)];
                    const double kq = s[at(k, q)];
                    s[at(k, p)] = c * kp - sine * kq;
                    s[at(k, q)] = sine * kp + c * kq;
                    const double vp = v[at(k, p)];
                    const double vq = v[at(k, q)];
                    v[at(k, p)] = c * vp - sine * vq;
                    v[at(k, q)] = sine * vp + c * vq;
                }
                for (int64_t k = 0; k < n; ++k) {  // rows
                    const double pk = s[at(p, k)];
                    const double qk = s[at(q, k)];
                    s[at(p, k)] = c * pk - sine * qk;
                    s[at(q, k)] = sine * pk + c * qk;
                }
                s[at(p, q)] = 0;
                s[at(q, p)] = 0;
            }
        }
        if (!rotated) {
            break;
        }
    }
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return s[at(a, a)] > s[at(b, b)]; });
    eigen_pairs out;
    out.vectors.resize(static_cast<size_t>(n * n));
    for (int64_t k = 0; k < n; ++k) {
        const int64_t from = order[static_cast<size_t>(k)];
        out.values.push_back(s[at(from, from)]);
        for (int64_t r = 0; r < n; ++r) {
            out.vectors[at(r, k)] = v[at(r, from)];
        }
    }
    return out;
}

int64_t orthonormalize(tall_matrix & m, const breath & breathe) {
    int64_t size = 0;
    // twice: what is left of the first time's rounding goes with the second
    for (int time = 0; time < 2; ++time) {
        eigen_pairs basis = symmetric_eigen(gram(m), m.width, breathe);
        const double least = std::max(basis.values.front(), 0.0) * least_share;
        size = 0;
        for (int64_t k = 0; k < m.width; ++k) {
            const double value = basis.values[static_cast<size_t>(k)];
            const bool kept = value > least && value > 0;
            const double factor = kept ? 1 / std::sqrt(value) : 0;
            size += kept ? 1 : 0;
            for (int64_t r = 0; r < m.width; ++r) {
                basis.vectors[static_cast<size_t>(r * m.width + k)] *= factor;
            }
        }
        multiply_right(m, basis.vectors, breathe);
    }
    return size;
}

}  // namespace rast
