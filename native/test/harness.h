// Small helpers of the native tests.
#pragma once

#include "../engine/engine.h"

#include <map>
#include <string>
#include <vector>

namespace rast::test {

// Arguments as --name value pairs.
class arguments {
  public:
    arguments(int argc, char ** argv, int from);
    std::string text(const std::string & name, const std::string & fallback = "") const;
    long number(const std::string & name, long fallback) const;
    double real(const std::string & name, double fallback) const;
    std::vector<std::string> list(const std::string & name) const;  // comma-separated

  private:
    std::map<std::string, std::string> values_;
};

// Opens the libraries in --libraries FOLDER, with --backend FILE if given.
void open_from(const arguments & args);

struct outcome {
    std::vector<llama_token> tokens;
    std::string text;
    std::vector<row_draw> draws;
    std::vector<figured_token> figures;
    request_result result;
    std::string error;
};

// An engine driven to the end, for tests.
class driven_engine {
  public:
    explicit driven_engine(const engine_config & config);
    ~driven_engine();

    // Submits all at once and waits for all.
    std::vector<outcome> run(const std::vector<request> & requests);

    const engine_info & info() const { return info_; }

    shared_model base_model() const { return engine_->base_model(); }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool settled_ = false;
    uint32_t next_id_ = 1;
    std::string load_error_;
    engine_info info_;
    std::map<uint32_t, outcome> outcomes_;
    std::map<uint32_t, bool> done_;
    std::unique_ptr<engine> engine_;
};

// --base, --experts, --antiexperts, --device, --gpu-layers, --threads, --context, --sampler
engine_config config_from(const arguments & args);

[[noreturn]] void fail(const std::string & what);
void check(bool right, const std::string & what);

int test_row(const arguments & args);
int test_token_figures(const arguments & args);
int test_score_graph(const arguments & args);
int test_scores(const arguments & args);
int test_text(const arguments & args);
int test_tokenize(const arguments & args);
int test_contents(const arguments & args);
int test_reasoning(const arguments & args);
int tokenize_cost(const arguments & args);
int test_philox(const arguments & args);
int test_gbnf(const arguments & args);
int test_grammar_differential(const arguments & args);
int bench_grammar(const arguments & args);
int test_graph(const arguments & args);
int test_parity(const arguments & args);
int test_modes(const arguments & args);
int test_memory(const arguments & args);
int test_states(const arguments & args);
int widen_model(const arguments & args);
int test_drafts(const arguments & args);
int test_draft_length(const arguments & args);
int test_repeats(const arguments & args);
int test_draft_simulation(const arguments & args);
int test_thread_choice(const arguments & args);
int test_exact(const arguments & args);
int test_numbers(const arguments & args);
int test_constrained(const arguments & args);
int test_schedule(const arguments & args);
int test_settings(const arguments & args);
int test_starved(const arguments & args);
int test_fault(const arguments & args);
int test_svd(const arguments & args);
int test_cards(const arguments & args);
int test_soak(const arguments & args);
int test_lives(const arguments & args);
int test_damaged(const arguments & args);
int bench_sampling(const arguments & args);
int bench_filters(const arguments & args);
int bench_streams(const arguments & args);

}  // namespace rast::test
