#include "batch_decoder.h"

#include "../error.h"
#include "../rpc/traffic.h"
#include "clock.h"

#include <algorithm>

namespace rast {

namespace {

// What went over the network from its making on.
class network_watch {
  public:
    network_use since() const {
        rpc::traffic used = rpc::total_traffic();
        used -= before_;
        return {used.sent_bytes, used.received_bytes, used.answers, used.wait_ms, used.worker_ms};
    }

  private:
    rpc::traffic before_ = rpc::total_traffic();
};

void add(network_use & to, const network_use & more) {
    to.sent_bytes += more.sent_bytes;
    to.received_bytes += more.received_bytes;
    to.waits += more.waits;
    to.wait_ms += more.wait_ms;
    to.worker_ms += more.worker_ms;
}

}  // namespace

batch_decoder::batch_decoder(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                             prefill_budget & budget, thread_choice & threads)
    : config_(config),
      contexts_(contexts),
      caches_(caches),
      budget_(budget),
      threads_(threads),
      batch_(config.batch_size, config.rows),
      fresh_(config.slots, 0) {}

size_t batch_decoder::pending(const sequence & seq, size_t context) const {
    return seq.history().size() - static_cast<size_t>(caches_.held(seq.slot, context));
}

size_t batch_decoder::pending(const sequence & seq) const {
    size_t most = 0;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        most = role_contexts::uses(seq.wanted(), c) ? std::max(most, pending(seq, c)) : most;
    }
    return most;
}

void batch_decoder::prefill(sequence & seq, size_t count, const std::atomic<bool> & stopping) {
    const auto start = engine_clock::now();
    size_t most = 0;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        const size_t lacking = role_contexts::uses(seq.wanted(), c) ? pending(seq, c) - 1 : 0;
        const size_t n = std::min<size_t>({count, lacking, config_.batch_size});
        if (n > 0 && !stopping) {
            prefill_in(c, seq, n);
            most = std::max(most, n);
        }
    }
    budget_.observe(most, ms_since(start));
}

void batch_decoder::prefill_for_single_tokens(sequence & seq, bool alone, const std::atomic<bool> & stopping) {
    if (alone && seq.started) {
        return;
    }
    for (size_t c = 0; c < contexts_.size(); ++c) {
        if (!contexts_[c].memory().one_token_each() || !role_contexts::uses(seq.wanted(), c)) {
            continue;
        }
        while (pending(seq, c) > 1 && !stopping) {
            prefill_in(c, seq, std::min<size_t>(pending(seq, c) - 1, config_.batch_size));
        }
    }
}

void batch_decoder::prefill_in(size_t context, sequence & seq, size_t count) {
    const auto start = engine_clock::now();
    const network_watch network;
    const llama_pos from = caches_.held(seq.slot, context);
    batch_.clear();
    for (size_t i = 0; i < count; ++i) {
        const llama_pos pos = from + static_cast<llama_pos>(i);
        batch_.add(contexts_[context].tokens().fed(seq.history()[static_cast<size_t>(pos)]), pos,
                   caches_.id(seq.slot, context), false);
    }
    decode(context, "Prefill");
    caches_.grow(seq.slot, context, static_cast<llama_pos>(count));
    role_times & times = seq.times(contexts_[context].which());
    times.prefill_ms += ms_since(start);
    times.prefill_tokens += static_cast<int64_t>(count);
    add(seq.result.prompt_network, network.since());
}

void batch_decoder::decode(size_t context, const char * what) {
    role_context & target = contexts_[context];
    const int status = target.decode(batch_.view());
    if (status == 1) {
        throw no_room{};
    }
    if (status != 0) {
        throw rast_error("ERR_DECODE", std::string(what) + " failed in the " + role_name(target.which()) +
                                           " model (llama_decode returned " + std::to_string(status) + ")");
    }
}

void batch_decoder::decode_rows(size_t context, std::span<const logits_row> rows) {
    ensemble_sampler & sampler = contexts_[context].sampler();
    const auto start = engine_clock::now();
    const network_watch network;
    sampler.upload();
    batch_.clear();
    outputs_.assign(rows.size(), -1);
    const auto fed = [&](llama_token token) { return contexts_[context].tokens().fed(token); };
    for (size_t i = 0; i < rows.size(); ++i) {
        const participant & one = *rows[i].of;
        const size_t slot = one.seq->slot;
        const llama_seq_id seq = caches_.id(slot, context);
        if (rows[i].depth > 0) {
            const llama_token draft = fed(one.drafts[rows[i].depth - 1]);
            outputs_[i] = batch_.add(draft, one.length() + static_cast<llama_pos>(rows[i].depth) - 1, seq, true);
            continue;
        }
        for (llama_pos pos = caches_.held(slot, context); pos < one.length(); ++pos) {
            outputs_[i] =
                batch_.add(fed(one.seq->history()[static_cast<size_t>(pos)]), pos, seq, pos == one.length() - 1);
        }
    }
    decode(context, "Decoding");
    sampler.deliver_rows(static_cast<int32_t>(rows.size()));
    const double ms = ms_since(start);
    if (static_cast<size_t>(batch_.view().n_tokens) == rows.size()) {  // no prompt is in it
        threads_.took(context, rows.size(), ms);
    }
    count_rows(context, rows, ms, network.since());
}

// The time a decode took belongs to every request in it, once.
void batch_decoder::count_rows(size_t context, std::span<const logits_row> rows, double ms,
                               const network_use & network) {
    role_context & target = contexts_[context];
    const double sampling_ms = target.sampler().take_cpu_ms();
    std::fill(fresh_.begin(), fresh_.end(), 0);
    for (const logits_row & one : rows) {
        sequence & seq = *one.of->seq;
        seq.result.threads = threads_.current();
        seq.result.host_bytes += target.sampler().bytes_per_row();
        role_times & times = seq.times(target.which());
        if (fresh_[seq.slot] == 0) {  // its first row
            (seq.started ? times.decode_ms : times.prefill_ms) += ms;
            times.sampling_ms += seq.started ? sampling_ms : 0;
            times.decode_steps += seq.started ? 1 : 0;
            add(seq.started ? seq.result.network : seq.result.prompt_network, network);
        }
        const llama_pos fresh = one.depth > 0 ? 1 : one.of->length() - caches_.held(seq.slot, context);
        times.prefill_tokens += one.depth == 0 && !seq.started ? fresh : 0;
        fresh_[seq.slot] += fresh;
    }
    for (size_t slot = 0; slot < fresh_.size(); ++slot) {
        if (fresh_[slot] > 0) {
            caches_.grow(slot, context, fresh_[slot]);
        }
    }
}

}  // namespace rast
