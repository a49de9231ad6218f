#include "draft_planner.h"

#include "cost_calibration.h"

#include <algorithm>

namespace rast {

namespace {

// Over all requests: of a position 200 ago about a third counts.
constexpr double memory_over_requests = 0.995;
// In positions, of what others have shown, for a request that begins.
constexpr double inherited_weight = 16;
// What can be remembered at most, of 1 / (1 - memory) positions.
constexpr double most_remembered = 1000;
constexpr double format_of_learned = 2;
// Tokens alike from which on a repeat is a long one.
constexpr size_t long_repeat = 6;
// How often repeats go on as they did, before any was seen.
constexpr double short_repeats_at_first = 0.5;
constexpr double long_repeats_at_first = 0.8;
// After drafts took room that somebody's text needed.
constexpr size_t rounds_without_drafts = 16;

// The expert has nothing to draft then, and nothing to draw.
void take_repeat(participant & one, size_t most) {
    one.drafts.assign(one.repeat.begin(),
                      one.repeat.begin() + static_cast<std::ptrdiff_t>(std::min(most, one.repeat.size())));
    one.from_text = !one.drafts.empty();
    one.compared = one.compared && !one.from_text;
}

}  // namespace

draft_planner::draft_planner(const engine_config & config)
    : config_(config),
      lengths_(config.rows),
      agrees_(agreement::expected_at_first, agreement::weight_at_first, memory_over_requests),
      repeats_{agreement(short_repeats_at_first, agreement::weight_at_first, memory_over_requests),
               agreement(long_repeats_at_first, agreement::weight_at_first, memory_over_requests)} {}

void draft_planner::decide(const role_contexts & contexts) {
    max_draft_ = 0;
    alone_only_ = false;
    int32_t most = config_.max_draft;
    const role_context * without = nullptr;
    for (size_t c = 0; c < contexts.size(); ++c) {
        const sequence_memory & memory = contexts[c].memory();
        alone_only_ = alone_only_ || memory.one_token_each();
        most = std::min(most, memory.most_drafts());
        without = without == nullptr && memory.most_drafts() == 0 ? &contexts[c] : without;
    }
    if (!contexts.has_pairs()) {
        reason_ = "there is no expert to draft";
    } else if (config_.max_draft == 0) {
        reason_ = "it was turned off at load";
    } else if (without != nullptr) {
        reason_ = std::string("the ") + role_name(without->which()) + " model " + describe(without->memory().kind()) +
                  ", and what it remembers of drafts cannot be taken back";
    } else {
        max_draft_ = most;
        lengths_.expert_decodes_again(!contexts.drafter().memory().can_cut_back());
    }
}

void draft_planner::calibrate(const role_contexts & contexts, batch_builder & batch,
                              const std::atomic<bool> & stopping) {
    if (max_draft_ == 0) {
        return;
    }
    remembered_ = restore(config_.learned);
    if (remembered_) {
        return;
    }
    calibrate_costs(contexts, lengths_.costs(), batch, max_draft_ + 1, stopping);
}

std::vector<double> draft_planner::learned() const {
    if (max_draft_ == 0) {
        return {};
    }
    std::vector<double> out = {format_of_learned, static_cast<double>(config_.rows)};
    for (const agreement & one : {agrees_, repeats_[0], repeats_[1]}) {
        out.push_back(one.value());
        out.push_back(one.weight());
    }
    lengths_.costs().save(out);
    return out;
}

// @returns whether it has taken it; it may come from a file that anything has happened to
bool draft_planner::restore(std::span<const double> learned) {
    constexpr size_t head = 8;
    if (learned.size() < head || learned[0] != format_of_learned || learned[1] != static_cast<double>(config_.rows)) {
        return false;
    }
    for (size_t i = 2; i < head; i += 2) {
        const double value = learned[i];
        const double weight = learned[i + 1];
        if (!(value >= 0 && value <= 1 && weight > 0 && weight <= most_remembered)) {
            return false;
        }
    }
    draft_costs costs(config_.rows);
    std::span<const double> rest = learned.subspan(head);
    if (!costs.restore(rest) || !rest.empty()) {
        return false;
    }
    lengths_.costs() = std::move(costs);
    agrees_.restore(learned[2], learned[3]);
    repeats_[0].restore(learned[4], learned[5]);
    repeats_[1].restore(learned[6], learned[7]);
    return true;
}

bool draft_planner::compares(const request & wanted) const {
    return max_draft_ > 0 && wanted.mode == request_mode::rast && wanted.draft != 0 && wanted.given.empty() &&
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
    size_t other_rows = plan_given(round, left);
    for (participant & one : round) {
        if (!one.seq->wanted().given.empty()) {
            continue;
        }
        const sequence & seq = *one.seq;
        const request & wanted = seq.wanted();
        one.compared = compares(wanted);
        if (!one.compared) {
            other_rows += role_contexts::uses(wanted, role_contexts::base_index) ? 1 : 0;
            continue;
        }
        const bool may = paused_rounds_ == 0 && (!alone_only_ || round.size() == 1);
        size_t most = may ? static_cast<size_t>(std::min(max_draft_, wanted.max_draft)) : 0;
        most = std::min<size_t>(most, config_.context_size - seq.history().size());
        // a draft beyond the last token that may be drawn is for nothing
        one.useful =
            wanted.max_tokens < 0 ? most : static_cast<size_t>(wanted.max_tokens - seq.result.completion_tokens - 1);
        const bool fixed = wanted.draft != draft_auto;
        const size_t longest = fixed         ? std::min(most, static_cast<size_t>(wanted.draft))
                               : seq.started ? most
                                             : most_drafts_at_first(most, wanted.max_tokens, round.size() > 1);
        if (wanted.repeats != repeat_drafts::never) {
            look_for_repeat(one, std::min(longest, one.useful));
        }
        const double likely = one.repeat.empty() ? 0 : seq.repeats[one.repeat_kind].value();
        const bool repeats = wanted.repeats == repeat_drafts::always || (fixed && likely > seq.agrees.value());
        if (fixed || (repeats && !one.repeat.empty())) {
            one.most = std::min({longest, one.useful, left});
            if (repeats && !one.repeat.empty()) {
                take_repeat(one, one.most);
            }
            left -= one.from_text ? one.drafts.size() : one.most;
            other_rows += 1;
            continue;
        }
        candidates.push_back({seq.agrees.value(), static_cast<int>(longest),
                              static_cast<int>(std::min(most, one.useful)), static_cast<int>(one.repeat.size()),
                              likely});
        automatic.push_back(&one);
    }
    const auto chosen = lengths_.choose(candidates, left, other_rows);
    for (size_t i = 0; i < automatic.size(); ++i) {
        automatic[i]->most = static_cast<size_t>(chosen[i].drafts);
        if (chosen[i].found) {
            take_repeat(*automatic[i], automatic[i]->most);
        }
    }
    together_ = round.size() > 1;
    learning_ = decoder.is_steady() && std::all_of(round.begin(), round.end(), [&](const participant & one) {
                    return (one.compared || one.from_text) && one.seq->wanted().figures < 0 &&
                           decodes_one_each(*one.seq, contexts, decoder);
                });
}

// A completion that is given needs a row for each of its tokens: as many as there are in a round, in equal parts, and
// half of them where others may draft.
// @returns rows of those that have such
size_t draft_planner::plan_given(std::vector<participant> & round, size_t & left) const {
    const auto is_given = [](const participant & one) { return !one.seq->wanted().given.empty(); };
    auto given = static_cast<size_t>(std::count_if(round.begin(), round.end(), is_given));
    const bool may = paused_rounds_ == 0 && (!alone_only_ || round.size() == 1);
    size_t rows = !may ? 0 : given == round.size() || max_draft_ == 0 ? left : left / 2;
    const size_t others = left - rows;
    const size_t count = given;
    for (participant & one : round) {
        if (is_given(one)) {
            const std::span<const llama_token> tokens = one.seq->given();
            const size_t most = std::min({tokens.size() - 1, static_cast<size_t>(config_.max_draft), rows / given});
            one.drafts.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(most));
            one.from_text = true;
            rows -= most;
            --given;
        }
    }
    left = rows + others;
    return count;
}

// All but the drafter, which may have to decode the latest drafts again.
bool draft_planner::decodes_one_each(const sequence & seq, const role_contexts & contexts,
                                     const batch_decoder & decoder) const {
    for (size_t c = 0; c < contexts.size(); ++c) {
        const size_t most = c == role_contexts::drafter_index ? static_cast<size_t>(max_draft_) : 1;
        if (role_contexts::uses(seq.wanted(), c) && decoder.pending(seq, c) > std::max<size_t>(most, 1)) {
            return false;
        }
    }
    return seq.started || decoder.pending(seq) == 1;
}

// What the text would go on with, up to a token that ends it: the base draws that one itself.
void draft_planner::look_for_repeat(participant & one, size_t most) {
    sequence & seq = *one.seq;
    repeat found = seq.finder.find(seq.history(), most);
    const auto end = std::find_if(found.tokens.begin(), found.tokens.end(),
                                  [&](llama_token token) { return token < 0 || seq.stops_here(token); });
    found.tokens.erase(end, found.tokens.end());
    one.repeat = std::move(found.tokens);
    one.repeat_kind = found.alike >= long_repeat ? 1 : 0;
}

void draft_planner::expert_took(size_t rows, double ms) {
    if (learning_) {
        lengths_.costs().expert_took(together_, rows, ms);
    }
}

void draft_planner::verify_took(size_t rows, double ms) {
    if (learning_) {
        lengths_.costs().verify_took(together_, rows, ms);
    }
}

void draft_planner::observe(sequence & seq, bool same) {
    seq.agrees.observe(same);
    agrees_.observe(same);
    seq.result.drafts.compared += 1;
    seq.result.drafts.agreed += same ? 1 : 0;
}

void draft_planner::observe_repeat(const participant & one, std::span<const llama_token> drawn) {
    for (size_t i = 0; i < std::min(one.repeat.size(), drawn.size()); ++i) {
        const bool same = one.repeat[i] == drawn[i];
        one.seq->repeats[one.repeat_kind].observe(same);
        repeats_[one.repeat_kind].observe(same);
        one.seq->any_repeat = true;
        if (!same) {
            break;
        }
    }
}

void draft_planner::inherit_agreement(sequence & seq) const {
    if (seq.result.drafts.compared == 0) {
        seq.agrees = agrees_.successor(inherited_weight, sequence::agreement_memory);
    }
    for (size_t kind = 0; kind < repeats_.size() && !seq.any_repeat; ++kind) {
        seq.repeats[kind] = repeats_[kind].successor(inherited_weight, sequence::agreement_memory);
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
