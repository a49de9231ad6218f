#include "cost_calibration.h"

#include "clock.h"

#include <algorithm>

namespace rast {

namespace {

// The quickest of a few counts, as other work only ever makes a decode slower.
constexpr int repetitions = 2;
// In the order in which they tell most when time runs out.
constexpr int32_t numbers_of_rows[] = {1, 4, 8, 2, 16, 12, 3, 6, 5, 7};
// Rows are sampled as a common request's are.
constexpr float usual_top_p = 0.95F;

void prepare(role_context & context, batch_builder & batch, int32_t rows) {
    const llama_token token = std::max(0, llama_vocab_bos(context.vocab()));
    batch.clear();
    for (int32_t row = 0; row < rows; ++row) {
        row_settings settings;
        settings.draw = context.sampler().drawing();
        settings.top_p = usual_top_p;
        context.sampler().set_row(row, settings);
        context.sampler().set_sink(row, -1);
        batch.add(token, row, 0, true);
    }
    context.sampler().upload();
}

}  // namespace

void calibrate_rows(role_context & context, row_costs & costs, batch_builder & batch, int32_t most, double budget_ms,
                    const std::atomic<bool> & stopping) {
    llama_memory_t memory = llama_get_memory(context.get());
    const auto start = engine_clock::now();
    for (const int32_t rows : numbers_of_rows) {
        double quickest = -1;
        for (int i = -1; i < repetitions; ++i) {  // the first of its shape builds a graph
            const bool late = ms_since(start) > budget_ms;
            if (rows > most || (late && (rows > 1 || quickest >= 0))) {
                break;
            }
            prepare(context, batch, rows);
            const auto begun = engine_clock::now();
            if (stopping || context.decode(batch.view()) != 0) {
                llama_memory_clear(memory, true);
                return;
            }
            if (i >= 0) {
                quickest = quickest < 0 ? ms_since(begun) : std::min(quickest, ms_since(begun));
            }
            llama_memory_clear(memory, false);
        }
        if (quickest >= 0) {
            costs.learn(static_cast<size_t>(rows), quickest);
        }
    }
}

}  // namespace rast
