#include "traffic.h"

#include "immortal.h"

#include <deque>
#include <mutex>
#include <utility>

namespace rast::rpc {

namespace {

struct counters {
    std::mutex mutex;
    std::deque<std::pair<std::string, traffic_counter>> all;  // a deque: references stay
};

// Never destroyed: threads of connections may outlive everything else.
counters & known() {
    static immortal<counters> made;
    return made.value;
}

}  // namespace

traffic & traffic::operator+=(const traffic & other) {
    sent_bytes += other.sent_bytes;
    received_bytes += other.received_bytes;
    answers += other.answers;
    wait_ms += other.wait_ms;
    worker_ms += other.worker_ms;
    cached_bytes += other.cached_bytes;
    refused_bytes += other.refused_bytes;
    return *this;
}

traffic & traffic::operator-=(const traffic & other) {
    sent_bytes -= other.sent_bytes;
    received_bytes -= other.received_bytes;
    answers -= other.answers;
    wait_ms -= other.wait_ms;
    worker_ms -= other.worker_ms;
    cached_bytes -= other.cached_bytes;
    refused_bytes -= other.refused_bytes;
    return *this;
}

void traffic_counter::add(const traffic & more) {
    sent_bytes_ += more.sent_bytes;
    received_bytes_ += more.received_bytes;
    answers_ += more.answers;
    wait_us_ += static_cast<int64_t>(more.wait_ms * 1000);
    worker_us_ += static_cast<int64_t>(more.worker_ms * 1000);
    cached_bytes_ += more.cached_bytes;
    refused_bytes_ += more.refused_bytes;
}

traffic traffic_counter::now() const {
    traffic out;
    out.sent_bytes = sent_bytes_;
    out.received_bytes = received_bytes_;
    out.answers = answers_;
    out.wait_ms = static_cast<double>(wait_us_) / 1000;
    out.worker_ms = static_cast<double>(worker_us_) / 1000;
    out.cached_bytes = cached_bytes_;
    out.refused_bytes = refused_bytes_;
    return out;
}

traffic_counter & counter_of(const std::string & worker) {
    const std::lock_guard lock(known().mutex);
    for (auto & [name, counter] : known().all) {
        if (name == worker) {
            return counter;
        }
    }
    known().all.emplace_back(std::piecewise_construct, std::forward_as_tuple(worker), std::forward_as_tuple());
    return known().all.back().second;
}

std::vector<worker_traffic> all_traffic() {
    const std::lock_guard lock(known().mutex);
    std::vector<worker_traffic> out;
    for (const auto & [name, counter] : known().all) {
        out.push_back({name, counter.now()});
    }
    return out;
}

traffic total_traffic() {
    traffic sum;
    for (const worker_traffic & one : all_traffic()) {
        sum += one.counts;
    }
    return sum;
}

}  // namespace rast::rpc
