// Work on the thread pool that settles a promise, in one place.
#pragma once

#include "errors.h"

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace rast::napi {

// `work` runs on the pool, without JavaScript; `present` makes the promise's value from what it returned; `done` is
// called before the promise settles, on the JavaScript thread.
template <class Result>
class promise_worker : public Napi::AsyncWorker {
  public:
    using work_function = std::function<Result()>;
    using present_function = std::function<Napi::Value(Napi::Env, const Result &)>;

    static Napi::Promise run(Napi::Env env, work_function work, present_function present,
                             std::function<void()> done = {}) {
        auto worker = std::unique_ptr<promise_worker>(
            new promise_worker(env, std::move(work), std::move(present), std::move(done)));
        const Napi::Promise promise = worker->deferred_.Promise();
        worker->Queue();
        (void)worker.release();  // deletes itself when done
        return promise;
    }

  protected:
    void Execute() override {
        try {
            result_.emplace(work_());
        } catch (...) {
            error_.emplace(current_error());
        }
    }

    void OnOK() override {
        if (done_) {
            done_();
        }
        if (error_) {
            deferred_.Reject(to_js(Env(), *error_).Value());
        } else {
            deferred_.Resolve(present_(Env(), *result_));
        }
    }

  private:
    promise_worker(Napi::Env env, work_function work, present_function present, std::function<void()> done)
        : Napi::AsyncWorker(env),
          deferred_(Napi::Promise::Deferred::New(env)),
          work_(std::move(work)),
          present_(std::move(present)),
          done_(std::move(done)) {}

    Napi::Promise::Deferred deferred_;
    work_function work_;
    present_function present_;
    std::function<void()> done_;
    std::optional<Result> result_;
    std::optional<rast_error> error_;
};

}  // namespace rast::napi
