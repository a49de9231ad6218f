#include "bare_decoder.h"

#include "../error.h"
#include "../llama/libraries.h"
#include "clock.h"

#include <algorithm>

namespace rast {

bare_decoder::bare_decoder(const role_context & of, const engine_config & engine, const cpu_threads & threads,
                           const std::atomic<bool> & stopping)
    : slots_(engine.slots),
      n_vocab_(of.n_vocab()),
      held_(engine.slots, 0),
      batch_(engine.batch_size, engine.batch_size) {
    const llama::log_capture log;
    llama_context_params params = context_params(engine, of.info().threads, stopping);
    params.n_outputs_max = engine.slots;
    ctx_.reset(llama_init_from_model(of.model().get(), params));
    if (!ctx_) {
        throw rast_error("ERR_CONTEXT_CREATE", "Could not create a second context of the " +
                                                   std::string(role_name(of.which())) + " model " + of.path() +
                                                   log.because());
    }
    if (!of.adapters().empty()) {
        of.adapters().set_on(ctx_.get());
    }
    threads.attach(ctx_.get());
}

void bare_decoder::set_threads(int32_t threads) {
    llama_set_n_threads(ctx_.get(), threads, threads);
}

std::vector<double> bare_decoder::steps(uint32_t sequences, uint32_t depth, uint32_t steps) {
    fill(sequences, depth);
    std::vector<double> out;
    for (uint32_t step = 0; step < steps; ++step) {
        batch_.clear();
        for (uint32_t seq = 0; seq < sequences; ++seq) {
            batch_.add(next_token(), static_cast<llama_pos>(held_[seq]++), static_cast<llama_seq_id>(seq), true);
        }
        const auto start = engine_clock::now();
        decode("A bare step");
        out.push_back(ms_since(start));
    }
    return out;
}

double bare_decoder::prompt(uint32_t sequences, uint32_t depth, uint32_t tokens) {
    fill(sequences, depth);
    const auto start = engine_clock::now();
    batch_.clear();
    for (uint32_t seq = 0; seq < sequences; ++seq) {
        for (uint32_t i = 0; i < tokens; ++i) {
            if (!batch_.fits(1)) {
                decode("A bare prompt");
                batch_.clear();
            }
            batch_.add(next_token(), static_cast<llama_pos>(held_[seq]++), static_cast<llama_seq_id>(seq),
                       i + 1 == tokens);
        }
    }
    decode("A bare prompt");
    return ms_since(start);
}

// Brings the first sequences to `depth` tokens; what they hold already stays.
void bare_decoder::fill(uint32_t sequences, uint32_t depth) {
    llama_memory_t memory = llama_get_memory(ctx_.get());
    for (uint32_t seq = 0; seq < slots_; ++seq) {
        const uint32_t keep = seq < sequences ? std::min(held_[seq], depth) : 0;
        if (held_[seq] > keep) {
            const auto id = static_cast<llama_seq_id>(seq);
            if (!llama_memory_seq_rm(memory, id, static_cast<llama_pos>(keep), -1)) {
                llama_memory_seq_rm(memory, id, -1, -1);  // a cache that cannot be cut back
                held_[seq] = 0;
                continue;
            }
            held_[seq] = keep;
        }
    }
    batch_.clear();
    for (uint32_t seq = 0; seq < sequences; ++seq) {
        while (held_[seq] < depth) {
            if (!batch_.fits(1)) {
                decode("Filling a bare context");
                batch_.clear();
            }
            batch_.add(next_token(), static_cast<llama_pos>(held_[seq]++), static_cast<llama_seq_id>(seq), false);
        }
    }
    if (batch_.size() > 0) {
        decode("Filling a bare context");
    }
}

void bare_decoder::decode(const char * what) {
    const int status = llama_decode(ctx_.get(), batch_.view());
    llama_synchronize(ctx_.get());
    if (status != 0) {
        llama_memory_clear(llama_get_memory(ctx_.get()), true);
        std::fill(held_.begin(), held_.end(), 0);
        throw rast_error("ERR_DECODE",
                         std::string(what) + " failed (llama_decode returned " + std::to_string(status) + ")");
    }
}

// Any token will do; the same ones every time.
llama_token bare_decoder::next_token() {
    random_ = random_ * 1664525U + 1013904223U;
    return static_cast<llama_token>((random_ >> 8) % static_cast<uint32_t>(n_vocab_));
}

}  // namespace rast
