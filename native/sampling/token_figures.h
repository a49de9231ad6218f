// What rows say of a token, in a few numbers: how likely it is under the base, the ensemble and the first pair that
// adds something, how many are likelier, how sure the rows are and how far the ensemble has moved. Of rows as the
// models gave them, at temperature 1: no bias, no penalty, no filter.
#pragma once

#include "sampler_settings.h"
#include "sampling_steps.h"

#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace rast {

// Stretches of ids that count: [from, to), ascending.
using token_stretches = std::vector<std::pair<int32_t, int32_t>>;

// Ids below n that are not masked (in any order, ids outside are passed over).
token_stretches stretches_without(int32_t n, std::vector<int32_t> masked);

bool in_stretches(const token_stretches & stretches, int32_t token);

struct likely_token {
    int32_t token = -1;
    double base = 0;  // log-probability
    double rast = 0;
};

// Nats. NaN for expert and antiexpert where no pair adds anything.
struct token_figures {
    struct by_model {
        double base = 0;
        double rast = 0;  // the ensemble; the base where nothing is added
        double expert = std::numeric_limits<double>::quiet_NaN();
        double antiexpert = std::numeric_limits<double>::quiet_NaN();
    };

    by_model logprob;  // -infinity for a token that never comes
    by_model entropy;
    int32_t base_rank = 0;  // tokens that are likelier; of equal ones those with smaller ids are
    int32_t rast_rank = 0;
    double divergence = 0;  // KL(ensemble || base)
    // Of expert against antiexpert, whatever the token: KL(expert || antiexpert), and how many tokens are likelier in
    // base and antiexpert than the expert's likeliest. Where no pair adds anything, or a model has nothing to say, NaN
    // and -1.
    double pair_divergence = std::numeric_limits<double>::quiet_NaN();
    int32_t expert_top_in_base = -1;
    int32_t expert_top_in_antiexpert = -1;
    int32_t n_top_base = 0;
    int32_t n_top_rast = 0;
    std::array<likely_token, max_top_logprobs> top_base{};  // likeliest first
    std::array<likely_token, max_top_logprobs> top_rast{};
};

// Rows of one position in the host's memory, f32 and as wide as the stretches reach. Borrowed.
struct host_rows {
    const float * base = nullptr;
    const float * fused = nullptr;   // null: nothing is added to the base
    const float * expert = nullptr;  // null: no pair
    const float * antiexpert = nullptr;
};

// Which pair's models stand for expert and antiexpert: the first whose lambda is not 0, -1 for none.
int figured_pair(const row_settings & settings);

// What tokens are looked at over.
struct figured_tokens {
    token_stretches drawable;
    std::array<token_stretches, max_pairs> of_pair;  // without those that mean nothing in one of its models

    // @param lacking by pair
    figured_tokens(const drawable_tokens & tokens, int32_t n_vocab,
                   const std::array<std::vector<int32_t>, max_pairs> & lacking);
};

// A divergence from its sum: not below 0, and infinite where what one row has the other never has.
double divergence_of(double sum);

// Any thread. Allocates nothing.
// @param top alternatives of each list
// @returns false where nothing of the base's or the ensemble's row can be drawn
bool figure_token(const host_rows & rows, const figured_tokens & tokens, int pair, int32_t token, int32_t top,
                  token_figures & out);

}  // namespace rast
