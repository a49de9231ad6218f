// Threads for what JavaScript awaits: not the program's own worker pool, which its files and names wait for, too.
#pragma once

#include "../threads/deep_stack.h"

#include <napi.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace rast::napi {

// Work and what becomes of it.
class job {
  public:
    virtual ~job() = default;

    // On a thread of its own, without JavaScript. Never throws.
    virtual void work() = 0;

    // On the JavaScript thread, once `work` has ended.
    virtual void settle(Napi::Env env) = 0;

    // When set, the work is wanted no more; nothing for work that cannot be stopped.
    virtual const std::atomic<bool> * cancelled() const { return nullptr; }
};

// Of one environment; JavaScript thread only. A job begins at once in a thread of its own, 64 of them at a time; how
// long ones share the processors is work_turn's business. Keeps the event loop alive while there is work.
class job_threads {
  public:
    explicit job_threads(Napi::Env env);
    ~job_threads();

    job_threads(const job_threads &) = delete;
    job_threads & operator=(const job_threads &) = delete;

    // Throws ERR_DISPOSED after stop(), ERR_INSUFFICIENT_MEMORY when there is no thread to be had.
    void run(std::unique_ptr<job> one);

    // For the end of the process: ends what can be ended, forgets what has not begun, and waits for the rest. Nothing
    // is settled any more.
    void stop();

  private:
    void start_thread();
    void work(uint64_t thread);
    void settle_done(Napi::Env env);
    static void on_call(napi_env env, napi_value, void * self, void *);
    static void on_environment_end(void * self);

    Napi::Env env_;
    napi_threadsafe_function function_ = nullptr;
    std::map<uint64_t, std::unique_ptr<deep_thread>> threads_;
    uint64_t next_thread_ = 0;
    size_t unsettled_ = 0;
    std::atomic<bool> stopped_{false};

    std::mutex mutex_;  // of all below
    std::deque<std::unique_ptr<job>> waiting_;
    std::vector<std::unique_ptr<job>> done_;
    std::vector<uint64_t> ended_;  // threads that end without further work
};

}  // namespace rast::napi
