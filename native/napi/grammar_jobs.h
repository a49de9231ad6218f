// Grammars that are being made ready, and those that are ready and belong to no request yet.
#pragma once

#include "../grammar/constraint.h"
#include "../threads/work_turns.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace rast::napi {

// Of one environment; JavaScript thread only. The flags alone are read by others.
class grammar_jobs {
  public:
    using flag = std::shared_ptr<std::atomic<bool>>;

    // @param engine its handle
    // @param id the caller's choice; one that is in use ends what had it
    // @returns what will say that it is of no use any more
    flag start(uint32_t engine, uint32_t id) {
        drop(engine, id);
        flag cancelled = std::make_shared<std::atomic<bool>>(false);
        jobs_[{engine, id}] = {cancelled, nullptr};
        return cancelled;
    }

    // @param cancelled of start(): a job that was dropped has nothing to keep
    void finish(uint32_t engine, uint32_t id, const flag & cancelled, std::shared_ptr<const constraint> result) {
        const auto at = jobs_.find({engine, id});
        if (at != jobs_.end() && at->second.cancelled == cancelled) {
            at->second.result = std::move(result);
        }
    }

    // What a job has made, which belongs to the caller from now on; nothing if there is none yet.
    std::shared_ptr<const constraint> take(uint32_t engine, uint32_t id) {
        const auto at = jobs_.find({engine, id});
        if (at == jobs_.end() || !at->second.result) {
            return nullptr;
        }
        auto result = std::move(at->second.result);
        jobs_.erase(at);
        return result;
    }

    // Ends a job, and forgets what it has made.
    void drop(uint32_t engine, uint32_t id) {
        const auto at = jobs_.find({engine, id});
        if (at != jobs_.end()) {
            *at->second.cancelled = true;
            jobs_.erase(at);
            wake_work_turns();
        }
    }

    // Those of an engine that ends.
    void drop_all_of(uint32_t engine) {
        auto at = jobs_.lower_bound({engine, 0});
        while (at != jobs_.end() && at->first.first == engine) {
            *at->second.cancelled = true;
            at = jobs_.erase(at);
        }
        wake_work_turns();
    }

  private:
    struct job {
        flag cancelled;
        std::shared_ptr<const constraint> result;
    };

    std::map<std::pair<uint32_t, uint32_t>, job> jobs_;  // by engine and id
};

}  // namespace rast::napi
