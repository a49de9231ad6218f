#include "text_survey.h"

#include "../error.h"

#include <algorithm>

namespace rast {

namespace {

model_figures figures_of(const row_distribution & row, llama_token next) {
    return {row.top(), row.entropy(), row.logprob(next), row.rank(next)};
}

}  // namespace

text_survey::text_survey(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                         batch_decoder & decoder, inbox & inbox)
    : config_(config), contexts_(contexts), caches_(caches), decoder_(decoder), inbox_(inbox) {}

std::vector<position_figures> text_survey::survey(const std::vector<llama_token> & tokens, size_t from, size_t pair) {
    std::vector<position_figures> out;
    inbox_.perform([&] {
        check(tokens, from, pair);
        out = run(tokens, from, pair);
    });
    return out;
}

void text_survey::check(const std::vector<llama_token> & tokens, size_t from, size_t pair) const {
    const auto refuse = [](const std::string & why) { throw rast_error("ERR_INVALID_ARGUMENT", why); };
    if (pair >= config_.pairs.size()) {
        refuse("There is no pair " + std::to_string(pair) + " of expert and antiexpert in this engine");
    }
    if (tokens.size() < 2 || tokens.size() > config_.context_size || from > tokens.size() - 2) {
        refuse("Expected 2 to " + std::to_string(config_.context_size) + " tokens, and a position before the last, " +
               "received " + std::to_string(tokens.size()) + " and " + std::to_string(from));
    }
    for (const llama_token token : tokens) {
        if (token < 0 || token >= contexts_.base().n_vocab()) {
            refuse("The base has no token " + std::to_string(token));
        }
    }
    if (caches_.idle_slot(shared_prefix::nowhere) == shared_prefix::nowhere) {
        throw rast_error("ERR_QUEUE_FULL", "Every slot has a generation: none is free for the text");
    }
}

std::vector<position_figures> text_survey::run(const std::vector<llama_token> & tokens, size_t from, size_t pair) {
    const size_t slot = caches_.idle_slot(shared_prefix::nowhere);
    const size_t models[] = {role_contexts::index_of({role::expert, pair}),
                             role_contexts::index_of({role::antiexpert, pair}), role_contexts::base_index};
    // llama.cpp holds an engine to as many outputs of a sequence as its drafts need
    const size_t rows =
        std::min<size_t>({config_.rows, static_cast<size_t>(config_.max_draft) + 1, config_.batch_size});
    const std::span<const llama_token> all(tokens);
    const row_tokens counted = counted_tokens(pair);
    std::vector<position_figures> out;
    caches_.forget(slot);
    try {
        for (size_t at = 0; at < from; at += config_.batch_size) {
            const size_t count = std::min<size_t>(config_.batch_size, from - at);
            for (const size_t context : models) {
                decode(context, slot, all.subspan(at, count), at, false);
            }
        }
        for (size_t at = from; at + 1 < tokens.size(); at += rows) {
            const size_t count = std::min(rows, tokens.size() - 1 - at);
            prepare_rows(models[0], count);
            for (const size_t context : models) {
                decode(context, slot, all.subspan(at, count), at, true);
            }
            const auto read = read_rows(all.subspan(at + 1, count), pair, counted);
            out.insert(out.end(), read.begin(), read.end());
        }
    } catch (...) {
        caches_.forget(slot);
        throw;
    }
    caches_.forget(slot);
    return out;
}

void text_survey::decode(size_t context, size_t slot, std::span<const llama_token> tokens, size_t position, bool rows) {
    if (inbox_.stopping()) {
        throw rast_error("ERR_DISPOSED", "The engine was disposed of");
    }
    role_context & target = contexts_[context];
    batch_builder & batch = decoder_.scratch_batch();
    batch.clear();
    for (size_t i = 0; i < tokens.size(); ++i) {
        batch.add(target.tokens().fed(tokens[i]), static_cast<llama_pos>(position + i), caches_.id(slot, context),
                  rows);
    }
    if (rows) {
        target.sampler().upload();
    }
    int status = target.decode(batch.view());
    while (status == 1 && caches_.evict_oldest()) {
        status = target.decode(batch.view());
    }
    if (status != 0) {
        throw rast_error("ERR_DECODE", std::string("Decoding a text failed in the ") + role_name(target.which()) +
                                           " model (llama_decode returned " + std::to_string(status) + ")");
    }
    if (rows) {
        target.sampler().deliver_rows(static_cast<int32_t>(tokens.size()));
    }
}

// The base first: rows that nothing is added to are cleared, before the others write theirs.
void text_survey::prepare_rows(size_t expert, size_t count) const {
    row_settings kept;
    kept.temperature = 0;
    kept.keep = true;
    row_settings silent;
    silent.draw = false;
    for (size_t i = 0; i < count; ++i) {
        const auto row = static_cast<int32_t>(i);
        contexts_.base().sampler().set_row(row, kept);
        for (const size_t context : {expert, expert + 1}) {
            contexts_[context].sampler().set_row(row, silent);
            contexts_[context].sampler().set_sink(row, row);
        }
    }
}

std::vector<position_figures> text_survey::read_rows(std::span<const llama_token> next, size_t pair,
                                                     const row_tokens & counted) const {
    ensemble_sampler & sampler = contexts_.base().sampler();
    const auto which = static_cast<int>(pair);
    std::vector<float> expert_row;
    std::vector<float> antiexpert_row;
    std::vector<position_figures> out;
    for (size_t i = 0; i < next.size(); ++i) {
        const auto row = static_cast<int32_t>(i);
        const std::vector<float> base_row = sampler.fused_row(row);
        sampler.expert_store(which).read_row(row, expert_row);
        sampler.antiexpert_store(which).read_row(row, antiexpert_row);
        const row_distribution base(base_row, counted);
        const row_distribution expert(expert_row, counted);
        const row_distribution antiexpert(antiexpert_row, counted);
        position_figures & figures = out.emplace_back();
        figures.base = figures_of(base, next[i]);
        figures.expert = figures_of(expert, next[i]);
        figures.antiexpert = figures_of(antiexpert, next[i]);
        figures.divergence = expert.divergence(antiexpert);
        figures.expert_top_in_base = base.rank(expert.top());
        figures.expert_top_in_antiexpert = antiexpert.rank(expert.top());
    }
    return out;
}

// Those that may be drawn, and mean something in both models of the pair.
row_tokens text_survey::counted_tokens(size_t pair) const {
    const drawable_tokens & drawable = contexts_.drawable();
    std::vector<int32_t> masked = drawable.masked;
    for (const role which : {role::expert, role::antiexpert}) {
        const token_map & map = contexts_[role_contexts::index_of({which, pair})].tokens();
        for (const column_move & move : map.columns_without_source()) {
            masked.push_back(move.to);
        }
    }
    return {drawable.n_drawable, std::move(masked)};
}

}  // namespace rast
