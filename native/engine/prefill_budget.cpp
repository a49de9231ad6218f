#include "prefill_budget.h"

#include <algorithm>

namespace rast {

namespace {

// Of those who generate, by somebody's prompt: about as long as a text may pause before a reader sees it.
constexpr double longest_stall_ms = 200;
// Below it a decode costs nearly as much as one of this size, and says little of what a token costs.
constexpr size_t smallest_chunk = 32;
// Of the latest chunk in what a token is taken to cost: three chunks outweigh what came before.
constexpr double newest_share = 0.3;

}  // namespace

prefill_budget::prefill_budget(const engine_config & config) : config_(config) {}

void prefill_budget::observe(size_t tokens, double ms) {
    if (tokens >= smallest_chunk) {
        const double each = ms / static_cast<double>(tokens);
        token_ms_ = token_ms_ <= 0 ? each : token_ms_ + newest_share * (each - token_ms_);
    }
}

size_t prefill_budget::tokens(bool others_generate) const {
    const size_t batch = config_.batch_size;
    if (!others_generate) {
        return batch;
    }
    if (config_.prefill_chunk > 0) {
        return std::min<size_t>(config_.prefill_chunk, batch);
    }
    if (token_ms_ <= 0) {
        return std::min(2 * smallest_chunk, batch);
    }
    const auto affordable = static_cast<size_t>(longest_stall_ms / token_ms_);
    return std::clamp(affordable, std::min(smallest_chunk, batch), batch);
}

}  // namespace rast
