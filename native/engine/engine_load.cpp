#include "engine.h"
#include "error.h"

#include <algorithm>

namespace rast {

namespace {

double ms_since(engine_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(engine_clock::now() - start).count();
}

bool is_padding(const llama_vocab * vocab, llama_token token) {
    const auto attributes = llama_vocab_get_attr(vocab, token);
    return (attributes & LLAMA_TOKEN_ATTR_UNUSED) != 0 || attributes == LLAMA_TOKEN_ATTR_UNDEFINED;
}

}  // namespace

void engine::load() {
    const auto start = engine_clock::now();
    contexts_.push_back(load_model(role::base, 0, config_.base));
    for (size_t pair = 0; pair < config_.pairs.size(); ++pair) {
        contexts_.push_back(load_model(role::expert, pair, config_.pairs[pair].expert));
        contexts_.push_back(load_model(role::antiexpert, pair, config_.pairs[pair].antiexpert));
    }
    create_contexts();
    publish_info(ms_since(start));
}

std::unique_ptr<role_context> engine::load_model(role which, size_t pair, const model_config & model) {
    return std::make_unique<role_context>(which, model, config_, [&](float fraction) {
        callbacks_.on_progress(which, static_cast<int>(pair), fraction);
        return !stopping_;
    });
}

// Ids that are text in every model: padding in one has no meaning there, so its delta has none either.
drawable_tokens engine::common_tokens() const {
    int32_t common = contexts_[0]->n_vocab();
    for (const auto & context : contexts_) {
        common = std::min(common, context->n_vocab());
    }
    std::vector<bool> drawable(static_cast<size_t>(common), true);
    for (const auto & context : contexts_) {
        for (int32_t token = 0; token < common; ++token) {
            if (is_padding(context->vocab(), token)) {
                drawable[static_cast<size_t>(token)] = false;
            }
        }
    }
    drawable_tokens tokens;
    for (int32_t token = 0; token < common; ++token) {
        if (drawable[static_cast<size_t>(token)]) {
            for (int32_t gap = tokens.n_drawable; gap < token; ++gap) {
                tokens.masked.push_back(gap);
            }
            tokens.n_drawable = token + 1;
        }
    }
    return tokens;
}

void engine::create_contexts() {
    int threads = config_.base.threads;
    for (const auto & pair : config_.pairs) {
        threads = std::max({threads, pair.expert.threads, pair.antiexpert.threads});
    }
    threads_ = std::make_unique<cpu_threads>(threads);

    const drawable_tokens drawable = common_tokens();
    if (drawable.n_drawable == 0) {
        throw rast_error("ERR_TOKENIZER_MISMATCH", "The models have no token in common that is not padding");
    }
    const auto rows = static_cast<int32_t>(config_.rows);
    const auto plan_of = [&](size_t context) {
        sampler_plan plan;
        plan.n_vocab = contexts_[context]->n_vocab();
        plan.rows = rows;
        plan.threads = threads;
        plan.choice = config_.sampler;
        plan.drawable = drawable;
        return plan;
    };
    sampler_plan base = plan_of(0);
    base.draws = true;
    base.pairs = static_cast<int>(config_.pairs.size());
    contexts_[0]->create(std::move(base), config_, *threads_, stopping_);
    for (size_t pair = 0; pair < config_.pairs.size(); ++pair) {
        sampler_plan expert = plan_of(expert_of(pair));
        expert.draws = pair == 0;  // drafts, and mode "expert"
        expert.sink = &contexts_[0]->sampler().expert_store(static_cast<int>(pair));
        contexts_[expert_of(pair)]->create(std::move(expert), config_, *threads_, stopping_);
        sampler_plan antiexpert = plan_of(antiexpert_of(pair));
        antiexpert.sink = &contexts_[0]->sampler().antiexpert_store(static_cast<int>(pair));
        contexts_[antiexpert_of(pair)]->create(std::move(antiexpert), config_, *threads_, stopping_);
        if (stopping_) {
            throw rast_error("ERR_LOAD_ABORTED", "Loading was aborted");
        }
    }
    choose_speculation();
    caches_.reset(config_.reuse_prefixes && std::all_of(contexts_.begin(), contexts_.end(),
                                                        [](const auto & c) { return c->memory().can_cut_back(); }));
    if (!config_.pairs.empty()) {
        expert_always_draws_ = max_draft_ > 0 || !contexts_[expert_of(0)]->memory().second_ids();
        contexts_[expert_of(0)]->sampler().set_drawing(expert_always_draws_);
    }
    if (max_draft_ > 0) {
        measure(expert_of(0), costs_.expert, 1, 100);
        for (size_t c = antiexpert_of(0); c < contexts_.size(); ++c) {
            row_costs one(config_.rows);
            measure(c, one, max_draft_ + 1, 200);
            costs_.others.add(one);
        }
        measure(0, costs_.base, max_draft_ + 1, 900);
    }
}

// Times decodes of 1 to `most` rows, for about so many milliseconds: the ends first, then what lies between. The
// quickest of a few counts, as other work only ever makes a decode slower.
void engine::measure(size_t context, row_costs & costs, int32_t most, double budget_ms) {
    constexpr int repetitions = 2;
    role_context & target = *contexts_[context];
    const llama_token token = std::max(0, llama_vocab_bos(target.vocab()));
    llama_memory_t memory = llama_get_memory(target.get());
    const auto start = engine_clock::now();
    for (const int32_t n : {1, 4, 8, 2, 16, 12, 3, 6, 5, 7}) {
        double quickest = -1;
        for (int i = -1; i < repetitions; ++i) {  // the first of its shape builds a graph
            const bool late = ms_since(start) > budget_ms;
            if (n > most || (late && (n > 1 || quickest >= 0))) {
                break;
            }
            batch_.clear();
            for (int32_t row = 0; row < n; ++row) {
                row_settings settings;
                settings.draw = context == 0 || context == expert_of(0);
                settings.top_p = 0.95F;
                target.sampler().set_row(row, settings);
                target.sampler().set_sink(row, -1);
                batch_.add(token, row, 0, true);
            }
            target.sampler().upload();
            const auto begun = engine_clock::now();
            if (stopping_ || target.decode(batch_.view()) != 0) {
                llama_memory_clear(memory, true);
                return;
            }
            if (i >= 0) {
                quickest = quickest < 0 ? ms_since(begun) : std::min(quickest, ms_since(begun));
            }
            llama_memory_clear(memory, false);
        }
        if (quickest >= 0) {
            costs.learn(static_cast<size_t>(n), quickest);
        }
    }
}

void engine::choose_speculation() {
    max_draft_ = 0;
    if (config_.pairs.empty()) {
        draft_reason_ = "there is no expert to draft";
        return;
    }
    if (config_.max_draft == 0) {
        draft_reason_ = "it was turned off at load";
        return;
    }
    for (const auto & context : contexts_) {
        if (!context->memory().can_cut_back()) {
            draft_reason_ = std::string("the ") + role_name(context->which()) + " model " +
                            describe(context->memory().kind()) +
                            ", and what it remembers of drafts cannot be taken back";
            return;
        }
    }
    max_draft_ = config_.max_draft;
}

void engine::publish_info(double load_ms) {
    const role_context & base = *contexts_[0];
    engine_info info;
    info.base = base.info();
    for (size_t pair = 0; pair < config_.pairs.size(); ++pair) {
        info.pairs.push_back({contexts_[expert_of(pair)]->info(), contexts_[antiexpert_of(pair)]->info()});
    }
    const drawable_tokens drawable = common_tokens();
    info.host_path = base.sampler().on_host_path();
    info.sampler_reason = base.sampler().reason();
    info.max_draft = max_draft_;
    info.draft_reason = draft_reason_;
    info.context_size = config_.context_size;
    info.n_vocab = base.n_vocab();
    info.n_drawable = drawable.n_drawable - static_cast<int32_t>(drawable.masked.size());
    info.bos = llama_vocab_bos(base.vocab());
    info.eos = llama_vocab_eos(base.vocab());
    info.add_bos = llama_vocab_get_add_bos(base.vocab());
    if (const char * text = llama_model_chat_template(base.model().get(), nullptr)) {
        info.chat_template = text;
    }
    info.load_ms = load_ms;
    {
        const std::lock_guard lock(mutex_);
        n_vocab_ = base.n_vocab();
        base_model_ = base.model();
        widths_.clear();
        for (const auto & context : contexts_) {
            widths_.push_back(context->n_vocab());
        }
        loaded_ = true;
    }
    callbacks_.on_loaded(info);
}

}  // namespace rast
