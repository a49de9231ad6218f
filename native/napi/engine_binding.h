// An engine as one JavaScript environment sees it.
#pragma once

#include "../engine/engine.h"
#include "../text/tokenizer.h"
#include "errors.h"
#include "grammar_jobs.h"
#include "job_threads.h"

#include <napi.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace rast::napi {

class engine_binding;

// Of one environment (the main thread or a worker); lives as long as it.
struct addon_state {
    explicit addon_state(Napi::Env env) : jobs(env) {}

    job_threads jobs;
    std::map<uint32_t, std::shared_ptr<engine_binding>> engines;
    grammar_jobs grammars;
    std::map<uint32_t, std::shared_ptr<std::atomic<bool>>> differences;  // at work, by the caller's ids: set to stop
    uint32_t next_handle = 1;
};

class engine_binding : public std::enable_shared_from_this<engine_binding> {
  public:
    // Starts loading. @returns the binding; its promise of readiness is ready().
    static std::shared_ptr<engine_binding> create(Napi::Env env, addon_state & state, uint32_t handle,
                                                  engine_config config, Napi::Function on_progress,
                                                  Napi::Function on_steps);
    ~engine_binding();

    // JavaScript thread only, as all below.
    Napi::Promise ready() const { return ready_.Promise(); }

    void submit(uint32_t id, request && wanted);
    void cancel(uint32_t request);
    Napi::Promise dispose();

    // Ends the engine thread now; for the end of the process.
    void stop_and_wait();

    engine & native() { return *engine_; }

    // Of the base model; throws ERR_DISPOSED when there is none.
    std::shared_ptr<const rast::tokenizer> tokenizer();

    // What tells a tokenizing, by the caller's id, that nobody wants its tokens any more.
    std::shared_ptr<const std::atomic<bool>> begin_tokenizing(uint32_t id);
    void stop_tokenizing(uint32_t id);
    void end_tokenizing(uint32_t id);

    // Of the base model's tokens.
    const std::shared_ptr<vocabulary_texts> & texts() const { return texts_; }

  private:
    using event = std::function<void(Napi::Env)>;

    engine_binding(Napi::Env env, addon_state & state, uint32_t handle, Napi::Function on_progress,
                   Napi::Function on_steps);
    engine_callbacks callbacks();
    void post(event what);  // any thread
    void on_steps(Napi::Env env, const std::vector<step_event> & steps);
    void drain(Napi::Env env);
    void hold(bool alive);
    void stop_all_tokenizing();
    void on_stopped(Napi::Env env);
    static void on_call(napi_env env, napi_value, void * context, void *);
    static void on_environment_end(void * self);

    Napi::Env env_;
    addon_state & state_;
    uint32_t handle_;
    Napi::FunctionReference on_progress_;
    Napi::FunctionReference on_steps_;
    Napi::Promise::Deferred ready_;
    std::vector<Napi::Promise::Deferred> disposing_;
    napi_threadsafe_function function_ = nullptr;
    std::unique_ptr<engine> engine_;
    std::shared_ptr<vocabulary_texts> texts_ = std::make_shared<vocabulary_texts>();
    bool settled_ = false;  // loading has ended
    size_t live_ = 0;       // requests without a result
    std::shared_ptr<const rast::tokenizer> tokenizer_;
    std::map<uint32_t, std::shared_ptr<std::atomic<bool>>> tokenizing_;
    bool held_ = true;

    std::mutex mutex_;
    std::vector<event> events_;
};

}  // namespace rast::napi
