#include "draft_planner.h"

#include "cost_calibration.h"

#include <algorithm>

namespace rast {

namespace {

// Over all requests: of a position 200 ago about a third counts.
constexpr double memory_over_requests = 0.995;
// In positions, of what others have shown, for a request that begins.
constexpr double inherited_weight = 8;
// Positions compared before lengths are chosen: what the first rounds show is worth more than a guess.
constexpr double least_evidence = 4;
// After drafts took room that somebody's text needed.
constexpr size_t rounds_without_drafts = 16;

// Milliseconds that measuring a model may take at load. The base is the slowest and the one whose steps matter.
constexpr double expert_budget_ms = 100;
constexpr double other_budget_ms = 200;
constexpr double base_budget_ms = 900;

}  // namespace

draft_planner::draft_planner(const engine_config & config)
    : config_(config),
      costs_{row_costs(config.rows), row_costs(config.rows), row_costs(config.rows)},
      agrees_(agreement::expected_at_first, agreement::weight_at_first, memory_over_requests) {}

void draft_planner::decide(const role_contexts & contexts) {
    max_draft_ = 0;
    if (!contexts.has_pairs()) {
        reason_ = "there is no expert to draft";
    } else if (config_.max_draft == 0) {
        reason_ = "it was turned off at load";
    } else if (const role_context * context = contexts.without_cut_back()) {
        reason_ = std::string("the ") + role_name(context->which()) + " model " + describe(context->memory().kind()) +
                  ", and what it remembers of drafts cannot be taken back";
    } else {
        max_draft_ = config_.max_draft;
    }
}

void draft_planner::calibrate(const role_contexts & contexts, batch_builder & batch,
                              const std::atomic<bool> & stopping) {
    if (max_draft_ == 0) {
        return;
    }
    calibrate_rows(contexts.drafter(), costs_.expert, batch, 1, expert_budget_ms, stopping);
    for (size_t c = 0; c < contexts.size(); ++c) {
        if (c == role_contexts::base_index || c == role_contexts::drafter_index) {
            continue;
        }
        row_costs one(config_.rows);
        calibrate_rows(contexts[c], one, batch, max_draft_ + 1, other_budget_ms, stopping);
        costs_.others.add(one);
    }
    calibrate_rows(contexts.base(), costs_.base, batch, max_draft_ + 1, base_budget_ms, stopping);
}

bool draft_planner::compares(const request & wanted) const {
    return max_draft_ > 0 && wanted.mode == request_mode::rast && wanted.draft != 0 &&
           role_contexts::uses(wanted, role_contexts::drafter_index);
}

// Outputs that drafts may add to a round: within the rows of the engine and what every batch has room for.
size_t draft_planner::rows_left(const std::vector<participant> & round, const role_contexts & contexts,
                                const batch_decoder & decoder) const {
    size_t left = config_.rows - round.size();
    for (size_t c = 0; c < contexts.size(); ++c) {
        size_t room = config_.batch_size;
        for (const participant & one : round) {
            room -= role_contexts::uses(one.seq->wanted(), c) ? decoder.pending(*one.seq, c) : 0;
        }
        left = std::min(left, room);
    }
    return left;
}

void draft_planner::plan(std::vector<participant> & round, const role_contexts & contexts,
                         const batch_decoder & decoder) {
    size_t left = rows_left(round, contexts, decoder);
    std::vector<draft_candidate> candidates;
    std::vector<participant *> automatic;
    size_t other_rows = 0;
    for (participant & one : round) {
        const sequence & seq = *one.seq;
        const request & wanted = seq.wanted();
        one.compared = compares(wanted);
        if (!one.compared) {
            other_rows += role_contexts::uses(wanted, role_contexts::base_index) ? 1 : 0;
            continue;
        }
        size_t most = paused_rounds_ > 0 ? 0 : static_cast<size_t>(std::min(max_draft_, wanted.max_draft));
        most = std::min<size_t>(most, config_.context_size - seq.history().size());
        // a draft beyond the last token that may be drawn is for nothing
        one.useful =
            wanted.max_tokens < 0 ? most : static_cast<size_t>(wanted.max_tokens - seq.result.completion_tokens - 1);
        if (wanted.draft != draft_auto) {
            one.most = std::min({most, one.useful, static_cast<size_t>(wanted.draft), left});
            left -= one.most;
            other_rows += 1;
            continue;
        }
        const bool known = seq.agrees.evidence() + agrees_.evidence() >= least_evidence && costs_.base.any();
        candidates.push_back({seq.agrees.value(), known && seq.started ? static_cast<int>(most) : 0,
                              static_cast<int>(std::min(most, one.useful))});
        automatic.push_back(&one);
    }
    auto chosen = choose_drafts(costs_, candidates, left, other_rows);
    if (chosen.size() == 1 && other_rows == 0 && static_cast<size_t>(candidates[0].most) <= left) {
        chosen[0] = probe_.choose(costs_, candidates[0], chosen[0]);
    }
    for (size_t i = 0; i < automatic.size(); ++i) {
        automatic[i]->most = static_cast<size_t>(chosen[i]);
    }
}

void draft_planner::learn(row_costs & costs, size_t rows, double ms) {
    if (learning_) {
        costs.learn(rows, ms);
    }
}

void draft_planner::observe(sequence & seq, bool same) {
    seq.agrees.observe(same);
    agrees_.observe(same);
    seq.result.drafts.compared += 1;
    seq.result.drafts.agreed += same ? 1 : 0;
}

void draft_planner::inherit_agreement(sequence & seq) const {
    if (seq.agrees.evidence() == 0 && agrees_.evidence() > 0) {
        seq.agrees = agrees_.successor(inherited_weight, sequence::agreement_memory);
    }
}

bool draft_planner::pause() {
    if (max_draft_ == 0 || paused_rounds_ > 0) {
        return false;
    }
    paused_rounds_ = rounds_without_drafts;
    return true;
}

}  // namespace rast
