// What decodes of one model cost by their rows, measured before anybody waits for them.
#pragma once

#include "batch_builder.h"
#include "draft_length.h"
#include "role_context.h"

#include <atomic>
#include <cstdint>

namespace rast {

// Times decodes of 1 to `most` rows into `costs`, for about so many milliseconds: the ends first, then what lies
// between. The context's memory is empty afterwards, also when the engine stops or a decode fails (then less is known).
// Engine thread, before the first request.
void calibrate_rows(role_context & context, row_costs & costs, batch_builder & batch, int32_t most, double budget_ms,
                    const std::atomic<bool> & stopping);

}  // namespace rast
