// Three models, one thread: loads them, then steps all live sequences together until it is stopped.
#pragma once

#include "bare_decoder.h"
#include "draft_length.h"
#include "engine_types.h"
#include "role_context.h"
#include "sequence.h"
#include "slot_caches.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

namespace rast {

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

    // The id is the caller's: any that no unfinished request has. Throws ERR_DISPOSED before loading ends or after
    // stop(), ERR_INVALID_ARGUMENT, ERR_QUEUE_FULL.
    void submit(uint32_t id, request && wanted);
    void cancel(uint32_t id);

    // Writes what the caches hold of the tokens to a file, and reads it back; both wait for the engine thread.
    // @returns tokens of the state. Throw ERR_STATE_FILE, ERR_DISPOSED.
    uint32_t save_state(const std::string & path, const std::vector<llama_token> & tokens);
    std::vector<llama_token> load_state(const std::string & path);

    // Milliseconds of bare decodes of one model (0 the base, then each pair's), between the steps of requests; each
    // call waits for the engine thread. With `prompt` one number, that of a prompt of so many tokens. Throw
    // ERR_DISPOSED, ERR_INVALID_ARGUMENT, ERR_CONTEXT_CREATE, ERR_DECODE.
    std::vector<double> measure_decodes(const bare_decodes & wanted);

    // Ends loading or generation soon; requests end with "abort". on_stopped follows.
    void stop();
    void join();

    // The base model, for tokenizing; empty unless loaded.
    shared_model base_model() const;

  private:
    struct submission {
        uint32_t id;
        request wanted;
        engine_clock::time_point at;
    };

    // A context of the engine: [0] is the base, then expert and antiexpert of each pair.
    size_t expert_of(size_t pair) const { return 1 + 2 * pair; }

    size_t antiexpert_of(size_t pair) const { return 2 + 2 * pair; }

    void run();
    void load();
    std::unique_ptr<role_context> load_model(role which, size_t pair, const model_config & model);
    drawable_tokens common_tokens() const;
    void create_contexts();
    void choose_speculation();
    void measure(size_t context, row_costs & costs, int32_t most, double budget_ms);
    void publish_info(double load_ms);
    void serve();

    // Between steps: engine_state.cpp.
    struct task;
    void perform(std::function<void()> work);
    void run_tasks();
    void require_room_for_another(size_t context) const;
    state_expectations expectations() const;
    void learn_layouts();

    void take_in(std::vector<step_event> & events);
    void step(std::vector<step_event> & events);
    bool needs(const sequence & seq, size_t context) const;
    bool apart(const sequence & seq) const;
    bool drafts(const sequence & seq) const;

    // Who runs, and where: engine_schedule.cpp.
    void admit();
    void settle_in(sequence & seq);
    bool waits_for_prefix(const sequence & seq) const;
    size_t pending(const sequence & seq, size_t context) const;
    size_t pending(const sequence & seq) const;
    std::vector<sequence *> by_work() const;
    size_t prefill_budget(bool generating) const;
    void decode_chunk(sequence & seq, size_t count);
    void decode_chunk(size_t context, sequence & seq, size_t count);
    void decode_batch(size_t context, const char * what);
    void make_room(std::vector<step_event> & events);

    // A round: engine_round.cpp.
    struct part;
    struct row;
    void draw(const std::vector<sequence *> & ready, std::vector<step_event> & events);
    std::vector<part> plan_round(const std::vector<sequence *> & ready);
    void draft(std::vector<part> & parts, std::vector<row> & base_rows);
    void verify(size_t context, const std::vector<row> & base_rows);
    void decode(size_t context, const std::vector<row> & rows);
    row_draw read(size_t context, part & from, size_t row);
    row_draw read_allowed(size_t context, part & from, size_t row);
    void settle(part & from, std::vector<step_event> & events);
    void fail_all(const std::string & code, const std::string & message, std::vector<step_event> & events);
    void end(sequence & seq);
    void free_all();

    engine_config config_;
    engine_callbacks callbacks_;
    std::thread thread_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<submission> inbox_;
    std::vector<uint32_t> cancelled_;
    std::deque<std::shared_ptr<task>> tasks_;
    std::unordered_set<uint32_t> unfinished_;  // requests that were submitted and have not ended
    bool loaded_ = false;
    shared_model base_model_;
    std::atomic<bool> stopping_{false};

    // engine thread only
    std::unique_ptr<cpu_threads> threads_;
    std::vector<std::unique_ptr<role_context>> contexts_;  // base first: others write into its stores
    int32_t n_vocab_ = 0;
    std::deque<std::unique_ptr<sequence>> waiting_;
    std::vector<std::unique_ptr<sequence>> slots_;
    slot_caches caches_;
    size_t most_at_once_;          // requests: fewer than slots after one gave way, one more with each that ends
    size_t plain_rounds_ = 0;      // rounds without drafts, for lack of cache space
    double prefill_token_ms_ = 0;  // of all models, lately; 0 = not known
    batch_builder batch_;
    std::vector<int32_t> outputs_;  // of the last decode of each row, index in its batch
    int32_t max_draft_ = 0;
    std::string draft_reason_;
    std::vector<std::optional<state_layout>> layouts_;  // by context, learned when a state is first loaded
    std::vector<std::unique_ptr<bare_decoder>> bare_;   // by context, made when first asked for
    round_costs costs_;
    draft_probe probe_;
    bool learning_ = false;            // costs, from this round
    agreement agrees_{0.7, 4, 0.995};  // over all requests
};

}  // namespace rast
