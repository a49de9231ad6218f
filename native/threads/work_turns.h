// Long work in turns, so that short work never waits behind it, however much of it there is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace rast {

// The work of one thread, from construction to destruction; one at a time in a thread. It begins at once. What has gone
// on for a while goes on in turns with all other such work of the process: a few at a time, half as many as there are
// processors and at most four, each for 50 ms before it lets the next one. Work takes part by calling breathe(), never
// while it holds a lock that other work may want.
class work_turn {
  public:
    // @param stop, cancelled when either is set, breathe() throws ERR_DISPOSED; they outlive this
    explicit work_turn(const std::atomic<bool> & stop, const std::atomic<bool> * cancelled = nullptr);
    ~work_turn();

    work_turn(const work_turn &) = delete;
    work_turn & operator=(const work_turn &) = delete;

    // Costs next to nothing; to be called every millisecond or more often. Without effect in a thread without a turn.
    static void breathe() {
        if (current_ != nullptr && ++current_->calls_ % calls_between_looks == 0) {
            current_->look();
        }
    }

    // The same for calls that are far apart.
    static void breathe_now() {
        if (current_ != nullptr) {
            current_->look();
        }
    }

    // For work whose share of the processors its caller has chosen: ends when stopped, as breathe() does, and waits for
    // nobody.
    static void check_stopped() {
        if (current_ != nullptr && current_->stopped()) {
            refuse();
        }
    }

  private:
    [[noreturn]] static void refuse();

    static constexpr uint32_t calls_between_looks = 256;

    void look();

    bool stopped() const { return stop_ || (cancelled_ != nullptr && *cancelled_); }

    static thread_local work_turn * current_;

    const std::atomic<bool> & stop_;
    const std::atomic<bool> * cancelled_;
    std::chrono::steady_clock::time_point since_;
    uint32_t calls_ = 0;
    bool counted_ = false;  // as long work that runs
};

// Those that wait for their turn look at their stop flags anew. Any thread.
void wake_work_turns();

}  // namespace rast
