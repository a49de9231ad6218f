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

// The sequence id of a request in a context: apart where only the expert draws.
llama_seq_id engine::id_in(const sequence & seq, size_t context) const {
    const bool apart = context > 0 && max_draft_ == 0 && seq.wanted().mode == request_mode::expert;
    return contexts_[context]->seq_of(seq.slot, apart);
}

// Whether the expert's own draws are of use: as drafts, or to see how often they agree.
bool engine::drafts(const sequence & seq) const {
    return max_draft_ > 0 && seq.wanted().mode == request_mode::rast && seq.wanted().draft != 0 &&
           needs(seq, expert_of(0));
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

}  // namespace rast
