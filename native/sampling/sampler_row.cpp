#include "sampler_row.h"

#include "listed_row.h"
#include "row_order.h"
#include "sampling_steps.h"
#include "wide_row.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace rast {

namespace {

// The listing went over most_listed, and its candidates are free for the work on one bucket.
wide_row widen(const fused_row & row, const row_settings & settings, row_scratch & scratch) {
    return {row.z(), row.size(), row.max(), 1.0F / settings.temperature, scratch.buckets, scratch.candidates};
}

int32_t draw_token(const fused_row & row, const row_settings & settings, row_scratch & scratch) {
    if (is_greedy(settings)) {
        return row.largest_token();
    }
    listed_row listed(row, settings, scratch);
    if (!listed.complete()) {
        return widen(row, settings, scratch).draw(settings);
    }
    listed.filter();
    return listed.draw();
}

// Of the adjusted row at temperature 1, whatever the filters keep.
void report_logprobs(const fused_row & row, const row_settings & settings, row_scratch & scratch, row_draw & out) {
    const double log_total = std::log(row.total_mass(1.0F));
    const auto logprob = [&](float z) { return static_cast<float>(static_cast<double>(z) - row.max() - log_total); };
    out.logprob = logprob(row.z()[out.token]);
    const auto n_top = static_cast<size_t>(settings.top_logprobs);
    if (n_top == 0) {
        return;
    }
    auto & candidates = scratch.candidates;
    candidates.clear();
    list_likeliest(row, 1.0F, n_top, static_cast<size_t>(row.size()), scratch);
    const size_t n = std::min(n_top, candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(n), candidates.end(), before);
    out.n_top = static_cast<int32_t>(n);
    for (size_t i = 0; i < n; ++i) {
        out.top_tokens[i] = candidates[i].token;
        out.top_logprobs[i] = logprob(candidates[i].logit);
    }
}

}  // namespace

row_draw draw_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch) {
    row_draw out;
    const fused_row row(in, settings, scratch);
    if (!can_draw(row.max())) {
        out.token = row_invalid;
        return out;
    }
    out.token = draw_token(row, settings, scratch);
    if (out.token >= 0 && settings.top_logprobs >= 0) {
        report_logprobs(row, settings, scratch, out);
    }
    return out;
}

void keep_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch,
              std::vector<row_candidate> & out) {
    out.clear();
    const fused_row row(in, settings, scratch);
    if (!can_draw(row.max())) {
        return;
    }
    listed_row listed(row, settings, scratch);
    if (listed.complete()) {
        listed.filter();
        out.assign(listed.begin(), listed.end());
        std::sort(out.begin(), out.end(), before);
        return;
    }
    const wide_row::cut end = widen(row, settings, scratch).filtered(settings);
    const float inv_temperature = 1.0F / settings.temperature;
    for (int32_t i = 0; i < row.size(); ++i) {
        const float logit = row.z()[i];
        if (wide_row::holds(end, logit, i) && logit > lowest_logit) {
            out.push_back({logit, exp_lane((logit - row.max()) * inv_temperature), i});
        }
    }
}

void fuse_row(const row_inputs & in, const row_settings & settings, row_scratch & scratch, std::vector<float> & out) {
    const fused_row row(in, settings, scratch);
    out.assign(row.z(), row.z() + row.size());
}

}  // namespace rast
