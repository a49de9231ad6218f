#include "weight_difference.h"

#include "../error.h"
#include "../threads/work_turns.h"
#include "tensor_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace rast {

namespace {

constexpr int64_t piece_numbers = 1 << 19;  // of a matrix, held at a time

class difference_rows final : public row_source {
  public:
    explicit difference_rows(const difference_request & wanted)
        : expert_(wanted.expert, wanted.tensor), antiexpert_(wanted.antiexpert, wanted.tensor) {
        if (expert_.shape() != antiexpert_.shape()) {
            throw rast_error("ERR_MODEL_INVALID",
                             "The tensor " + wanted.tensor + " has another shape in " + wanted.expert + " than in " +
                                 wanted.antiexpert,
                             {{"path", wanted.expert}, {"tensor", wanted.tensor}});
        }
        rows_ = expert_.shape()[1];
        first_ = wanted.slice * rows_;
        if (wanted.slice < 0 || first_ + rows_ > expert_.rows()) {
            throw rast_error("ERR_INVALID_ARGUMENT",
                             "The tensor " + wanted.tensor + " has no slice " + std::to_string(wanted.slice));
        }
    }

    int64_t rows() const override { return rows_; }
    int64_t columns() const override { return expert_.columns(); }

    void each(const taker & take) override {
        const int64_t at_once = std::max<int64_t>(1, piece_numbers / columns());
        std::vector<float> of_antiexpert;
        double energy = 0;
        for (int64_t row = 0; row < rows_; row += at_once) {
            work_turn::check_stopped();
            const int64_t count = std::min(at_once, rows_ - row);
            const auto numbers = static_cast<size_t>(count * columns());
            piece_.resize(numbers);
            of_antiexpert.resize(numbers);
            expert_.read(first_ + row, count, piece_.data());
            antiexpert_.read(first_ + row, count, of_antiexpert.data());
            for (size_t i = 0; i < numbers; ++i) {
                energy += static_cast<double>(of_antiexpert[i]) * static_cast<double>(of_antiexpert[i]);
                piece_[i] -= of_antiexpert[i];
            }
            take(row, count, piece_.data());
        }
        antiexpert_energy_ = energy;
    }

    void breathe() override { work_turn::check_stopped(); }

    double antiexpert_energy() const { return antiexpert_energy_; }

  private:
    tensor_rows expert_;
    tensor_rows antiexpert_;
    int64_t rows_ = 0;
    int64_t first_ = 0;
    std::vector<float> piece_;
    double antiexpert_energy_ = 0;
};

double energy_of(difference_rows & matrix) {
    double sum = 0;
    matrix.each([&](int64_t, int64_t count, const float * data) {
        for (int64_t i = 0; i < count * matrix.columns(); ++i) {
            sum += static_cast<double>(data[i]) * static_cast<double>(data[i]);
        }
    });
    return sum;
}

}  // namespace

difference take_difference(const difference_request & wanted) {
    difference_rows matrix(wanted);
    difference out;
    out.rows = matrix.rows();
    out.columns = matrix.columns();
    if (wanted.rank > 0) {
        out.factors = decompose(matrix, wanted.rank);
    } else {
        out.factors.whole_energy = energy_of(matrix);
    }
    out.antiexpert_energy = matrix.antiexpert_energy();
    if (!std::isfinite(out.factors.whole_energy)) {
        throw rast_error("ERR_MODEL_INVALID",
                         "The tensor " + wanted.tensor + " has a number that is not finite, in " + wanted.expert +
                             " or in " + wanted.antiexpert,
                         {{"path", wanted.expert}, {"tensor", wanted.tensor}});
    }
    return out;
}

}  // namespace rast
