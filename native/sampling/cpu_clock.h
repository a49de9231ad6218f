// The time that a CPU spends on rows of logits, over the threads of a graph's node and the engine's own.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace rast {

// As many as ggml runs at most (GGML_MAX_N_THREADS, limits.h): what is kept by thread has as many places.
inline constexpr size_t max_cpu_threads = 512;

// Each thread of a node adds to its own place while a graph runs; everything else is the engine thread's, between
// decodes.
class cpu_clock {
  public:
    using time = std::chrono::steady_clock::time_point;

    static time now() { return std::chrono::steady_clock::now(); }

    void add_of_node(int thread, time start) {
        thread_ms_[static_cast<size_t>(thread) % max_cpu_threads] += ms_since(start);
    }

    void add_of_host(time start) { host_ms_ += ms_since(start); }

    // Milliseconds since the last call: the threads of a node work side by side, the host after them.
    double take() {
        const double ms = *std::max_element(thread_ms_.begin(), thread_ms_.end()) + host_ms_;
        std::fill(thread_ms_.begin(), thread_ms_.end(), 0.0);
        host_ms_ = 0;
        return ms;
    }

  private:
    static double ms_since(time start) { return std::chrono::duration<double, std::milli>(now() - start).count(); }

    std::vector<double> thread_ms_ = std::vector<double>(max_cpu_threads, 0.0);
    double host_ms_ = 0;
};

}  // namespace rast
