// The engine's clock, and what is read from it.
#pragma once

#include <chrono>

namespace rast {

using engine_clock = std::chrono::steady_clock;

inline double ms_between(engine_clock::time_point from, engine_clock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
}

inline double ms_since(engine_clock::time_point start) {
    return ms_between(start, engine_clock::now());
}

}  // namespace rast
