// Three models, one thread: loads them, then steps all live requests together until it is stopped. Wires the parts:
//
//   inbox              what other threads hand over
//   role_contexts      models and contexts, by role
//   slot_caches        what caches hold for every slot
//   scheduler          who runs and where
//   batch_decoder      decodes, with caches and times kept in step
//   draft_planner      how many tokens to draft
//   row_reader         draws, with the consent of grammars
//   speculative_round  draft, verify, accept, roll back
//   state_keeper       states in files
//   baseline_timer     bare decodes for benchmarks
//
// The thread owns everything from start() to on_stopped: parts hold references to each other, and no part outlives it.
#pragma once

#include "../error.h"
#include "baseline_timer.h"
#include "batch_decoder.h"
#include "draft_planner.h"
#include "engine_config.h"
#include "engine_info.h"
#include "inbox.h"
#include "prefill_budget.h"
#include "request.h"
#include "role_contexts.h"
#include "row_reader.h"
#include "scheduler.h"
#include "slot_caches.h"
#include "speculative_round.h"
#include "state_keeper.h"

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace rast {

// Called on the engine thread.
struct engine_callbacks {
    std::function<void(const model_place &, float fraction)> on_progress;
    std::function<void(const engine_info &)> on_loaded;
    std::function<void(const rast_error &)> on_load_failed;
    // May throw std::bad_alloc when it has taken nothing: it is called again with the same events.
    std::function<void(std::vector<step_event> &&)> on_steps;
    std::function<void()> on_stopped;  // the last call: everything is freed
};

class engine {
  public:
    // Throws ERR_INVALID_ARGUMENT for a configuration that llama.cpp would abort on.
    engine(engine_config config, engine_callbacks callbacks);
    ~engine();  // stop() and join()
    engine(const engine &) = delete;
    engine & operator=(const engine &) = delete;

    // Any thread from here on.

    // Begins loading.
    void start();

    // As inbox has them.
    void submit(uint32_t id, request && wanted) { inbox_.submit(id, std::move(wanted)); }
    void cancel(uint32_t id) { inbox_.cancel(id); }

    // As state_keeper and baseline_timer have them; each waits for the engine thread.
    uint32_t save_state(const std::string & path, const std::vector<llama_token> & tokens) {
        return states_.save(path, tokens);
    }
    std::vector<llama_token> load_state(const std::string & path) { return states_.load(path); }
    std::vector<double> measure_decodes(const bare_decodes & wanted) { return baseline_.measure(wanted); }

    // Ends loading or generation soon; requests end with "abort". on_stopped follows.
    void stop() { inbox_.stop(); }
    void join();

    // The base model, for tokenizing; empty unless loaded.
    shared_model base_model() const;

  private:
    void run();
    bool load_reporting();
    void load();
    engine_info describe_loaded() const;
    void serve();
    void step(std::vector<step_event> & events);
    void run_round(std::span<sequence * const> group, std::vector<step_event> & events);
    void step_reporting(std::vector<step_event> & events);
    void lose_all(const lost_requests & why);
    void deliver(std::vector<step_event> events);
    void release();

    const engine_config config_;
    engine_callbacks callbacks_;
    std::thread thread_;
    inbox inbox_;

    mutable std::mutex mutex_;
    shared_model base_model_;

    // engine thread only
    role_contexts contexts_;
    slot_caches caches_;
    prefill_budget budget_;
    thread_choice threads_;
    batch_decoder decoder_;
    draft_planner planner_;
    row_reader reader_;
    scheduler scheduler_;
    speculative_round round_;
    state_keeper states_;
    baseline_timer baseline_;
    double load_ms_ = 0;
    std::optional<lost_requests> lost_;  // not told yet
};

}  // namespace rast
