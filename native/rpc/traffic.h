// What went to workers and came back, counted where it is sent.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace rast::rpc {

// Of one worker, or a part of it; sums and differences are those of every number.
struct traffic {
    int64_t sent_bytes = 0;
    int64_t received_bytes = 0;
    int64_t answers = 0;        // how often somebody waited for the worker
    double wait_ms = 0;         // for them, and until what was sent had gone
    double worker_ms = 0;       // of that, the worker was at work
    int64_t cached_bytes = 0;   // weights that the worker took from its cache
    int64_t refused_bytes = 0;  // memory that it did not have

    traffic & operator+=(const traffic & other);
    traffic & operator-=(const traffic & other);

    // What waiting took beyond the worker's work.
    double network_ms() const { return wait_ms > worker_ms ? wait_ms - worker_ms : 0; }
};

struct worker_traffic {
    std::string worker;
    traffic counts;
};

// One worker's, for the life of the process. Any thread.
class traffic_counter {
  public:
    void add(const traffic & more);
    traffic now() const;

  private:
    std::atomic<int64_t> sent_bytes_ = 0;
    std::atomic<int64_t> received_bytes_ = 0;
    std::atomic<int64_t> answers_ = 0;
    std::atomic<int64_t> wait_us_ = 0;
    std::atomic<int64_t> worker_us_ = 0;
    std::atomic<int64_t> cached_bytes_ = 0;
    std::atomic<int64_t> refused_bytes_ = 0;
};

// The counter of a worker, made when it is first asked for.
traffic_counter & counter_of(const std::string & worker);

// Of all workers of this process, in the order of their first connections; and their sum.
std::vector<worker_traffic> all_traffic();
traffic total_traffic();

}  // namespace rast::rpc
