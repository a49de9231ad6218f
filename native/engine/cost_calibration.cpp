#include "cost_calibration.h"

#include "clock.h"

#include <algorithm>
#include <map>

namespace rast {

namespace {

// The first builds graphs and reads weights from the disk: it counts where there was no time for another.
constexpr int passes = 3;
constexpr double budget_ms = 800;
constexpr int32_t numbers_of_rows[] = {1, 4, 8, 16};
// Rows are sampled as a common request's are.
constexpr float usual_top_p = 0.95F;

void prepare(role_context & context, batch_builder & batch, int32_t rows, bool drawing) {
    const llama_token token = std::max(0, llama_vocab_bos(context.vocab()));
    batch.clear();
    for (int32_t row = 0; row < rows; ++row) {
        row_settings settings;
        settings.draw = drawing;
        settings.top_p = usual_top_p;
        context.sampler().set_row(row, settings);
        context.sampler().set_sink(row, -1);
        batch.add(token, row, 0, true);
    }
    context.sampler().upload();
}

struct rows_ms {
    double expert = 0;
    double verify = 0;  // of all others together
};

// @returns whether it was decoded
bool time_rows(const role_contexts & contexts, batch_builder & batch, int32_t rows, rows_ms & out) {
    for (size_t c = 0; c < contexts.size(); ++c) {
        role_context & context = contexts[c];
        const bool drafts = c == role_contexts::drafter_index;
        // the expert draws one row at a time; where it decodes more, they were found in the text
        prepare(context, batch, rows, context.sampler().drawing() && (!drafts || rows == 1));
        const auto begun = engine_clock::now();
        const bool decoded = context.decode(batch.view()) == 0;
        (drafts ? out.expert : out.verify) += ms_since(begun);
        llama_memory_clear(llama_get_memory(context.get()), !decoded);
        if (!decoded) {
            return false;
        }
    }
    return true;
}

}  // namespace

void calibrate_costs(const role_contexts & contexts, draft_costs & costs, batch_builder & batch, int32_t most,
                     const std::atomic<bool> & stopping) {
    std::map<int32_t, rows_ms> first;
    std::map<int32_t, int> later;
    const auto start = engine_clock::now();
    bool goes_on = true;
    for (int pass = 0; pass < passes && goes_on; ++pass) {
        for (const int32_t rows : numbers_of_rows) {
            const bool late = ms_since(start) > budget_ms && !first.empty();
            rows_ms took;
            if (rows > most) {
                break;
            }
            goes_on = !stopping && !late && time_rows(contexts, batch, rows, took);
            if (!goes_on) {
                break;
            }
            if (pass == 0) {
                first[rows] = took;
                continue;
            }
            later[rows] += 1;
            costs.calibrate_expert(static_cast<size_t>(rows), took.expert);
            costs.calibrate_verify(static_cast<size_t>(rows), took.verify);
        }
    }
    for (const auto & [rows, took] : first) {
        if (later[rows] == 0) {
            costs.calibrate_expert(static_cast<size_t>(rows), took.expert);
            costs.calibrate_verify(static_cast<size_t>(rows), took.verify);
        }
    }
}

}  // namespace rast
