#include "job_threads.h"

#include "../error.h"
#include "../threads/work_turns.h"

#include <utility>

namespace rast::napi {

namespace {

constexpr size_t most_threads = 64;
constexpr size_t stack_bytes = 8U << 20U;

}  // namespace

job_threads::job_threads(Napi::Env env) : env_(env) {
    const napi_status status = napi_create_threadsafe_function(
        env, nullptr, nullptr, Napi::String::New(env, "rast-jobs"), 0, 1, nullptr, nullptr, this, on_call, &function_);
    if (status != napi_ok) {
        throw rast_error("ERR_INTERNAL", "Could not create the callback of jobs");
    }
    napi_unref_threadsafe_function(env, function_);
    // After the function, so that it runs before node takes the function down: threads call it.
    napi_add_env_cleanup_hook(env, on_environment_end, this);
}

job_threads::~job_threads() = default;

void job_threads::run(std::unique_ptr<job> one) {
    if (stopped_) {
        throw rast_error("ERR_DISPOSED", "The environment ends");
    }
    bool needs_thread = false;
    {
        const std::lock_guard lock(mutex_);
        for (const uint64_t thread : ended_) {
            threads_.erase(thread);  // waits for a thread that is on its last line
        }
        ended_.clear();
        waiting_.push_back(std::move(one));
        needs_thread = threads_.size() < most_threads;
    }
    if (needs_thread) {
        start_thread();
    }
    if (unsettled_++ == 0) {
        napi_ref_threadsafe_function(env_, function_);
    }
}

void job_threads::start_thread() {
    const uint64_t id = next_thread_++;
    auto & thread = threads_[id];
    try {
        thread = std::make_unique<deep_thread>(stack_bytes, [this, id] { work(id); });
    } catch (...) {
        threads_.erase(id);
        if (threads_.empty()) {
            const std::lock_guard lock(mutex_);
            waiting_.pop_back();
            throw;
        }
        // those that there are will come to it
    }
}

void job_threads::work(uint64_t thread) {
    for (bool goes_on = true; goes_on;) {
        std::unique_ptr<job> one;
        {
            const std::lock_guard lock(mutex_);
            if (stopped_ || waiting_.empty()) {
                ended_.push_back(thread);
                return;
            }
            one = std::move(waiting_.front());
            waiting_.pop_front();
        }
        {
            const work_turn turn(stopped_, one->cancelled());
            one->work();
        }
        {
            const std::lock_guard lock(mutex_);
            done_.push_back(std::move(one));
            goes_on = !waiting_.empty();
            if (!goes_on) {
                ended_.push_back(thread);
            }
        }
        if (!stopped_) {
            napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
        }
    }
}

void job_threads::on_call(napi_env env, napi_value, void * self, void *) {
    if (env == nullptr) {
        return;  // the environment is ending
    }
    const Napi::Env js(env);
    const Napi::HandleScope scope(js);
    static_cast<job_threads *>(self)->settle_done(js);
}

void job_threads::settle_done(Napi::Env env) {
    std::vector<std::unique_ptr<job>> done;
    {
        const std::lock_guard lock(mutex_);
        done.swap(done_);
    }
    for (const auto & one : done) {
        if (--unsettled_ == 0) {
            napi_unref_threadsafe_function(env, function_);
        }
        one->settle(env);
    }
}

void job_threads::stop() {
    stopped_ = true;
    wake_work_turns();
    threads_.clear();  // waits for each
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    done_.clear();
}

void job_threads::on_environment_end(void * self) {
    auto * jobs = static_cast<job_threads *>(self);
    jobs->stop();
    napi_release_threadsafe_function(jobs->function_, napi_tsfn_abort);
    jobs->function_ = nullptr;
}

}  // namespace rast::napi
