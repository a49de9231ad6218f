#include "engine.h"

#include "../threads/processor_time.h"
#include "clock.h"

#include <algorithm>
#include <chrono>
#include <new>

#ifdef __GLIBC__
#    include <malloc.h>
#endif

namespace rast {

namespace {

constexpr const char * no_memory_for_step = "Not enough memory for the next step";

// What others must be told: tried again until there is the memory for it.
template <class Work>
void once_there_is_memory(const Work & work) {
    for (;;) {
        try {
            work();
            return;
        } catch (const std::bad_alloc &) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
}

// Models leave holes in the heap of every thread, which glibc would keep: an app that loads again and again would grow.
void return_free_memory() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

double now_ms() {
    return ms_since(engine_clock::time_point());
}

engine_config checked(engine_config config) {
    config = fitted(std::move(config));
    require_valid(config);
    return config;
}

}  // namespace

engine::engine(engine_config config, engine_callbacks callbacks)
    : config_(checked(std::move(config))),
      callbacks_(std::move(callbacks)),
      inbox_(config_),
      contexts_(config_, inbox_.stopping()),
      caches_(contexts_, config_.slots),
      budget_(config_),
      threads_(contexts_.most_threads(), config_.adapt_threads, {given_processor_ms, idle_processor_ms}),
      decoder_(config_, contexts_, caches_, budget_, threads_),
      planner_(config_),
      reader_(contexts_, decoder_),
      scheduler_(config_, contexts_, caches_, decoder_, planner_, budget_, inbox_),
      round_(config_, contexts_, caches_, decoder_, reader_, planner_, scheduler_),
      states_(config_, contexts_, caches_, decoder_, inbox_),
      baseline_(config_, contexts_, inbox_) {}

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

shared_model engine::base_model() const {
    const std::lock_guard lock(mutex_);
    return base_model_;
}

void engine::run() {
    if (load_reporting()) {
        serve();
    }
    release();
    once_there_is_memory([&] { callbacks_.on_stopped(); });
}

// ---- loading

// @returns whether requests may come
bool engine::load_reporting() {
    const auto failed = [&](const char * code, const char * message) {
        once_there_is_memory([&] { callbacks_.on_load_failed(rast_error(code, message)); });
    };
    try {
        load();
        return true;
    } catch (const rast_error & error) {
        if (!inbox_.stopping() || error.code() == "ERR_LOAD_ABORTED") {
            once_there_is_memory([&] { callbacks_.on_load_failed(error); });
        } else {
            failed("ERR_LOAD_ABORTED", "Loading was aborted");
        }
    } catch (const std::bad_alloc &) {
        failed("ERR_INSUFFICIENT_MEMORY", "Not enough memory to load the models");
    } catch (const std::exception & error) {
        failed("ERR_INTERNAL", error.what());
    }
    return false;
}

void engine::load() {
    const auto start = engine_clock::now();
    threads_.rest(now_ms());
    contexts_.load(callbacks_.on_progress);
    contexts_.create();
    planner_.decide(contexts_);
    contexts_.let_drafter_draw(planner_.max_draft() > 0);
    caches_.reset(config_.reuse_prefixes && contexts_.without_cut_back() == nullptr, config_.context_size);
    planner_.calibrate(contexts_, decoder_.scratch_batch(), inbox_.stopping());
    load_ms_ = ms_since(start);

    const engine_info info = describe_loaded();
    admission_limits limits;
    for (size_t c = 0; c < contexts_.size(); ++c) {
        limits.vocabulary_sizes.push_back(contexts_[c].n_vocab());
        limits.tokens.push_back(contexts_[c].tokens());
    }
    limits.max_draft = planner_.max_draft();
    {
        const std::lock_guard lock(mutex_);
        base_model_ = contexts_.base().model();
    }
    inbox_.open(std::move(limits));
    callbacks_.on_loaded(info);
}

engine_info engine::describe_loaded() const {
    const role_context & base = contexts_.base();
    const drawable_tokens & drawable = contexts_.drawable();
    const auto info_of = [&](role which, size_t pair) {
        return contexts_[role_contexts::index_of({which, pair})].info();
    };
    engine_info info;
    info.base = base.info();
    for (size_t pair = 0; pair < config_.pairs.size(); ++pair) {
        info.pairs.push_back({info_of(role::expert, pair), info_of(role::antiexpert, pair)});
    }
    info.host_path = base.sampler().on_host_path();
    info.sampler_reason = base.sampler().reason();
    info.max_draft = planner_.max_draft();
    info.draft_reason = planner_.reason();
    info.costs_remembered = planner_.costs_remembered();
    info.learned = planner_.learned();
    info.context_size = config_.context_size;
    info.n_vocab = base.n_vocab();
    info.n_drawable = drawable.n_drawable - static_cast<int32_t>(drawable.masked.size());
    info.bos = llama_vocab_bos(base.vocab());
    info.eos = llama_vocab_eos(base.vocab());
    info.add_bos = llama_vocab_get_add_bos(base.vocab());
    if (const char * text = llama_model_chat_template(base.model().get(), nullptr)) {
        info.chat_template = text;
    }
    info.load_ms = load_ms_;
    return info;
}

void engine::release() {
    inbox_.close();
    {
        const std::lock_guard lock(mutex_);
        base_model_.reset();
    }
    baseline_.release();
    contexts_.release();
    return_free_memory();
}

// ---- serving

void engine::serve() {
    for (;;) {
        if (!scheduler_.any()) {
            threads_.rest(now_ms());
        }
        inbox_.wait(scheduler_.any());
        std::vector<step_event> events;
        bool stopping = false;
        try {
            scheduler_.take_in(inbox_.take(), events);
            inbox_.run_tasks();
            if (!inbox_.stopping()) {
                step_reporting(events);
            }
            stopping = inbox_.stopping();
            if (stopping) {
                scheduler_.take_in(inbox_.take(), events);
                scheduler_.abort_all(events);
            }
        } catch (const std::bad_alloc &) {
            lose_all({"ERR_INSUFFICIENT_MEMORY", no_memory_for_step});
        } catch (const std::exception &) {
            lose_all({"ERR_INTERNAL", "What requests were at work on was lost"});
        }
        deliver(std::move(events));
        if (stopping) {
            inbox_.run_tasks();  // those that came meanwhile: refused
            return;
        }
    }
}

// Where not even an error's events could be made, or requests are in nobody's hands: deliver() tells them.
void engine::lose_all(const lost_requests & why) {
    scheduler_.lose_all();
    lost_ = why;
}

void engine::step_reporting(std::vector<step_event> & events) {
    try {
        step(events);
    } catch (const rast_error & error) {
        scheduler_.fail_all(error.code(), error.what(), events);
    } catch (const std::bad_alloc &) {
        scheduler_.fail_all("ERR_INSUFFICIENT_MEMORY", no_memory_for_step, events);
    } catch (const std::exception & error) {
        scheduler_.fail_all("ERR_INTERNAL", error.what(), events);
    }
}

// One step of everybody: a chunk of somebody's prompt, and a round of those whose prompts fit.
void engine::step(std::vector<step_event> & events) {
    if (scheduler_.any() && threads_.wake(now_ms())) {
        contexts_.set_threads(threads_.current());
    }
    row_reader::allow_work(scheduler_.running());
    round_.resume_undecided(events);
    const std::atomic<bool> & stopping = inbox_.stopping();
    try {
        auto [ready, behind, chunk] = scheduler_.plan_step();
        if (behind != nullptr) {
            scheduler_.attempt({&behind, 1}, events,
                               [&, seq = behind, n = chunk] { decoder_.prefill(*seq, n, stopping); });
        }
        std::erase_if(ready, [&, alone = ready.size() == 1](sequence * seq) {
            return !scheduler_.attempt({&seq, 1}, events,
                                       [&] { decoder_.prefill_for_single_tokens(*seq, alone, stopping); });
        });
        for (const auto & group : scheduler_.one_piece_groups(std::move(ready))) {
            if (!stopping) {
                scheduler_.attempt(group, events, [&] { run_round(group, events); });
            }
        }
        planner_.round_ended();
    } catch (const no_room &) {
        scheduler_.make_room(events);
    }
}

void engine::run_round(std::span<sequence * const> group, std::vector<step_event> & events) {
    threads_.begin_round(now_ms());
    round_.run(group, events);
    if (threads_.end_round(now_ms())) {
        contexts_.set_threads(threads_.current());
    }
}

void engine::deliver(std::vector<step_event> events) {
    once_there_is_memory([&] {
        if (lost_) {
            inbox_.end_lost(*lost_, events);
            lost_.reset();
        }
        if (!events.empty()) {
            inbox_.forget_ended(events);
            callbacks_.on_steps(std::move(events));
        }
    });
}

}  // namespace rast
