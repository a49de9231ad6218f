// Time of processors, as the system counts it.
#pragma once

#include <optional>

namespace rast {

// Milliseconds that processors gave to this process, all its threads together, since it began; nothing where the system
// does not say.
std::optional<double> given_processor_ms();

// Milliseconds that processors had nothing to do, all together, since the system started. In steps of some 10 ms.
std::optional<double> idle_processor_ms();

}  // namespace rast
