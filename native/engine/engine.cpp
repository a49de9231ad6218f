#include "engine.h"

#include "error.h"

#include <algorithm>

namespace rast {

engine::engine(engine_config config, engine_callbacks callbacks)
    : config_(fitted(std::move(config))),
      callbacks_(std::move(callbacks)),
      slots_(config_.slots),
      caches_(contexts_, config_.slots),
      most_at_once_(config_.slots),
      batch_(config_.batch_size, config_.rows),
      costs_{row_costs(config_.rows), row_costs(config_.rows), row_costs(config_.rows)} {
    const auto refuse = [](const std::string & what) { throw rast_error("ERR_INVALID_ARGUMENT", what); };
    if (config_.pairs.size() > max_pairs) {
        refuse("At most 3 pairs of expert and antiexpert");
    }
    if (config_.slots < 1 || config_.slots > 64) {
        refuse("Expected 1 to 64 slots");
    }
    if (config_.cache_size != 0 && config_.cache_size < config_.context_size) {
        refuse("Expected the cache to hold the context of one sequence at least");
    }
    if (config_.context_size < 1) {
        refuse("Expected a context of at least 1 token");
    }
}

engine::~engine() {
    stop();
    join();
}

void engine::start() {
    thread_ = std::thread([this] { run(); });
}

void engine::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void engine::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
}

shared_model engine::base_model() const {
    const std::lock_guard lock(mutex_);
    return base_model_;
}

void engine::submit(uint32_t id, request && wanted) {
    const auto refuse = [](const std::string & code, const std::string & what) { throw rast_error(code, what); };
    const std::lock_guard lock(mutex_);
    if (stopping_ || !loaded_) {
        refuse("ERR_DISPOSED", "The engine is not loaded, or disposed of");
    }
    const auto in_vocabulary = [&](llama_token token) { return token >= 0 && token < n_vocab_; };
    const auto check = [&](const std::vector<llama_token> & tokens, const char * what) {
        for (const llama_token token : tokens) {
            if (!in_vocabulary(token)) {
                refuse("ERR_INVALID_ARGUMENT", std::string(what) + " holds token " + std::to_string(token) +
                                                   ", outside the vocabulary of " + std::to_string(n_vocab_));
            }
        }
    };
    if (wanted.prompt.empty()) {
        refuse("ERR_EMPTY_PROMPT", "The prompt holds no tokens");
    }
    if (wanted.prompt.size() > config_.context_size) {
        refuse("ERR_PROMPT_TOO_LONG", "The prompt has " + std::to_string(wanted.prompt.size()) +
                                          " tokens, the context holds " + std::to_string(config_.context_size));
    }
    check(wanted.prompt, "The prompt");
    for (size_t c = 1; c < widths_.size(); ++c) {
        const llama_token most = *std::max_element(wanted.prompt.begin(), wanted.prompt.end());
        if (uses(wanted, c) && most >= widths_[c]) {
            refuse("ERR_INVALID_ARGUMENT", "The prompt holds token " + std::to_string(most) +
                                               ", outside the vocabulary of " + std::to_string(widths_[c]) +
                                               " of a model that it is for");
        }
    }
    check(wanted.stop_tokens, "The list of stop tokens");
    for (const auto & bias : wanted.sampling.bias) {
        if (!in_vocabulary(bias.token)) {
            refuse("ERR_INVALID_ARGUMENT", "Logit bias names token " + std::to_string(bias.token) +
                                               ", outside the vocabulary of " + std::to_string(n_vocab_));
        }
    }
    if (wanted.draft > config_.max_draft) {
        refuse("ERR_INVALID_ARGUMENT", "Drafts of " + std::to_string(wanted.draft) +
                                           " tokens are asked for, the engine was loaded for " +
                                           std::to_string(config_.max_draft));
    }
    if (unfinished_.size() >= config_.slots + config_.max_queue) {
        refuse("ERR_QUEUE_FULL", std::to_string(config_.slots) + " requests run and " +
                                     std::to_string(config_.max_queue) + " wait: no more are taken in");
    }
    std::erase_if(wanted.stop_strings, [](const std::string & stop) { return stop.empty(); });
    if (wanted.mode != request_mode::base && config_.pairs.empty()) {
        refuse("ERR_INVALID_ARGUMENT", "Without expert and antiexpert only mode \"base\" can run");
    }
    if (!unfinished_.insert(id).second) {
        refuse("ERR_INVALID_ARGUMENT", "There is a request " + std::to_string(id) + " already");
    }
    inbox_.push_back({id, std::move(wanted), engine_clock::now()});
    wake_.notify_all();
}

void engine::cancel(uint32_t id) {
    {
        const std::lock_guard lock(mutex_);
        cancelled_.push_back(id);
    }
    wake_.notify_all();
}

void engine::run() {
    bool ready = false;
    try {
        load();
        ready = true;
    } catch (const rast_error & error) {
        if (!stopping_ || error.code() == "ERR_LOAD_ABORTED") {
            callbacks_.on_load_failed(error);
        } else {
            callbacks_.on_load_failed(rast_error("ERR_LOAD_ABORTED", "Loading was aborted"));
        }
    } catch (const std::bad_alloc &) {
        callbacks_.on_load_failed(rast_error("ERR_INSUFFICIENT_MEMORY", "Not enough memory to load the models"));
    } catch (const std::exception & error) {
        callbacks_.on_load_failed(rast_error("ERR_INTERNAL", error.what()));
    }
    if (ready) {
        serve();
    }
    free_all();
    callbacks_.on_stopped();
}

void engine::serve() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] {
                const bool live =
                    std::any_of(slots_.begin(), slots_.end(), [](const auto & s) { return s != nullptr; });
                return stopping_ || live || !inbox_.empty() || !waiting_.empty() || !cancelled_.empty() ||
                       !tasks_.empty();
            });
        }
        std::vector<step_event> events;
        take_in(events);
        run_tasks();
        if (!stopping_) {
            try {
                step(events);
            } catch (const rast_error & error) {
                fail_all(error.code(), error.what(), events);
            } catch (const std::bad_alloc &) {
                fail_all("ERR_INSUFFICIENT_MEMORY", "Not enough memory for the next step", events);
            } catch (const std::exception & error) {
                fail_all("ERR_INTERNAL", error.what(), events);
            }
        }
        const bool stopping = stopping_;
        if (stopping) {
            take_in(events);
            const auto abort = [&](std::unique_ptr<sequence> & seq) {
                if (seq) {
                    events.push_back({seq->id(), {}, "", {}, std::nullopt, std::nullopt});
                    seq->finish(stop_reason::abort, events.back());
                    seq.reset();
                }
            };
            std::for_each(slots_.begin(), slots_.end(), abort);
            std::for_each(waiting_.begin(), waiting_.end(), abort);
            waiting_.clear();
        }
        if (!events.empty()) {
            {
                const std::lock_guard lock(mutex_);
                for (const auto & event : events) {
                    if (event.result || event.error) {
                        unfinished_.erase(event.request);
                    }
                }
            }
            callbacks_.on_steps(std::move(events));
        }
        if (stopping) {
            run_tasks();  // those that came meanwhile: refused
            return;
        }
    }
}

// New and cancelled requests, and free slots for those that wait.
void engine::take_in(std::vector<step_event> & events) {
    std::deque<submission> arrived;
    std::vector<uint32_t> cancelled;
    {
        const std::lock_guard lock(mutex_);
        arrived.swap(inbox_);
        cancelled.swap(cancelled_);
    }
    for (auto & submission : arrived) {
        try {
            waiting_.push_back(std::make_unique<sequence>(submission.id, std::move(submission.wanted), submission.at,
                                                          contexts_[0]->vocab()));
        } catch (const rast_error & error) {
            events.push_back({submission.id, {}, "", {}, std::nullopt, request_error{error.code(), error.what()}});
        }
    }
    const auto is_cancelled = [&](const std::unique_ptr<sequence> & seq) {
        return seq && std::find(cancelled.begin(), cancelled.end(), seq->id()) != cancelled.end();
    };
    const auto abort = [&](sequence & seq) {
        events.push_back({seq.id(), {}, "", {}, std::nullopt, std::nullopt});
        seq.finish(stop_reason::abort, events.back());
    };
    for (auto & seq : slots_) {
        if (is_cancelled(seq)) {
            abort(*seq);
            end(*seq);
        }
    }
    for (auto & seq : waiting_) {
        if (is_cancelled(seq)) {
            abort(*seq);
            seq.reset();
        }
    }
    std::erase(waiting_, nullptr);
    admit();
}

void engine::end(sequence & seq) {
    const size_t slot = seq.slot;
    caches_.retire(slot);
    slots_[slot].reset();
    most_at_once_ = std::min(slots_.size(), most_at_once_ + 1);
}

engine::members engine::members_of(const std::vector<sequence *> & group) {
    members out;
    for (const sequence * seq : group) {
        out.emplace_back(seq->slot, seq->id());
    }
    return out;
}

// Ends those of them that are still at work. After a decode that failed their caches are not what they should be.
void engine::fail(const members & whom, const std::string & code, const std::string & message,
                  std::vector<step_event> & events) {
    if (stopping_) {
        return;  // the abort callback ended the decode: requests end with "abort"
    }
    for (const auto & [slot, id] : whom) {
        if (slots_[slot] && slots_[slot]->id() == id) {
            events.push_back({id, {}, "", {}, std::nullopt, request_error{code, message}});
            caches_.forget(slot);
            slots_[slot].reset();
            most_at_once_ = std::min(slots_.size(), most_at_once_ + 1);
        }
    }
}

void engine::fail_all(const std::string & code, const std::string & message, std::vector<step_event> & events) {
    members everybody;
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot]) {
            everybody.emplace_back(slot, slots_[slot]->id());
        }
    }
    fail(everybody, code, message, events);
    if (!stopping_) {
        caches_.forget_all();
    }
}

void engine::free_all() {
    {
        const std::lock_guard lock(mutex_);
        loaded_ = false;
        base_model_.reset();
    }
    slots_.clear();
    waiting_.clear();
    bare_.clear();
    contexts_.clear();
    threads_.reset();
}

}  // namespace rast
