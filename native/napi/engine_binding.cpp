#include "engine_binding.h"

#include "../threads/work_turns.h"
#include "present_engine.h"
#include "present_step.h"
#include "present_traffic.h"

#include <cmath>
#include <new>

namespace rast::napi {

std::shared_ptr<engine_binding> engine_binding::create(Napi::Env env, addon_state & state, uint32_t handle,
                                                       engine_config config, Napi::Function on_progress,
                                                       Napi::Function on_steps) {
    std::shared_ptr<engine_binding> self(new engine_binding(env, state, handle, on_progress, on_steps));
    self->engine_ = std::make_unique<engine>(std::move(config), self->callbacks());

    // The function keeps the binding alive until node has let go of it.
    auto keep = std::make_unique<std::shared_ptr<engine_binding>>(self);
    const auto let_go = [](napi_env, void * data, void *) {
        const std::unique_ptr<std::shared_ptr<engine_binding>> kept(
            static_cast<std::shared_ptr<engine_binding> *>(data));
    };
    const napi_status status =
        napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "rast-engine"), 0, 1, keep.get(),
                                        let_go, self.get(), on_call, &self->function_);
    if (status != napi_ok) {
        throw rast_error("ERR_INTERNAL", "Could not create the engine's callback");
    }
    (void)keep.release();
    // After the function, so that it runs before node takes the function down: the engine thread calls it.
    napi_add_env_cleanup_hook(env, on_environment_end, self.get());
    self->engine_->start();
    return self;
}

engine_binding::engine_binding(Napi::Env env, addon_state & state, uint32_t handle, Napi::Function on_progress,
                               Napi::Function on_steps)
    : env_(env),
      state_(state),
      handle_(handle),
      on_progress_(Napi::Persistent(on_progress)),
      on_steps_(Napi::Persistent(on_steps)),
      ready_(Napi::Promise::Deferred::New(env)) {}

engine_binding::~engine_binding() = default;

engine_callbacks engine_binding::callbacks() {
    engine_callbacks out;
    out.on_progress = [this, last = std::map<std::pair<role, size_t>, float>()](const model_place & place,
                                                                                float fraction) mutable {
        // llama.cpp reports every tensor: pass on whole per cents
        float & shown = last.try_emplace({place.which, place.pair}, -1.0F).first->second;
        if (fraction < 1.0F && fraction - shown < 0.01F) {
            return;
        }
        shown = fraction;
        post([this, place, fraction](Napi::Env env) {
            Napi::Object progress = Napi::Object::New(env);
            progress.Set("role", Napi::String::New(env, role_name(place.which)));
            progress.Set("pair", Napi::Number::New(env, static_cast<double>(place.pair)));
            progress.Set("fraction", Napi::Number::New(env, fraction));
            progress.Set("workers", present_traffic(env));
            on_progress_.Call({progress});
        });
    };
    out.on_loaded = [this](const engine_info & info) {
        post([this, info](Napi::Env env) {
            settled_ = true;
            hold(live_ > 0 || !disposing_.empty());
            ready_.Resolve(present(env, info));
        });
    };
    out.on_load_failed = [this](const rast_error & error) {
        post([this, error](Napi::Env env) {
            settled_ = true;
            ready_.Reject(to_js(env, error).Value());
        });
    };
    out.on_steps = [this](std::vector<step_event> && steps) {
        const auto taken = std::make_shared<std::vector<step_event>>();
        event pass_on = [this, taken](Napi::Env env) { on_steps(env, *taken); };
        taken->swap(steps);
        try {
            post(std::move(pass_on));
        } catch (const std::bad_alloc &) {
            taken->swap(steps);
            throw;
        }
    };
    out.on_stopped = [this] { post([this](Napi::Env env) { on_stopped(env); }); };
    return out;
}

void engine_binding::on_steps(Napi::Env env, const std::vector<step_event> & steps) {
    Napi::Array array = Napi::Array::New(env, steps.size());
    for (size_t i = 0; i < steps.size(); ++i) {
        array.Set(static_cast<uint32_t>(i), present(env, steps[i]));
        if (steps[i].result || steps[i].error) {
            live_ -= live_ > 0 ? 1 : 0;
        }
    }
    hold(live_ > 0 || !disposing_.empty());
    on_steps_.Call({array});
}

void engine_binding::post(event what) {
    {
        const std::lock_guard lock(mutex_);
        events_.push_back(std::move(what));
    }
    napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
}

void engine_binding::on_call(napi_env env, napi_value, void * context, void *) {
    if (env == nullptr) {
        return;  // the environment is ending
    }
    // an event may remove the last other reference
    const auto self = static_cast<engine_binding *>(context)->shared_from_this();
    const Napi::Env js(env);
    const Napi::HandleScope scope(js);
    self->drain(js);
}

void engine_binding::drain(Napi::Env env) {
    std::vector<event> events;
    {
        const std::lock_guard lock(mutex_);
        events.swap(events_);
    }
    for (const auto & one : events) {
        try {
            one(env);
        } catch (const Napi::Error & error) {
            // a callback threw: TypeScript's callbacks do not, so make it visible
            napi_fatal_exception(env, error.Value());
        }
    }
}

// While held, the event loop does not end.
void engine_binding::hold(bool alive) {
    if (function_ == nullptr || held_ == alive) {
        return;
    }
    held_ = alive;
    if (alive) {
        napi_ref_threadsafe_function(env_, function_);
    } else {
        napi_unref_threadsafe_function(env_, function_);
    }
}

void engine_binding::submit(uint32_t id, request && wanted) {
    engine_->submit(id, std::move(wanted));
    live_ += 1;
    hold(true);
}

void engine_binding::cancel(uint32_t request) {
    engine_->cancel(request);
}

Napi::Promise engine_binding::dispose() {
    disposing_.push_back(Napi::Promise::Deferred::New(env_));
    hold(true);
    stop_all_tokenizing();
    engine_->stop();
    return disposing_.back().Promise();
}

void engine_binding::stop_and_wait() {
    stop_all_tokenizing();
    engine_->stop();
    engine_->join();
}

std::shared_ptr<const rast::tokenizer> engine_binding::tokenizer() {
    shared_model model = engine_->base_model();
    if (!model) {
        throw rast_error("ERR_DISPOSED", "The engine is not loaded, or disposed of");
    }
    if (!tokenizer_) {
        tokenizer_ = std::make_shared<const rast::tokenizer>(std::move(model));
    }
    return tokenizer_;
}

std::shared_ptr<const std::atomic<bool>> engine_binding::begin_tokenizing(uint32_t id) {
    const auto [at, fresh] = tokenizing_.try_emplace(id, std::make_shared<std::atomic<bool>>(false));
    if (!fresh) {
        throw rast_error("ERR_INVALID_ARGUMENT", "A tokenizing with this id is at work");
    }
    return at->second;
}

void engine_binding::stop_tokenizing(uint32_t id) {
    if (const auto at = tokenizing_.find(id); at != tokenizing_.end()) {
        at->second->store(true);
        wake_work_turns();
    }
}

void engine_binding::end_tokenizing(uint32_t id) {
    tokenizing_.erase(id);
}

void engine_binding::stop_all_tokenizing() {
    for (const auto & [id, stopped] : tokenizing_) {
        stopped->store(true);
    }
    wake_work_turns();
}

// The engine thread has freed everything and ends.
void engine_binding::on_stopped(Napi::Env env) {
    engine_->join();
    tokenizer_.reset();
    napi_remove_env_cleanup_hook(env, on_environment_end, this);
    napi_release_threadsafe_function(function_, napi_tsfn_release);
    function_ = nullptr;
    state_.engines.erase(handle_);
    for (const auto & deferred : disposing_) {
        deferred.Resolve(env.Undefined());
    }
    disposing_.clear();
}

void engine_binding::on_environment_end(void * self) {
    auto * binding = static_cast<engine_binding *>(self);
    binding->stop_and_wait();
    napi_release_threadsafe_function(binding->function_, napi_tsfn_abort);
    binding->function_ = nullptr;
    // JavaScript references end with the environment
    binding->on_progress_.SuppressDestruct();
    binding->on_steps_.SuppressDestruct();
}

}  // namespace rast::napi
