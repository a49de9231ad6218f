#include "speculative_round.h"

#include "../error.h"
#include "clock.h"

#include <algorithm>

namespace rast {

speculative_round::speculative_round(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                                     batch_decoder & decoder, row_reader & reader, draft_planner & planner,
                                     scheduler & scheduler)
    : config_(config),
      contexts_(contexts),
      caches_(caches),
      decoder_(decoder),
      reader_(reader),
      planner_(planner),
      scheduler_(scheduler) {}

void speculative_round::run(std::span<sequence * const> requests, std::vector<step_event> & events) {
    expert_steps_back_ = contexts_.has_pairs() && !contexts_.drafter().memory().can_cut_back();
    contexts_.set_drafter_drawing(std::any_of(requests.begin(), requests.end(), [](const sequence * seq) {
        return seq->wanted().mode == request_mode::expert;
    }));
    std::vector<participant> round(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
        round[i].seq = requests[i];
    }
    planner_.plan(round, contexts_, decoder_);

    // Draft: the expert decodes token by token, and what it draws it decodes next.
    const std::vector<logits_row> base_rows = draft(round);

    // Verify: every other small model decodes all of it at once, and hands its rows to the base ...
    const auto start = engine_clock::now();
    for (size_t c = 0; c < contexts_.size(); ++c) {
        if (c != role_contexts::base_index && c != role_contexts::drafter_index) {
            verify(c, base_rows);
        }
    }
    // ... which decodes it last, and draws at every row from the fused logits.
    verify(role_contexts::base_index, base_rows);
    planner_.verify_took(base_rows.size(), ms_since(start));

    // Accept what was drawn as drafted, and roll the caches back behind it.
    for (participant & one : round) {
        scheduler_.attempt(std::span(&one.seq, 1), events, [&] { accept(one, events); });
    }
}

// ---- draft

// Decodes the expert once per depth. Rows are numbered by depth, then by request: one whose drafting ends early leaves
// no hole. @returns the rows that the base is to decode
std::vector<logits_row> speculative_round::draft(std::span<participant> round) {
    constexpr size_t context = role_contexts::drafter_index;
    std::vector<logits_row> base_rows;
    for (size_t depth = 0;; ++depth) {
        const std::vector<logits_row> rows = add_rows(round, depth, base_rows);
        if (rows.empty()) {
            return base_rows;
        }
        const auto start = engine_clock::now();
        for (size_t i = 0; i < rows.size(); ++i) {
            set_drafter_row(rows[i], i);
            if (depth == 1) {
                caches_.checkpoint(rows[i].of->seq->slot, context);
            }
        }
        decoder_.decode_rows(context, rows);
        for (size_t i = 0; i < rows.size(); ++i) {
            participant & one = *rows[i].of;
            if (one.seq->wanted().mode == request_mode::expert) {
                one.drawn = reader_.read_allowed(context, *one.seq, i);
            } else if (one.compared) {
                draft_next(one, reader_.read(context, *one.seq, i).token, depth);
            }
        }
        planner_.expert_took(decoder_.tokens(), ms_since(start));
    }
}

// Gives every request whose drafting goes on a row of the base at this depth. @returns the expert's rows
std::vector<logits_row> speculative_round::add_rows(std::span<participant> round, size_t depth,
                                                    std::vector<logits_row> & base_rows) {
    std::vector<logits_row> rows;
    const auto add = [&](participant & one, size_t at) {
        logits_row row{&one, at, -1};
        if (role_contexts::uses(one.seq->wanted(), role_contexts::base_index)) {
            row.base_row = static_cast<int64_t>(base_rows.size());
            one.base_rows.push_back(base_rows.size());
            base_rows.push_back(row);
        }
        if (contexts_.has_pairs() && role_contexts::uses(one.seq->wanted(), role_contexts::drafter_index)) {
            rows.push_back(row);
        }
    };
    for (participant & one : round) {
        // what is taken from the text is there before anything is decoded; a state is set aside in front of it
        const size_t before = expert_steps_back_ && one.seq->wanted().given.empty() ? 1 : 0;
        const size_t all = one.drafts.size();
        if (one.from_text && depth == before) {
            for (size_t at = depth; at <= all; ++at) {
                add(one, at);
            }
        } else if (one.from_text ? depth < before : depth <= all) {  // else its drafting has ended
            add(one, depth);
        }
    }
    return rows;
}

void speculative_round::set_drafter_row(const logits_row & row, size_t index) {
    const participant & one = *row.of;
    row_settings settings;
    settings.draw = false;
    if (one.seq->wanted().mode == request_mode::expert) {
        settings = one.seq->settings(false);
    } else if (one.compared) {
        settings = one.seq->settings(false, one.drafts);
        settings.top_logprobs = -1;
        settings.keep = false;
    }
    settings.figures = -1;
    ensemble_sampler & sampler = contexts_.drafter().sampler();
    sampler.set_row(static_cast<int32_t>(index), settings);
    sampler.set_sink(static_cast<int32_t>(index), row.base_row);
}

// Takes the expert's draw as a draft, if the text can go on with it and more are wanted.
bool speculative_round::draft_next(participant & one, llama_token token, size_t depth) {
    const sequence & seq = *one.seq;
    if (seq.grammar) {
        if (!one.grammar) {
            one.grammar.emplace(*seq.grammar);
        }
        try {
            if (token < 0 || !one.grammar->allows(seq.texts(), token)) {
                return false;  // what the ensemble would draw instead is not known here
            }
            if (!seq.stops_here(token)) {
                one.grammar->accept(seq.texts(), token);
            }
        } catch (const out_of_work &) {
            return false;
        }
    }
    one.expert_draws.push_back(token);
    // a token that ends the text is drawn by the base itself, right there
    if (depth >= one.most || token < 0 || seq.stops_here(token)) {
        return false;
    }
    one.drafts.push_back(token);
    return true;
}

// ---- verify

// One decode with all rows: a small model hands them to the base, the base draws.
void speculative_round::verify(size_t context, std::span<const logits_row> base_rows) {
    std::vector<logits_row> rows;
    for (const logits_row & row : base_rows) {
        if (role_contexts::uses(row.of->seq->wanted(), context)) {
            rows.push_back(row);
        }
    }
    if (rows.empty()) {
        return;
    }
    ensemble_sampler & sampler = contexts_[context].sampler();
    for (size_t i = 0; i < rows.size(); ++i) {
        const participant & one = *rows[i].of;
        const auto index = static_cast<int32_t>(i);
        if (context == role_contexts::base_index) {
            const std::span<const llama_token> drafted(one.drafts);
            const bool fused = one.seq->wanted().mode == request_mode::rast;
            sampler.set_row(index, one.seq->settings(fused, drafted.first(rows[i].depth)));
        } else {
            row_settings settings;
            settings.draw = false;
            sampler.set_row(index, settings);
            sampler.set_sink(index, rows[i].base_row);
        }
    }
    decoder_.decode_rows(context, rows);
}

// ---- accept, roll back

void speculative_round::accept(participant & one, std::vector<step_event> & events) {
    sequence & seq = *one.seq;
    step_event event;
    event.request = seq.id();
    if (seq.wanted().mode == request_mode::expert) {
        accept_at(one, one.drawn, 0, event);
    } else {
        seq.result.drafts.rounds += 1;
        const auto drafted = static_cast<int64_t>(std::min(one.drafts.size(), one.useful));
        seq.result.drafts.drafted += drafted;
        seq.result.drafts.repeat_drafted += one.from_text ? drafted : 0;
        for (size_t depth = 0; depth < one.base_rows.size(); ++depth) {
            const row_draw draw = reader_.read_allowed(role_contexts::base_index, seq, one.base_rows[depth]);
            if (!accept_at(one, draw, depth, event)) {
                break;
            }
        }
    }
    planner_.observe_repeat(one, event.tokens);
    // the last tokens are such that no model has decoded yet, unless the next draw is undecided
    const size_t undecoded = seq.undecided_draw ? 0 : seq.undecoded();
    const llama_pos decoded = one.length() - static_cast<llama_pos>(undecoded);
    const bool goes_on = !event.result && !event.error;
    // drafts must not stay in the place of what was put behind the draw
    if ((goes_on || undecoded > 1) && !caches_.cut_back(seq.slot, decoded) && goes_on) {
        event.error = request_error{"ERR_INTERNAL", "A cache could not be cut back to the accepted tokens"};
    }
    emit(seq, std::move(event), events);
}

// @returns whether the next row is of use: this one's token was drafted, and the text goes on
bool speculative_round::accept_at(participant & one, const row_draw & draw, size_t depth, step_event & event) {
    if (draw.token == row_undecided) {
        return false;
    }
    sequence & seq = *one.seq;
    if (draw.token >= 0 && depth < one.expert_draws.size()) {
        planner_.observe(seq, one.expert_draws[depth] == draw.token);
    }
    const bool accepted = depth < one.drafts.size() && one.drafts[depth] == draw.token;
    seq.result.drafts.accepted += accepted && depth < one.useful ? 1 : 0;
    seq.result.drafts.repeat_accepted += accepted && one.from_text && depth < one.useful ? 1 : 0;
    const draft_source draft = !accepted || !seq.wanted().given.empty() ? draft_source::nobody
                               : one.from_text                          ? draft_source::text
                                                                        : draft_source::expert;
    return accept_draw(seq, draw, draft, event) && accepted && seq.undecoded() == 1;
}

// What it means that a grammar allows no token: the text may not end, and no token begins as it has to go on.
static std::string nothing_fits(grammar_matcher & grammar, const std::string & at) {
    constexpr uint64_t work = 200'000;
    grammar.allow(work);
    const std::string next = grammar.next_characters();
    const std::string what = "The grammar or schema allows no token of the vocabulary" + at;
    return next.empty() ? what : what + ": the text must go on with " + next + ", and no token that may be drawn does";
}

// @returns whether the text goes on
bool speculative_round::accept_draw(sequence & seq, const row_draw & draw, draft_source draft,
                                    step_event & event) const {
    if (draw.token >= 0) {
        return !seq.accept(draw, draft, config_.context_size, event);
    }
    const std::string at = " at position " + std::to_string(seq.history().size());
    event.error = draw.token == row_over_limit
                      ? request_error{"ERR_CONSTRAINT_LIMIT", "The grammar needs too much work" + at}
                  : seq.grammar && draw.refused ? request_error{"ERR_GRAMMAR", nothing_fits(*seq.grammar, at)}
                                                : request_error{"ERR_DECODE", "The models gave no finite logits" + at};
    return false;
}

void speculative_round::emit(sequence & seq, step_event && event, std::vector<step_event> & events) {
    seq.end_round();
    const bool ended = event.result.has_value() || event.error.has_value();
    if (event.result && planner_.compares(seq.wanted())) {
        event.learned = planner_.learned();
    }
    if (ended || !event.tokens.empty()) {
        events.push_back(std::move(event));
    }
    if (ended) {
        scheduler_.retire(seq);
    }
}

void speculative_round::resume_undecided(std::vector<step_event> & events) {
    for (const auto & running : scheduler_.running()) {
        row_draw draw;
        if (!running || !running->undecided_draw || !row_reader::decide(*running, draw)) {
            continue;
        }
        sequence & seq = *running;
        step_event event;
        event.request = seq.id();
        accept_draw(seq, draw, draft_source::nobody, event);
        emit(seq, std::move(event), events);
    }
}

}  // namespace rast
