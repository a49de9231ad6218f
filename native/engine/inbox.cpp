#include "inbox.h"

#include "../error.h"
#include "role_contexts.h"

#include <algorithm>
#include <future>

namespace rast {

namespace {

rast_error disposed() {
    return {"ERR_DISPOSED", "The engine is not loaded, or disposed of"};
}

[[noreturn]] void refuse(const std::string & code, const std::string & what) {
    throw rast_error(code, what);
}

void require_in_vocabulary(const std::vector<llama_token> & tokens, const char * what, int32_t n_vocab) {
    for (const llama_token token : tokens) {
        if (token < 0 || token >= n_vocab) {
            refuse("ERR_INVALID_ARGUMENT", std::string(what) + " holds token " + std::to_string(token) +
                                               ", outside the vocabulary of " + std::to_string(n_vocab));
        }
    }
}

}  // namespace

struct inbox::task {
    std::function<void()> work;
    std::promise<void> done;
};

inbox::inbox(const engine_config & config) : config_(config) {}

void inbox::open(admission_limits limits) {
    const std::lock_guard lock(mutex_);
    limits_ = std::move(limits);
    open_ = true;
}

void inbox::close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
}

void inbox::require_open() const {
    if (stopping_ || !open_) {
        throw disposed();
    }
}

// Tokens that models are given, whoever draws them.
void inbox::check_given(const request & wanted, const std::vector<llama_token> & given, const char * what) const {
    require_in_vocabulary(given, what, limits_.vocabulary_sizes[role_contexts::base_index]);
    for (size_t index = 0; index < limits_.vocabulary_sizes.size(); ++index) {
        const int32_t width = limits_.vocabulary_sizes[index];
        const token_map & tokens = limits_.tokens[index];
        const auto outside =
            std::find_if(given.begin(), given.end(), [&](llama_token token) { return tokens.fed(token) >= width; });
        if (role_contexts::uses(wanted, index) && outside != given.end()) {
            refuse("ERR_INVALID_ARGUMENT", std::string(what) + " holds token " + std::to_string(*outside) +
                                               ", outside the vocabulary of " + std::to_string(width) +
                                               " of a model that it is for");
        }
    }
}

// What is given is as long as what could be drawn, and nothing is drawn beside it.
void inbox::check_completion(const request & wanted) const {
    if (wanted.figures >= 0 && wanted.mode == request_mode::expert) {
        refuse("ERR_INVALID_ARGUMENT", "The expert alone gives no figures: they are of the base's rows");
    }
    if (wanted.given.empty()) {
        return;
    }
    if (wanted.mode == request_mode::expert || wanted.grammar || wanted.reasoning) {
        refuse("ERR_INVALID_ARGUMENT",
               "A completion that is given has no grammar, no reasoning and not the mode \"expert\"");
    }
    if (wanted.given.size() > size_t{config_.context_size} + 1 - wanted.prompt.size()) {
        refuse("ERR_PROMPT_TOO_LONG", "Prompt and completion have " +
                                          std::to_string(wanted.prompt.size() + wanted.given.size()) +
                                          " tokens, the context holds " + std::to_string(config_.context_size));
    }
    check_given(wanted, wanted.given, "The completion");
}

void inbox::check(const request & wanted) const {
    const int32_t n_vocab = limits_.vocabulary_sizes[role_contexts::base_index];
    if (wanted.prompt.empty()) {
        refuse("ERR_EMPTY_PROMPT", "The prompt holds no tokens");
    }
    if (wanted.prompt.size() > config_.context_size) {
        refuse("ERR_PROMPT_TOO_LONG", "The prompt has " + std::to_string(wanted.prompt.size()) +
                                          " tokens, the context holds " + std::to_string(config_.context_size));
    }
    check_given(wanted, wanted.prompt, "The prompt");
    check_completion(wanted);
    if (wanted.reasoning) {
        for (const auto * tokens :
             {&wanted.reasoning->opening, &wanted.reasoning->ending, &wanted.reasoning->separator}) {
            check_given(wanted, *tokens, "What is put around reasoning");
        }
    }
    require_in_vocabulary(wanted.stop_tokens, "The list of stop tokens", n_vocab);
    for (const auto & bias : wanted.sampling.bias) {
        if (bias.token < 0 || bias.token >= n_vocab) {
            refuse("ERR_INVALID_ARGUMENT", "Logit bias names token " + std::to_string(bias.token) +
                                               ", outside the vocabulary of " + std::to_string(n_vocab));
        }
    }
    if (wanted.draft > limits_.max_draft) {
        refuse("ERR_INVALID_ARGUMENT", "Drafts of " + std::to_string(wanted.draft) +
                                           " tokens are asked for, the engine was loaded for " +
                                           std::to_string(limits_.max_draft));
    }
    if (wanted.mode != request_mode::base && config_.pairs.empty()) {
        refuse("ERR_INVALID_ARGUMENT", "Without expert and antiexpert only mode \"base\" can run");
    }
}

void inbox::submit(uint32_t id, request && wanted) {
    {
        const std::lock_guard lock(mutex_);
        require_open();
        check(wanted);
        if (unfinished_.size() >= config_.slots + config_.max_queue) {
            refuse("ERR_QUEUE_FULL", std::to_string(config_.slots) + " requests run and " +
                                         std::to_string(config_.max_queue) + " wait: no more are taken in");
        }
        if (!unfinished_.insert(id).second) {
            refuse("ERR_INVALID_ARGUMENT", "There is a request " + std::to_string(id) + " already");
        }
        std::erase_if(wanted.stop_strings, [](const std::string & stop) { return stop.empty(); });
        try {
            requests_.push_back({id, std::move(wanted), engine_clock::now()});
        } catch (...) {
            unfinished_.erase(id);
            throw;
        }
    }
    wake_.notify_all();
}

void inbox::cancel(uint32_t id) {
    {
        const std::lock_guard lock(mutex_);
        cancelled_.push_back(id);
    }
    wake_.notify_all();
}

void inbox::perform(std::function<void()> work) {
    const auto one = std::make_shared<task>();
    one->work = std::move(work);
    auto done = one->done.get_future();
    {
        const std::lock_guard lock(mutex_);
        require_open();
        tasks_.push_back(one);
    }
    wake_.notify_all();
    done.get();
}

void inbox::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
}

void inbox::wait(bool at_work) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock,
               [&] { return at_work || stopping_ || !requests_.empty() || !cancelled_.empty() || !tasks_.empty(); });
}

inbox::delivery inbox::take() {
    const std::lock_guard lock(mutex_);
    delivery out;
    out.requests.swap(requests_);
    out.cancelled.swap(cancelled_);
    return out;
}

void inbox::run_tasks() {
    std::deque<std::shared_ptr<task>> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(tasks_);
    }
    for (const auto & one : tasks) {
        try {
            if (stopping_) {
                throw disposed();
            }
            one->work();
            one->done.set_value();
        } catch (...) {
            // a decode that the stop cut short fails like any other
            one->done.set_exception(stopping_ ? std::make_exception_ptr(disposed()) : std::current_exception());
        }
    }
}

void inbox::forget_ended(const std::vector<step_event> & events) {
    const std::lock_guard lock(mutex_);
    for (const auto & event : events) {
        if (event.result || event.error) {
            unfinished_.erase(event.request);
        }
    }
}

void inbox::end_lost(const lost_requests & why, std::vector<step_event> & events) {
    const std::lock_guard lock(mutex_);
    for (const uint32_t id : unfinished_) {
        const bool waits =
            std::any_of(requests_.begin(), requests_.end(), [&](const auto & one) { return one.id == id; });
        const bool has_end = std::any_of(events.begin(), events.end(), [&](const step_event & event) {
            return event.request == id && (event.result || event.error);
        });
        if (!waits && !has_end) {
            events.push_back({id, {}, "", {}, std::nullopt, request_error{why.code, why.message}});
        }
    }
}

}  // namespace rast
