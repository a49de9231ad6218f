// An engine used as the addon uses it, whose every event is checked against what engine.h promises.
#pragma once

#include "harness.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace rast::test {

// Fails the test at an event that must not be: one after a request's end, tokens that do not add up, a second end, a
// call after on_stopped. Its methods may be called from any thread.
class watched_engine {
  public:
    using wrapping = std::function<engine_callbacks(engine_callbacks)>;

    // Begins loading.
    // @param around what the engine calls instead, and which passes it on
    explicit watched_engine(const engine_config & config, const wrapping & around = {});

    // Stops, and checks that every request has ended.
    ~watched_engine();
    watched_engine(const watched_engine &) = delete;
    watched_engine & operator=(const watched_engine &) = delete;

    engine & get() { return *engine_; }

    // Waits for the end of loading. @returns the error's code, or nothing
    std::optional<std::string> load_error();

    // As engine::submit. @returns the request's id
    uint32_t submit(request && wanted);

    // Waits for the request's end. @returns the error's code, or nothing
    std::optional<std::string> await(uint32_t id);

    long ended() const;
    long tokens() const;
    long restarts() const;
    std::map<std::string, long> outcomes() const;  // how often each stop reason and each error's code was seen

  private:
    struct watched_request {
        long tokens = 0;
        bool ended = false;
        std::optional<std::string> error;
    };

    void on_event(const step_event & event);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool load_ended_ = false;
    bool stopped_ = false;
    std::optional<std::string> load_error_;
    std::map<uint32_t, watched_request> requests_;
    std::map<std::string, long> outcomes_;
    uint32_t last_id_ = 0;
    long tokens_ = 0;
    long restarts_ = 0;
    std::unique_ptr<engine> engine_;
};

}  // namespace rast::test
