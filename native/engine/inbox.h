// What other threads hand to the engine thread: requests, cancellations, tasks between steps, and the wish to stop.
//
// The one place with a lock. submit(), cancel(), perform() and stop() may be called on any thread; what is marked
// "engine thread" on that alone. A refused request leaves nothing behind.
#pragma once

#include "clock.h"
#include "engine_config.h"
#include "request.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace rast {

// What a request is checked against before it is taken in.
struct admission_limits {
    std::vector<int32_t> vocabulary_sizes;  // ids that each context knows, the base's first
    std::vector<token_map> tokens;          // of each
    int32_t max_draft = 0;
};

// Why requests ended that nobody could be told of: needs no memory.
struct lost_requests {
    const char * code;
    const char * message;
};

class inbox {
  public:
    struct submission {
        uint32_t id;
        request wanted;
        engine_clock::time_point at;
    };

    struct delivery {
        std::deque<submission> requests;
        std::vector<uint32_t> cancelled;
    };

    // @param config must outlive it
    explicit inbox(const engine_config & config);

    // From here on requests and tasks are taken in.
    void open(admission_limits limits);
    void close();

    // The id is the caller's: any that no unfinished request has. Throws ERR_DISPOSED before open() or after stop(),
    // ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_INVALID_ARGUMENT, ERR_QUEUE_FULL.
    void submit(uint32_t id, request && wanted);
    void cancel(uint32_t id);

    // Runs `work` on the engine thread between two steps, and waits for it. Throws what it throws, and ERR_DISPOSED.
    void perform(std::function<void()> work);

    void stop();
    // Set once and for good. llama.cpp reads it to end loads and decodes.
    const std::atomic<bool> & stopping() const { return stopping_; }

    // Engine thread: waits until there is something to do; not at all if there are requests at work.
    void wait(bool at_work);
    // Engine thread: what came since the last call.
    delivery take();
    // Engine thread: the tasks that came. Once the engine stops they are refused.
    void run_tasks();
    // Engine thread: the ids of requests that ended may be used anew.
    void forget_ended(const std::vector<step_event> & events);
    // Engine thread: an error for every request that was taken and has no end yet, in `events` or told before.
    void end_lost(const lost_requests & why, std::vector<step_event> & events);

  private:
    struct task;

    void require_open() const;
    void check_given(const request & wanted, const std::vector<llama_token> & given, const char * what) const;
    void check_completion(const request & wanted) const;
    void check(const request & wanted) const;

    const engine_config & config_;
    std::atomic<bool> stopping_{false};

    std::mutex mutex_;
    std::condition_variable wake_;
    bool open_ = false;
    admission_limits limits_;
    std::deque<submission> requests_;
    std::vector<uint32_t> cancelled_;
    std::deque<std::shared_ptr<task>> tasks_;
    std::unordered_set<uint32_t> unfinished_;
};

}  // namespace rast
