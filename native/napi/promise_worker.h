// A job that settles a promise, in one place.
#pragma once

#include "errors.h"
#include "job_threads.h"

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace rast::napi {

// `work` runs on a thread of its own, without JavaScript; `present` makes the promise's value from what it returned;
// `done` is called before the promise settles, on the JavaScript thread. `cancelled` lets work that waits for its turn
// end.
template <class Result>
class promise_worker final : public job {
  public:
    using work_function = std::function<Result()>;
    using present_function = std::function<Napi::Value(Napi::Env, const Result &)>;
    using flag = std::shared_ptr<const std::atomic<bool>>;

    static Napi::Promise run(Napi::Env env, job_threads & jobs, work_function work, present_function present,
                             std::function<void()> done = {}, flag cancelled = {}) {
        auto worker = std::unique_ptr<promise_worker>(
            new promise_worker(env, std::move(work), std::move(present), std::move(done), std::move(cancelled)));
        const Napi::Promise promise = worker->deferred_.Promise();
        jobs.run(std::move(worker));
        return promise;
    }

    void work() override {
        try {
            result_.emplace(work_());
        } catch (...) {
            error_.emplace(current_error());
        }
    }

    void settle(Napi::Env env) override {
        if (done_) {
            done_();
        }
        if (error_) {
            deferred_.Reject(to_js(env, *error_).Value());
            return;
        }
        try {
            deferred_.Resolve(present_(env, *result_));
        } catch (const Napi::Error & error) {
            deferred_.Reject(error.Value());
        }
    }

    const std::atomic<bool> * cancelled() const override { return cancelled_.get(); }

  private:
    promise_worker(Napi::Env env, work_function work, present_function present, std::function<void()> done,
                   flag cancelled)
        : deferred_(Napi::Promise::Deferred::New(env)),
          work_(std::move(work)),
          present_(std::move(present)),
          done_(std::move(done)),
          cancelled_(std::move(cancelled)) {}

    Napi::Promise::Deferred deferred_;
    work_function work_;
    present_function present_;
    std::function<void()> done_;
    flag cancelled_;
    std::optional<Result> result_;
    std::optional<rast_error> error_;
};

}  // namespace rast::napi
