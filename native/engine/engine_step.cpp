#include "engine.h"
#include "error.h"

#include <algorithm>

namespace rast {

namespace {

double ms_since(engine_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(engine_clock::now() - start).count();
}

role_times & times_of(sequence & seq, const role_context & context) {
    return seq.result.roles[static_cast<size_t>(context.which())];
}

}  // namespace

// Whether the request uses context c at all.
bool engine::needs(const sequence & seq, size_t context) const {
    const request & wanted = seq.wanted();
    if (context == 0) {
        return wanted.mode != request_mode::expert;
    }
    const size_t pair = (context - 1) / 2;
    if (wanted.mode == request_mode::expert) {
        return context == expert_of(0);
    }
    return wanted.mode == request_mode::rast && wanted.sampling.lambda[pair] != 0.0F;
}

// The sequence id of a request in a context: apart where the expert draws.
llama_seq_id engine::id_in(const sequence & seq, size_t context) const {
    return contexts_[context]->seq_of(seq.slot, context > 0 && seq.wanted().mode == request_mode::expert);
}

void engine::step(std::vector<step_event> & events) {
    // Sequences whose remaining tokens fit in one batch with the others' are drawn; the rest get a chunk of prefill.
    std::vector<size_t> room(contexts_.size(), config_.batch_size);
    std::vector<sequence *> ready;
    std::vector<sequence *> behind;
    for (const auto & seq : slots_) {
        if (!seq) {
            continue;
        }
        bool fits = true;
        for (size_t c = 0; c < contexts_.size(); ++c) {
            fits = fits && (!needs(*seq, c) || seq->history().size() - static_cast<size_t>(seq->n_past[c]) <= room[c]);
        }
        if (!fits) {
            behind.push_back(seq.get());
            continue;
        }
        for (size_t c = 0; c < contexts_.size(); ++c) {
            if (needs(*seq, c)) {
                room[c] -= seq->history().size() - static_cast<size_t>(seq->n_past[c]);
            }
        }
        ready.push_back(seq.get());
    }
    if (!behind.empty()) {
        prefill(*behind.front());
    }
    if (!ready.empty() && !stopping_) {
        draw(ready, events);
    }
}

// One chunk in every context that lacks more than one batch.
void engine::prefill(sequence & seq) {
    for (size_t c = 0; c < contexts_.size(); ++c) {
        const size_t pending = seq.history().size() - static_cast<size_t>(seq.n_past[c]);
        if (needs(seq, c) && pending > config_.batch_size && !stopping_) {
            decode_chunk(c, seq, config_.batch_size);
        }
    }
}

void engine::decode_chunk(size_t context, sequence & seq, size_t count) {
    role_context & target = *contexts_[context];
    const auto start = engine_clock::now();
    batch_.clear();
    for (size_t i = 0; i < count; ++i) {
        const llama_pos pos = seq.n_past[context] + static_cast<llama_pos>(i);
        batch_.add(seq.history()[static_cast<size_t>(pos)], pos, id_in(seq, context), false);
    }
    if (const int status = llama_decode(target.get(), batch_.view()); status != 0) {
        throw rast_error("ERR_DECODE", "Prefill failed in the " + std::string(role_name(target.which())) +
                                           " model (llama_decode returned " + std::to_string(status) + ")");
    }
    llama_synchronize(target.get());
    seq.n_past[context] += static_cast<llama_pos>(count);
    role_times & times = times_of(seq, target);
    times.prefill_ms += ms_since(start);
    times.prefill_tokens += static_cast<int64_t>(count);
}

// Which sequence has which row in which context, and the settings of every row.
void engine::prepare_rows(const std::vector<sequence *> & ready, std::vector<std::vector<sequence *>> & rows) {
    rows.assign(contexts_.size(), {});
    for (size_t c = 0; c < contexts_.size(); ++c) {
        for (sequence * seq : ready) {
            if (needs(*seq, c)) {
                rows[c].push_back(seq);
            }
        }
    }
    for (size_t c = 0; c < contexts_.size(); ++c) {
        ensemble_sampler & sampler = contexts_[c]->sampler();
        for (size_t i = 0; i < rows[c].size(); ++i) {
            sequence & seq = *rows[c][i];
            const auto row = static_cast<int32_t>(i);
            const bool drawn_here = (c == 0) == (seq.wanted().mode != request_mode::expert);
            row_settings settings;
            settings.draw = false;
            if (drawn_here) {
                settings = seq.settings(seq.wanted().mode == request_mode::rast);
            }
            sampler.set_row(row, settings);
            if (c > 0) {
                const auto at = std::find(rows[0].begin(), rows[0].end(), &seq);
                sampler.set_tap(row, at == rows[0].end() ? -1 : static_cast<int32_t>(at - rows[0].begin()));
            }
        }
        if (!rows[c].empty()) {
            sampler.upload();
        }
    }
}

// Starts the decode of everything pending of these sequences, one output each.
void engine::decode(size_t context, const std::vector<sequence *> & rows) {
    role_context & target = *contexts_[context];
    batch_.clear();
    for (size_t i = 0; i < rows.size(); ++i) {
        sequence & seq = *rows[i];
        const auto end = static_cast<llama_pos>(seq.history().size());
        for (llama_pos pos = seq.n_past[context]; pos < end; ++pos) {
            outputs_[i] = batch_.add(seq.history()[static_cast<size_t>(pos)], pos, id_in(seq, context), pos == end - 1);
        }
    }
    if (const int status = llama_decode(target.get(), batch_.view()); status != 0) {
        throw rast_error("ERR_DECODE", "Decoding failed in the " + std::string(role_name(target.which())) +
                                           " model (llama_decode returned " + std::to_string(status) + ")");
    }
}

void engine::draw(const std::vector<sequence *> & ready, std::vector<step_event> & events) {
    std::vector<std::vector<sequence *>> rows;
    const bool expert_draws = std::any_of(
        ready.begin(), ready.end(), [](const sequence * seq) { return seq->wanted().mode == request_mode::expert; });
    if (contexts_.size() > 1) {
        contexts_[expert_of(0)]->sampler().set_drawing(expert_draws);
    }
    prepare_rows(ready, rows);

    // The time a decode took belongs to every sequence in it.
    const auto account = [&](size_t c, engine_clock::time_point start) {
        const double ms = ms_since(start);
        for (sequence * seq : rows[c]) {
            role_times & times = times_of(*seq, *contexts_[c]);
            const auto pending = static_cast<int64_t>(seq->history().size()) - seq->n_past[c];
            if (seq->started) {
                times.decode_ms += ms;
                times.decode_steps += 1;
            } else {
                times.prefill_ms += ms;
                times.prefill_tokens += pending;
            }
            seq->n_past[c] = static_cast<llama_pos>(seq->history().size());
        }
    };
    struct drawn {
        sequence * seq;
        row_draw draw;
    };
    std::vector<drawn> results;
    const auto read = [&](size_t c, request_mode mode_apart) {
        ensemble_sampler & sampler = contexts_[c]->sampler();
        for (size_t i = 0; i < rows[c].size(); ++i) {
            sequence & seq = *rows[c][i];
            if ((seq.wanted().mode == request_mode::expert) != (mode_apart == request_mode::expert)) {
                continue;
            }
            results.push_back({&seq, sampler.read_row(contexts_[c]->get(), static_cast<int32_t>(i), outputs_[i])});
            seq.result.host_bytes += sampler.last_traffic().bytes;
            seq.result.host_rows += sampler.last_traffic().host_rows;
            seq.result.host_row_bytes += sampler.last_traffic().host_bytes;
        }
    };

    for (size_t c = 1; c < contexts_.size(); ++c) {
        if (rows[c].empty()) {
            continue;
        }
        const auto start = engine_clock::now();
        decode(c, rows[c]);
        llama_synchronize(contexts_[c]->get());
        contexts_[c]->sampler().deliver_taps(static_cast<int32_t>(rows[c].size()));
        if (c == expert_of(0) && expert_draws) {
            read(c, request_mode::expert);
        }
        account(c, start);
    }
    if (!rows[0].empty()) {
        const auto start = engine_clock::now();
        decode(0, rows[0]);
        llama_synchronize(contexts_[0]->get());
        read(0, request_mode::rast);
        account(0, start);
    }

    for (const drawn & result : results) {
        sequence & seq = *result.seq;
        step_event event;
        event.request = seq.id();
        if (result.draw.token < 0) {
            event.error = request_error{
                "ERR_DECODE", "The models gave no finite logits at position " + std::to_string(seq.history().size())};
        } else {
            seq.accept(result.draw, config_.context_size, event);
        }
        const bool done = event.result.has_value() || event.error.has_value();
        events.push_back(std::move(event));
        if (done) {
            end(seq);
        }
    }
}

}  // namespace rast
