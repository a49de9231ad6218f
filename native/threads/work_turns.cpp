#include "work_turns.h"

#include "../error.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace rast {

namespace {

constexpr auto free_start = std::chrono::milliseconds(20);
constexpr auto turn_length = std::chrono::milliseconds(50);

// Who may run, of long work, in order of arrival.
class long_work {
  public:
    long_work() : places_(std::clamp<size_t>(std::thread::hardware_concurrency() / 2, 1, 4)) {}

    // Waits for a place. @returns false when stopped, without one
    bool enter(const std::function<bool()> & stopped) {
        std::unique_lock lock(mutex_);
        const auto self = waiting_.insert(waiting_.end(), 0);
        changed_.wait(lock, [&] { return stopped() || (running_ < places_ && self == waiting_.begin()); });
        waiting_.erase(self);
        const bool entered = !stopped();
        running_ += entered ? 1 : 0;
        changed_.notify_all();
        return entered;
    }

    void leave() {
        const std::lock_guard lock(mutex_);
        running_ -= 1;
        changed_.notify_all();
    }

    bool anybody_waits() {
        const std::lock_guard lock(mutex_);
        return !waiting_.empty();
    }

    void wake() {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<char> waiting_;
    size_t running_ = 0;
    const size_t places_;
};

long_work & all_long_work() {
    static long_work all;
    return all;
}

}  // namespace

thread_local work_turn * work_turn::current_ = nullptr;

work_turn::work_turn(const std::atomic<bool> & stop, const std::atomic<bool> * cancelled)
    : stop_(stop), cancelled_(cancelled), since_(std::chrono::steady_clock::now()) {
    current_ = this;
}

work_turn::~work_turn() {
    current_ = nullptr;
    if (counted_) {
        all_long_work().leave();
    }
}

void work_turn::refuse() {
    throw rast_error("ERR_DISPOSED", "The work was stopped");
}

void work_turn::look() {
    if (stopped()) {
        refuse();
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - since_ < (counted_ ? turn_length : free_start)) {
        return;
    }
    if (counted_) {
        if (!all_long_work().anybody_waits()) {
            since_ = now;
            return;
        }
        counted_ = false;
        all_long_work().leave();
    }
    if (!all_long_work().enter([this] { return stopped(); })) {
        refuse();
    }
    counted_ = true;
    since_ = std::chrono::steady_clock::now();
}

void wake_work_turns() {
    all_long_work().wake();
}

}  // namespace rast
