// A round: the expert drafts, all models decode the drafts, the base draws at every position, and what was drawn as
// drafted is kept, with the first token that was not. Without drafts it is a plain step.
#include "engine.h"
#include "error.h"

#include <algorithm>
#include <optional>

namespace rast {

namespace {

double ms_since(engine_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(engine_clock::now() - start).count();
}

role_times & times_of(sequence & seq, const role_context & context) {
    return seq.result.roles[static_cast<size_t>(context.which())];
}

}  // namespace

// What a sequence does in a round.
struct engine::part {
    sequence * seq = nullptr;
    size_t most = 0;                         // tokens to draft
    size_t useful = 0;                       // of those, before the text has all it may have
    bool watched = false;                    // the expert draws for it
    std::vector<llama_token> drafts;         // decoded by every model it needs
    std::vector<llama_token> own_draws;      // of the expert, by depth: drafts, and one more that is only compared
    std::vector<size_t> base_rows;           // by depth, in the base's batch
    std::optional<grammar_matcher> grammar;  // after the drafts
    row_draw drawn;                          // in mode "expert"

    llama_pos length() const { return static_cast<llama_pos>(seq->history().size()); }
};

// One output of a decode: after `depth` drafts of a part.
struct engine::row {
    part * of = nullptr;
    size_t depth = 0;
    int64_t target = -1;  // row of the base that its logits belong to
};

std::vector<engine::part> engine::plan_round(const std::vector<sequence *> & ready) {
    std::vector<part> parts(ready.size());
    std::vector<draft_candidate> candidates;
    std::vector<size_t> automatic;
    std::vector<size_t> batch_room(contexts_.size(), config_.batch_size);
    size_t others = 0;
    size_t rows_left = config_.rows;
    for (size_t i = 0; i < ready.size(); ++i) {
        parts[i].seq = ready[i];
        parts[i].watched = drafts(*ready[i]);
        rows_left -= 1;
        for (size_t c = 0; c < contexts_.size(); ++c) {
            batch_room[c] -= needs(*ready[i], c) ? pending(*ready[i], c) : 0;
        }
    }
    rows_left = std::min(rows_left, *std::min_element(batch_room.begin(), batch_room.end()));
    for (size_t i = 0; i < ready.size(); ++i) {
        const sequence & seq = *ready[i];
        const request & wanted = seq.wanted();
        if (!parts[i].watched) {
            others += needs(seq, 0) ? 1 : 0;
            continue;
        }
        size_t most = plain_rounds_ > 0 ? 0 : static_cast<size_t>(std::min(max_draft_, wanted.max_draft));
        most = std::min<size_t>(most, config_.context_size - seq.history().size());
        // a draft beyond the last token that may be drawn is for nothing
        const size_t useful =
            wanted.max_tokens < 0 ? most : static_cast<size_t>(wanted.max_tokens - seq.result.completion_tokens - 1);
        parts[i].useful = useful;
        if (wanted.draft != draft_auto) {
            parts[i].most = std::min({most, useful, static_cast<size_t>(wanted.draft), rows_left});
            rows_left -= parts[i].most;
            others += 1;
            continue;
        }
        // what the first rounds show is worth more than a guess
        const bool known = seq.agrees.evidence() + agrees_.evidence() >= 4 && costs_.base.any();
        candidates.push_back({seq.agrees.value(), known && seq.started ? static_cast<int>(most) : 0,
                              static_cast<int>(std::min(most, useful))});
        automatic.push_back(i);
    }
    auto chosen = choose_drafts(costs_, candidates, rows_left, others);
    if (chosen.size() == 1 && others == 0 && static_cast<size_t>(candidates[0].most) <= rows_left) {
        chosen[0] = probe_.choose(costs_, candidates[0], chosen[0]);
    }
    for (size_t i = 0; i < automatic.size(); ++i) {
        parts[automatic[i]].most = static_cast<size_t>(chosen[i]);
    }
    return parts;
}

void engine::draw(const std::vector<sequence *> & ready, std::vector<step_event> & events) {
    const bool expert_draws = std::any_of(
        ready.begin(), ready.end(), [](const sequence * seq) { return seq->wanted().mode == request_mode::expert; });
    if (contexts_.size() > 1) {
        contexts_[expert_of(0)]->sampler().set_drawing(expert_always_draws_ || expert_draws);
    }
    std::vector<part> parts = plan_round(ready);
    // a round with somebody's prompt in it says nothing of what rows cost
    learning_ = std::all_of(ready.begin(), ready.end(), [&](const sequence * seq) { return pending(*seq) == 1; });
    std::vector<row> base_rows;
    draft(parts, base_rows);
    const auto others = engine_clock::now();
    for (size_t c = antiexpert_of(0); c < contexts_.size(); ++c) {
        verify(c, base_rows);
    }
    if (learning_) {
        costs_.others.learn(base_rows.size(), ms_since(others));
    }
    if (!base_rows.empty()) {
        const auto start = engine_clock::now();
        verify(0, base_rows);
        if (learning_) {
            costs_.base.learn(base_rows.size(), ms_since(start));
        }
    }
    for (part & one : parts) {
        attempt(members_of({one.seq}), events, [&] { settle(one, events); });
    }
}

// Decodes the expert once per depth; gives every sequence that the base decodes its rows there.
void engine::draft(std::vector<part> & parts, std::vector<row> & base_rows) {
    const size_t context = expert_of(0);
    for (size_t depth = 0;; ++depth) {
        std::vector<row> rows;
        for (part & one : parts) {
            if (depth > one.drafts.size()) {
                continue;  // its drafting has ended
            }
            row at{&one, depth, -1};
            if (needs(*one.seq, 0)) {
                at.target = static_cast<int64_t>(base_rows.size());
                one.base_rows.push_back(base_rows.size());
                base_rows.push_back({&one, depth, at.target});
            }
            if (contexts_.size() > 1 && needs(*one.seq, context)) {
                rows.push_back(at);
            }
        }
        if (rows.empty()) {
            return;
        }
        const auto start = engine_clock::now();
        ensemble_sampler & sampler = contexts_[context]->sampler();
        for (size_t i = 0; i < rows.size(); ++i) {
            const part & one = *rows[i].of;
            row_settings settings;
            settings.draw = false;
            if (one.seq->wanted().mode == request_mode::expert) {
                settings = one.seq->settings(false);
            } else if (one.watched) {
                settings = one.seq->settings(false, one.drafts);
                settings.top_logprobs = -1;
                settings.keep = false;
            }
            sampler.set_row(static_cast<int32_t>(i), settings);
            sampler.set_sink(static_cast<int32_t>(i), rows[i].target);
        }
        decode(context, rows);
        for (size_t i = 0; i < rows.size(); ++i) {
            part & one = *rows[i].of;
            if (one.seq->wanted().mode == request_mode::expert) {
                one.drawn = read_allowed(context, one, i);
            }
            if (!one.watched) {
                continue;
            }
            const llama_token token = read(context, one, i).token;
            if (one.seq->grammar) {
                if (!one.grammar) {
                    one.grammar.emplace(*one.seq->grammar);
                }
                try {
                    if (token < 0 || !one.grammar->allows(one.seq->texts(), token)) {
                        continue;  // what the ensemble would draw instead is not known here
                    }
                    if (!one.seq->stops_here(token)) {
                        one.grammar->accept(one.seq->texts(), token);
                    }
                } catch (const out_of_work &) {
                    continue;
                }
            }
            one.own_draws.push_back(token);
            // a token that ends the text is drawn by the base itself, right there
            if (depth < one.most && token >= 0 && !one.seq->stops_here(token)) {
                one.drafts.push_back(token);
            }
        }
        if (learning_) {
            costs_.expert.learn(rows.size(), ms_since(start));
        }
    }
}

// One decode with all rows: a small model hands them to the base, the base draws.
void engine::verify(size_t context, const std::vector<row> & base_rows) {
    std::vector<row> rows;
    for (const row & one : base_rows) {
        if (needs(*one.of->seq, context)) {
            rows.push_back(one);
        }
    }
    if (rows.empty()) {
        return;
    }
    ensemble_sampler & sampler = contexts_[context]->sampler();
    for (size_t i = 0; i < rows.size(); ++i) {
        const part & one = *rows[i].of;
        row_settings settings;
        settings.draw = context == 0;
        if (settings.draw) {
            const std::span<const llama_token> drafted(one.drafts);
            settings = one.seq->settings(one.seq->wanted().mode == request_mode::rast, drafted.first(rows[i].depth));
        }
        sampler.set_row(static_cast<int32_t>(i), settings);
        if (context > 0) {
            sampler.set_sink(static_cast<int32_t>(i), rows[i].target);
        }
    }
    decode(context, rows);
}

// Decodes what is pending of every row: a sequence's new tokens for depth 0, the latest draft for those after it.
void engine::decode(size_t context, const std::vector<row> & rows) {
    role_context & target = *contexts_[context];
    const auto start = engine_clock::now();
    target.sampler().upload();
    batch_.clear();
    outputs_.assign(rows.size(), -1);
    for (size_t i = 0; i < rows.size(); ++i) {
        const part & one = *rows[i].of;
        const size_t slot = one.seq->slot;
        const llama_seq_id seq = caches_.id(slot, context);
        if (rows[i].depth > 0) {
            const llama_token token = one.drafts[rows[i].depth - 1];
            outputs_[i] = batch_.add(token, one.length() + static_cast<llama_pos>(rows[i].depth) - 1, seq, true);
            continue;
        }
        for (llama_pos pos = caches_.held(slot, context); pos < one.length(); ++pos) {
            outputs_[i] = batch_.add(one.seq->history()[static_cast<size_t>(pos)], pos, seq, pos == one.length() - 1);
        }
    }
    decode_batch(context, "Decoding");
    target.sampler().deliver_rows(static_cast<int32_t>(rows.size()));

    // The time a decode took belongs to every sequence in it, once.
    const double ms = ms_since(start);
    const double sampling_ms = target.sampler().take_cpu_ms();
    for (const row & one : rows) {
        sequence & seq = *one.of->seq;
        seq.result.host_bytes += target.sampler().bytes_per_row();
        role_times & times = times_of(seq, target);
        if (one.depth == 0 || context == expert_of(0)) {
            (seq.started ? times.decode_ms : times.prefill_ms) += ms;
            times.sampling_ms += seq.started ? sampling_ms : 0;
            times.decode_steps += seq.started ? 1 : 0;
        }
        if (one.depth > 0) {
            caches_.grow(seq.slot, context, 1);
            continue;
        }
        const llama_pos fresh = one.of->length() - caches_.held(seq.slot, context);
        times.prefill_tokens += seq.started ? 0 : fresh;
        caches_.grow(seq.slot, context, fresh);
    }
}

row_draw engine::read(size_t context, part & from, size_t row) {
    ensemble_sampler & sampler = contexts_[context]->sampler();
    const row_draw draw = sampler.read_row(contexts_[context]->get(), static_cast<int32_t>(row), outputs_[row]);
    request_result & result = from.seq->result;
    if (from.seq->started) {
        const double ms = sampler.take_cpu_ms();
        times_of(*from.seq, *contexts_[context]).sampling_ms += ms;
        times_of(*from.seq, *contexts_[context]).decode_ms += ms;
    }
    result.host_bytes += sampler.last_traffic().bytes;
    result.host_rows += sampler.last_traffic().host_rows;
    result.host_row_bytes += sampler.last_traffic().host_bytes;
    return draw;
}

// A draw, and once more if the text's grammar refuses it; `row_undecided` if the grammar takes longer than a step may.
row_draw engine::read_allowed(size_t context, part & from, size_t row) {
    row_draw draw = read(context, from, row);
    sequence & seq = *from.seq;
    if (!seq.grammar || draw.token < 0) {
        return draw;
    }
    try {
        if (seq.grammar->allows(seq.texts(), draw.token)) {
            return draw;
        }
    } catch (const out_of_work &) {
        // it is asked again
    }
    ensemble_sampler & sampler = contexts_[context]->sampler();
    std::vector<float> logits = sampler.fused_row(static_cast<int32_t>(row));
    seq.result.host_rows += sampler.last_traffic().host_rows;
    seq.result.host_row_bytes += sampler.last_traffic().host_bytes;
    seq.undecided_draw.emplace(sequence::undecided{
        draw, constrained_draw(std::move(logits), seq.settings(false), draw.token, seq.numbers_after_refusal()), 0});
    if (!decide(seq, draw)) {
        draw.token = row_undecided;
    }
    return draw;
}

// Takes a drawn token. @returns whether the text goes on
bool engine::take(sequence & seq, const row_draw & draw, step_event & event) {
    if (draw.token >= 0) {
        return !seq.accept(draw, config_.context_size, event);
    }
    const std::string at = " at position " + std::to_string(seq.history().size());
    event.error = draw.token == row_over_limit
                      ? request_error{"ERR_CONSTRAINT_LIMIT", "The grammar needs too much work" + at}
                  : seq.grammar && draw.refused
                      ? request_error{"ERR_GRAMMAR", "The grammar or schema allows no token of the vocabulary" + at}
                      : request_error{"ERR_DECODE", "The models gave no finite logits" + at};
    return false;
}

// Takes the drawn tokens up to the first that was not drafted.
void engine::settle(part & from, std::vector<step_event> & events) {
    sequence & seq = *from.seq;
    step_event event;
    event.request = seq.id();
    // @returns whether the next row is of use: this one's token was drafted, and the text goes on
    const auto take_at = [&](const row_draw & draw, size_t depth) {
        if (draw.token == row_undecided) {
            return false;
        }
        if (draw.token >= 0 && depth < from.own_draws.size()) {
            const bool same = from.own_draws[depth] == draw.token;
            seq.agrees.observe(same);
            agrees_.observe(same);
            seq.result.drafts.compared += 1;
            seq.result.drafts.agreed += same ? 1 : 0;
        }
        const bool accepted = depth < from.drafts.size() && from.drafts[depth] == draw.token;
        seq.result.drafts.accepted += accepted && depth < from.useful ? 1 : 0;
        return take(seq, draw, event) && accepted;
    };
    if (seq.wanted().mode == request_mode::expert) {
        take_at(from.drawn, 0);
    } else {
        seq.result.drafts.rounds += 1;
        seq.result.drafts.drafted += static_cast<int64_t>(std::min(from.drafts.size(), from.useful));
        for (size_t depth = 0; depth < from.base_rows.size(); ++depth) {
            if (!take_at(read_allowed(0, from, from.base_rows[depth]), depth)) {
                break;
            }
        }
    }
    // the last token is one that no model has decoded yet, unless the next draw is undecided
    const llama_pos decoded = from.length() - (seq.undecided_draw ? 0 : 1);
    if (!event.result && !event.error && !caches_.cut_back(seq.slot, decoded)) {
        event.error = request_error{"ERR_INTERNAL", "A cache could not be cut back to the accepted tokens"};
    }
    const bool done = event.result.has_value() || event.error.has_value();
    if (done || !event.tokens.empty()) {
        events.push_back(std::move(event));
    }
    if (done) {
        end(seq);
    }
}

}  // namespace rast
