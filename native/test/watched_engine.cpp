#include "watched_engine.h"

namespace rast::test {

namespace {

// Sanitizers and busy machines are slow; what takes longer hangs.
constexpr std::chrono::minutes patience{5};

const char * name_of(stop_reason reason) {
    switch (reason) {
        case stop_reason::eos: return "eos";
        case stop_reason::stop: return "stop";
        case stop_reason::max_tokens: return "max-tokens";
        case stop_reason::context_full: return "context-full";
        default: return "abort";
    }
}

}  // namespace

watched_engine::watched_engine(const engine_config & config, const wrapping & around) {
    engine_callbacks callbacks;
    const auto load_ended = [this](std::optional<std::string> error) {
        const std::lock_guard lock(mutex_);
        if (load_ended_ || stopped_) {
            fail("loading ended twice, or after on_stopped");
        }
        load_ended_ = true;
        load_error_ = std::move(error);
        changed_.notify_all();
    };
    callbacks.on_progress = [](const model_place &, float fraction) {
        if (!(fraction >= 0 && fraction <= 1)) {
            fail("progress of " + std::to_string(fraction));
        }
    };
    callbacks.on_loaded = [load_ended](const engine_info & info) {
        if (info.n_vocab <= 0 || info.n_drawable <= 0 || info.n_drawable > info.n_vocab) {
            fail("loaded with a vocabulary of " + std::to_string(info.n_vocab));
        }
        load_ended(std::nullopt);
    };
    callbacks.on_load_failed = [load_ended](const rast_error & error) { load_ended(error.code()); };
    callbacks.on_steps = [this](const std::vector<step_event> & events) {
        const std::lock_guard lock(mutex_);
        for (const auto & event : events) {
            on_event(event);
        }
        changed_.notify_all();
    };
    callbacks.on_stopped = [this] {
        const std::lock_guard lock(mutex_);
        if (stopped_) {
            fail("on_stopped was called twice");
        }
        stopped_ = true;
        changed_.notify_all();
    };
    engine_ = std::make_unique<engine>(config, around ? around(std::move(callbacks)) : std::move(callbacks));
    engine_->start();
}

watched_engine::~watched_engine() {
    engine_->stop();
    engine_->join();
    if (!stopped_ || !load_ended_) {
        fail("the engine ended without a word");
    }
    for (const auto & [id, one] : requests_) {
        if (!one.ended) {
            fail("request " + std::to_string(id) + " never ended");
        }
    }
}

void watched_engine::on_event(const step_event & event) {
    watched_request & one = requests_[event.request];
    if (one.ended || stopped_) {
        fail("an event of request " + std::to_string(event.request) + " after its end");
    }
    if (event.result && event.error) {
        fail("request " + std::to_string(event.request) + " has a result and an error");
    }
    one.tokens += static_cast<long>(event.tokens.size());
    tokens_ += static_cast<long>(event.tokens.size());
    if (!event.draws.empty() && event.draws.size() != event.tokens.size()) {
        fail("as many log-probabilities as tokens are wanted");
    }
    if (event.result) {
        if (event.result->completion_tokens != one.tokens) {
            fail("request " + std::to_string(event.request) + " gave " + std::to_string(one.tokens) +
                 " tokens, and says " + std::to_string(event.result->completion_tokens));
        }
        restarts_ += event.result->restarts;
        ++outcomes_[name_of(event.result->reason)];
        one.ended = true;
    }
    if (event.error) {
        ++outcomes_[event.error->code];
        one.error = event.error->code;
        one.ended = true;
    }
}

std::optional<std::string> watched_engine::load_error() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return load_ended_; })) {
        fail("loading does not end");
    }
    return load_error_;
}

uint32_t watched_engine::submit(request && wanted) {
    std::unique_lock lock(mutex_);
    const uint32_t id = ++last_id_;
    requests_[id];  // it may end before submit() returns
    lock.unlock();
    try {
        engine_->submit(id, std::move(wanted));
    } catch (...) {
        lock.lock();
        requests_.erase(id);
        throw;
    }
    return id;
}

std::optional<std::string> watched_engine::await(uint32_t id) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return requests_[id].ended; })) {
        fail("request " + std::to_string(id) + " does not end");
    }
    return requests_[id].error;
}

long watched_engine::ended() const {
    const std::lock_guard lock(mutex_);
    long out = 0;
    for (const auto & [id, one] : requests_) {
        out += one.ended ? 1 : 0;
    }
    return out;
}

long watched_engine::tokens() const {
    const std::lock_guard lock(mutex_);
    return tokens_;
}

long watched_engine::restarts() const {
    const std::lock_guard lock(mutex_);
    return restarts_;
}

std::map<std::string, long> watched_engine::outcomes() const {
    const std::lock_guard lock(mutex_);
    return outcomes_;
}

}  // namespace rast::test
