// What decodes cost by their rows, measured before anybody waits for them.
#pragma once

#include "batch_builder.h"
#include "draft_costs.h"
#include "role_contexts.h"

#include <atomic>
#include <cstdint>

namespace rast {

// Times decodes of 1, 4, 8 and 16 rows, at most `most`, of all contexts in turn, so that all see the same machine:
// three times, or until 0.8 s are over; small models take a tenth of that. The contexts' memories are empty afterwards,
// also when the engine stops or a decode fails (then less is known). Engine thread, before the first request.
void calibrate_costs(const role_contexts & contexts, draft_costs & costs, batch_builder & batch, int32_t most,
                     const std::atomic<bool> & stopping);

}  // namespace rast
