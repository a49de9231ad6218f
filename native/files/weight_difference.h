// What one model's tensor has over another's, as the factors of a LoRA.
#pragma once

#include "../linear/truncated_svd.h"

#include <cstdint>
#include <string>

namespace rast {

struct difference_request {
    std::string expert;  // paths
    std::string antiexpert;
    std::string tensor;
    int64_t slice = 0;  // of a tensor with three dimensions: one expert's matrix
    int64_t rank = 0;   // 0: only how large the difference is
};

struct difference {
    int64_t rows = 0;
    int64_t columns = 0;
    truncated_svd factors;  // of expert - antiexpert; without rank, its whole_energy alone
    double antiexpert_energy = 0;
};

// Neither tensor is held whole. Any thread; ends with its work_turn. Throws ERR_MODEL_INVALID for a tensor that is not
// in both files, has another shape in one or a number that is not finite, and what inspect_model throws.
difference take_difference(const difference_request & wanted);

}  // namespace rast
