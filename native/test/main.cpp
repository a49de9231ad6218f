// Runs one native test: rast-native-tests CASE [--name value ...]. Exit code 0 and a last line "ok ..." on success.
#include "harness.h"

#include <cstdio>
#include <cstring>
#include <exception>

int main(int argc, char ** argv) {
    using namespace rast::test;
    const struct {
        const char * name;
        int (*run)(const arguments &);
    } cases[] = {{"row", test_row},
                 {"token-figures", test_token_figures},
                 {"score-graph", test_score_graph},
                 {"scores", test_scores},
                 {"text", test_text},
                 {"tokenize", test_tokenize},
                 {"contents", test_contents},
                 {"reasoning", test_reasoning},
                 {"tokenize-cost", tokenize_cost},
                 {"philox", test_philox},
                 {"gbnf", test_gbnf},
                 {"grammar-differential", test_grammar_differential},
                 {"bench-grammar", bench_grammar},
                 {"graph", test_graph},
                 {"parity", test_parity},
                 {"modes", test_modes},
                 {"memory", test_memory},
                 {"states", test_states},
                 {"drafts", test_drafts},
                 {"draft-length", test_draft_length},
                 {"repeats", test_repeats},
                 {"draft-simulation", test_draft_simulation},
                 {"thread-choice", test_thread_choice},
                 {"exact", test_exact},
                 {"numbers", test_numbers},
                 {"constrained", test_constrained},
                 {"schedule", test_schedule},
                 {"settings", test_settings},
                 {"starved", test_starved},
                 {"fault", test_fault},
                 {"svd", test_svd},
                 {"cards", test_cards},
                 {"soak", test_soak},
                 {"lives", test_lives},
                 {"damaged", test_damaged},
                 {"bench-sampling", bench_sampling},
                 {"bench-filters", bench_filters},
                 {"bench-streams", bench_streams},
                 {"widen", widen_model}};
    if (argc > 1) {
        for (const auto & one : cases) {
            if (std::strcmp(argv[1], one.name) == 0) {
                try {
                    return one.run(arguments(argc, argv, 2));
                } catch (const std::exception & error) {
                    fail(error.what());
                }
            }
        }
    }
    std::printf("usage: rast-native-tests CASE [--name value ...], with CASE one of:\n");
    for (const auto & one : cases) {
        std::printf("  %s\n", one.name);
    }
    return 2;
}
