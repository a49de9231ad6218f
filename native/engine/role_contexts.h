// All models and contexts of an engine. It alone knows which index is which role: other code asks for roles, or goes
// through all of them.
//
// Engine thread only. Contexts keep references into it and to the flag: it stays where it is. An error while loading
// or creating leaves what has been made so far; release() frees it.
#pragma once

#include "cpu_threads.h"
#include "engine_config.h"
#include "request.h"
#include "role_context.h"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

namespace rast {

class role_contexts {
  public:
    // Contexts are numbered: the base, then expert and antiexpert of each pair.
    static constexpr size_t base_index = 0;
    // The expert of the first pair: it drafts, and serves mode "expert".
    static constexpr size_t drafter_index = 1;

    static size_t index_of(const model_place & place);
    static model_place place_of(size_t index);

    // @param stopping ends loads and decodes; must outlive it
    role_contexts(const engine_config & config, const std::atomic<bool> & stopping);

    using progress_callback = std::function<void(const model_place &, float fraction)>;

    // Reads the weights; tells the progress of each model, from 0 to 1.
    // Throws what role_context's constructor and load_adapters throw.
    void load(const progress_callback & on_progress);

    // Makes the contexts, the base's first: others write into its sampler's stores.
    // Throws ERR_TOKENIZER_MISMATCH, ERR_LOAD_ABORTED and what role_context::create throws.
    void create();

    // Frees contexts, samplers and models in that order, and the threads after them.
    void release();

    size_t size() const { return contexts_.size(); }
    bool has_pairs() const { return contexts_.size() > 1; }

    role_context & operator[](size_t index) const { return *contexts_[index]; }
    role_context & base() const { return *contexts_[base_index]; }
    role_context & drafter() const { return *contexts_[drafter_index]; }

    const cpu_threads & threads() const { return *threads_; }

    // The most that any context has, and as many of them as decode from now on.
    int32_t most_threads() const;
    void set_threads(int32_t threads) const;

    // Ids of the base that may be drawn: text in every model, or special tokens that some may lack.
    const drawable_tokens & drawable() const { return drawable_; }

    // A model whose memory cannot be cut back, nullptr if all can: then beginnings may be kept, and drafts taken back.
    const role_context * without_cut_back() const;

    // Whether a request needs a context at all: mode "base" no small model, mode "expert" no other than the first
    // expert, and none of a pair whose lambda is 0.
    static bool uses(const request & wanted, size_t index);
    std::vector<bool> used_by(const request & wanted) const;

    // Whether the graphs of the first expert always draw. Otherwise they do for requests of mode "expert" alone, which
    // then have the second sequence ids of their slots: llama.cpp builds another graph for other ids.
    void let_drafter_draw(bool drafts_wanted);
    bool wants_second_id(const request & wanted) const {
        return !drafter_always_draws_ && wanted.mode == request_mode::expert;
    }

    // Before a round.
    void set_drafter_drawing(bool for_expert_mode) const;

  private:
    std::unique_ptr<role_context> load_one(const model_place & place, const progress_callback & on_progress) const;
    void map_tokens() const;
    drawable_tokens common_tokens() const;
    std::vector<column_move> blanks_of(size_t index) const;
    std::array<std::vector<int32_t>, max_pairs> lacking_tokens() const;
    draft_memory drafts_in(size_t index) const;

    const engine_config & config_;
    const std::atomic<bool> & stopping_;
    std::unique_ptr<cpu_threads> threads_;
    std::vector<std::unique_ptr<role_context>> contexts_;
    drawable_tokens drawable_;
    bool drafter_always_draws_ = false;
};

}  // namespace rast
