#include "role_contexts.h"

#include "../error.h"

#include <algorithm>

namespace rast {

namespace {

bool is_padding(const llama_vocab * vocab, llama_token token) {
    const auto attributes = llama_vocab_get_attr(vocab, token);
    return (attributes & LLAMA_TOKEN_ATTR_UNUSED) != 0 || attributes == LLAMA_TOKEN_ATTR_UNDEFINED;
}

// What stands for a token that a model has no counterpart of: a line's end, which says little wherever it is.
llama_token substitute_in(const role_context & context) {
    for (const llama_token token : {llama_vocab_nl(context.vocab()), llama_vocab_eos(context.vocab())}) {
        if (token >= 0 && token < context.n_vocab()) {
            return token;
        }
    }
    return 0;
}

bool loads_alike(const model_config & a, const model_config & b) {
    const bool same_file = a.path == b.path || (a.weights != 0 && a.weights == b.weights);
    return same_file && a.devices == b.devices && a.gpu_layers == b.gpu_layers && a.split == b.split &&
           a.cpu_moe_layers == b.cpu_moe_layers && a.output_in_main_memory == b.output_in_main_memory;
}

}  // namespace

size_t role_contexts::index_of(const model_place & place) {
    switch (place.which) {
        case role::base: return base_index;
        case role::expert: return 1 + 2 * place.pair;
        default: return 2 + 2 * place.pair;
    }
}

model_place role_contexts::place_of(size_t index) {
    if (index == base_index) {
        return {role::base, 0};
    }
    return {index % 2 == 1 ? role::expert : role::antiexpert, (index - 1) / 2};
}

role_contexts::role_contexts(const engine_config & config, const std::atomic<bool> & stopping)
    : config_(config), stopping_(stopping) {}

void role_contexts::load(const progress_callback & on_progress) {
    for (size_t index = 0; index < 1 + 2 * config_.pairs.size(); ++index) {
        contexts_.push_back(load_one(place_of(index), on_progress));
        contexts_.back()->load_adapters(model_at(config_, place_of(index)));
    }
}

std::unique_ptr<role_context> role_contexts::load_one(const model_place & place,
                                                      const progress_callback & on_progress) const {
    const model_config & model = model_at(config_, place);
    const auto is_same = [&](size_t index) { return loads_alike(model, model_at(config_, place_of(index))); };
    for (size_t index = 0; index < contexts_.size(); ++index) {
        if (is_same(index)) {
            on_progress(place, 1);
            return std::make_unique<role_context>(place.which, model, *contexts_[index]);
        }
    }
    return std::make_unique<role_context>(place.which, model, config_, [&](float fraction) {
        on_progress(place, fraction);
        return !stopping_;
    });
}

void role_contexts::map_tokens() const {
    for (size_t index = 0; index < size(); ++index) {
        role_context & context = *contexts_[index];
        context.set_tokens(token_map(model_at(config_, place_of(index)).tokens, base().n_vocab(), context.n_vocab(),
                                     substitute_in(context)));
    }
}

// Padding in one model has no meaning there, so its delta has none either.
drawable_tokens role_contexts::common_tokens() const {
    const int32_t all = base().n_vocab();
    std::vector<bool> drawable(static_cast<size_t>(all), true);
    for (const auto & context : contexts_) {
        for (int32_t token = 0; token < all; ++token) {
            if (!context->tokens().lists(token) &&
                (token >= context->n_vocab() || is_padding(context->vocab(), token))) {
                drawable[static_cast<size_t>(token)] = false;
            }
        }
    }
    drawable_tokens tokens;
    for (int32_t token = 0; token < all; ++token) {
        if (drawable[static_cast<size_t>(token)]) {
            for (int32_t gap = tokens.n_drawable; gap < token; ++gap) {
                tokens.masked.push_back(gap);
            }
            tokens.n_drawable = token + 1;
        }
    }
    return tokens;
}

// A token without a counterpart in one model of a pair has no delta: where the other one has it, its column is 0 too.
std::vector<column_move> role_contexts::blanks_of(size_t index) const {
    std::vector<column_move> out;
    if (index != base_index) {
        const token_map & own = contexts_[index]->tokens();
        const token_map & others = contexts_[index % 2 == 1 ? index + 1 : index - 1]->tokens();
        for (const column_move & move : others.columns_without_source()) {
            if (move.to < own.width() && !own.lacks(move.to)) {
                out.push_back(move);
            }
        }
    }
    return out;
}

// By pair: tokens that mean nothing in one of its models.
std::array<std::vector<int32_t>, max_pairs> role_contexts::lacking_tokens() const {
    std::array<std::vector<int32_t>, max_pairs> out;
    for (size_t index = 1; index < size(); ++index) {
        for (const column_move & move : contexts_[index]->tokens().columns_without_source()) {
            out[place_of(index).pair].push_back(move.to);
        }
    }
    return out;
}

// The first expert drafts token by token; all others decode a round's drafts at once.
draft_memory role_contexts::drafts_in(size_t index) const {
    draft_memory out;
    if (config_.max_draft == 0 || !has_pairs()) {
        return out;
    }
    if (index == drafter_index) {
        out.checkpoint = config_.rows > config_.slots;  // llama.cpp wants room for an output of each sequence
        return out;
    }
    // llama.cpp keeps so many tokens and one together in a batch, and ends the process where they do not fit
    const uint32_t most = std::min(static_cast<uint32_t>(config_.max_draft), config_.batch_size - 2);
    out.snapshots = std::min(model_at(config_, place_of(index)).snapshots, most);
    return out;
}

void role_contexts::create() {
    const int32_t threads = most_threads();
    threads_ = std::make_unique<cpu_threads>(threads);

    map_tokens();
    drawable_ = common_tokens();
    if (drawable_.n_drawable == 0) {
        throw rast_error("ERR_TOKENIZER_MISMATCH", "The models have no token in common that is not padding");
    }
    for (size_t index = 0; index < size(); ++index) {
        const model_place place = place_of(index);
        sampler_plan plan;
        const token_map & tokens = contexts_[index]->tokens();
        plan.n_vocab = tokens.width();
        plan.moves = tokens.moves();
        plan.blanks = blanks_of(index);
        plan.rows = static_cast<int32_t>(config_.rows);
        plan.threads = threads;
        plan.choice = config_.sampler;
        plan.in_main_memory = model_at(config_, place).output_in_main_memory;
        plan.drawable = index == base_index ? drawable_ : tokens.drawn_by_model(drawable_);
        plan.draws = index == base_index || index == drafter_index;
        const auto pair = static_cast<int>(place.pair);
        switch (place.which) {
            case role::base:
                plan.pairs = static_cast<int>(config_.pairs.size());
                plan.lacking = lacking_tokens();
                break;
            case role::expert: plan.sink = &base().sampler().expert_store(pair); break;
            case role::antiexpert: plan.sink = &base().sampler().antiexpert_store(pair); break;
        }
        contexts_[index]->create(std::move(plan), config_, *threads_, stopping_, drafts_in(index));
        if (stopping_) {
            throw rast_error("ERR_LOAD_ABORTED", "Loading was aborted");
        }
    }
}

int32_t role_contexts::most_threads() const {
    int32_t threads = config_.base.threads;
    for (const pair_config & pair : config_.pairs) {
        threads = std::max({threads, pair.expert.threads, pair.antiexpert.threads});
    }
    return threads;
}

void role_contexts::set_threads(int32_t threads) const {
    for (const auto & context : contexts_) {
        context->set_threads(threads);
    }
}

void role_contexts::release() {
    contexts_.clear();
    threads_.reset();
}

const role_context * role_contexts::without_cut_back() const {
    for (const auto & context : contexts_) {
        if (!context->memory().can_cut_back()) {
            return context.get();
        }
    }
    return nullptr;
}

bool role_contexts::uses(const request & wanted, size_t index) {
    if (index == base_index) {
        return wanted.mode != request_mode::expert;
    }
    if (wanted.mode == request_mode::expert) {
        return index == drafter_index;
    }
    const size_t pair = place_of(index).pair;
    return wanted.mode == request_mode::rast && wanted.sampling.lambda[pair] != 0.0F;
}

std::vector<bool> role_contexts::used_by(const request & wanted) const {
    std::vector<bool> used(size());
    for (size_t index = 0; index < used.size(); ++index) {
        used[index] = uses(wanted, index);
    }
    return used;
}

void role_contexts::let_drafter_draw(bool drafts_wanted) {
    if (has_pairs()) {
        drafter_always_draws_ = drafts_wanted || !drafter().memory().second_ids();
        drafter().sampler().set_drawing(drafter_always_draws_);
    }
}

void role_contexts::set_drafter_drawing(bool for_expert_mode) const {
    if (has_pairs()) {
        drafter().sampler().set_drawing(drafter_always_draws_ || for_expert_mode);
    }
}

}  // namespace rast
