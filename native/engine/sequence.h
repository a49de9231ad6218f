// A request while it is being worked on: its history, its settings at every position, its text and its result.
//
// Owned by the scheduler. Engine thread only. Knows nothing of contexts and caches.
#pragma once

#include "../grammar/constrained_draw.h"
#include "../grammar/constraint.h"
#include "../grammar/grammar_matcher.h"
#include "../sampling/figure_reader.h"
#include "../text/text_stream.h"
#include "agreement.h"
#include "clock.h"
#include "repeat_finder.h"
#include "request.h"

#include "../text/reasoning_splitter.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace rast {

class sequence {
  public:
    sequence(uint32_t id, request && wanted, engine_clock::time_point submitted, const llama_vocab * vocab);

    uint32_t id() const { return id_; }

    const request & wanted() const { return wanted_; }

    // Prompt and completion so far.
    const std::vector<llama_token> & history() const { return history_; }

    static constexpr size_t queued = static_cast<size_t>(-1);
    size_t slot = queued;
    request_result result;
    // Agreement is that of the text at hand: of a position 50 tokens ago about a third counts.
    static constexpr double agreement_memory = 0.98;
    agreement agrees{agreement::expected_at_first, agreement::weight_at_first,
                     agreement_memory};  // of expert and ensemble
    // Of the text with its own repeats, of few tokens and of many; draft_planner says what is expected at first.
    std::array<agreement, 2> repeats{agrees, agrees};
    bool any_repeat = false;  // was seen
    repeat_finder finder;
    bool started = false;  // a token has been drawn
    std::optional<grammar_matcher> grammar;
    // A draw that the grammar has not decided on yet. The request takes part in no step until it has.
    struct undecided {
        row_draw draw;
        constrained_draw redraw;
        uint64_t work = 0;                      // so far
        std::shared_ptr<const kept_rows> rows;  // for figures of the token, where they are wanted
    };
    std::optional<undecided> undecided_draw;
    // Another request, in this slot, whose caches will soon hold so many tokens of this one's prompt: it waits for
    // them.
    struct awaited_prefix {
        size_t slot = queued;
        uint32_t request = 0;
        size_t tokens = 0;
    };
    awaited_prefix awaited;

    bool awaits_prefix() const { return awaited.slot != queued; }

    // @param cached prompt tokens that need not be decoded
    void begin(size_t at_slot, size_t cached);

    // Back to the queue; what was drawn stays.
    void preempt();

    role_times & times(role which) { return result.roles[static_cast<size_t>(which)]; }

    // The random numbers of the next position, should its token be refused: by how many were used before.
    std::function<float(uint32_t)> numbers_after_refusal() const;

    // The texts that the grammar sees.
    const token_trie & texts() const { return *wanted_.grammar->tokens; }

    // Settings of the draw after history and the tokens `ahead` of it.
    row_settings settings(bool with_lambda, std::span<const llama_token> ahead = {}) const;

    // Whether this token, drawn, begins the reasoning that may come before a constrained answer.
    bool begins_reasoning(llama_token token) const;

    // Tokens at the end that no model has decoded: the one accepted last, and what was put behind it or in its place.
    size_t undecoded() const { return undecoded_; }

    // Whether this token, drawn, ends the sequence.
    bool stops_here(llama_token token) const;

    // Takes a drawn token. @returns true when the sequence is finished
    // @param draft who had proposed it
    bool accept(const row_draw & draw, draft_source draft, uint32_t context_size, step_event & out);

    // Tokens of a completion that is given, from the next one on; nothing where tokens are drawn.
    std::span<const llama_token> given() const {
        return std::span(wanted_.given).subspan(wanted_.given.empty() ? 0 : history_.size() - wanted_.prompt.size());
    }

    // Called when a round has given what it gives: what comes later is not the first round's, if that drew something.
    void end_round() { first_round_over_ = started; }

    void finish(stop_reason reason, step_event & out);

  private:
    using token_counts = std::unordered_map<llama_token, int32_t>;

    bool take(const row_draw & draw, uint32_t context_size, step_event & out);
    void show(llama_token token, bool drawn, step_event & out);
    bool add(llama_token token, const row_draw * draw, uint32_t context_size, step_event & out);
    bool put(std::span<const llama_token> tokens, text_part next, uint32_t context_size, step_event & out);
    bool end_at_limit(uint32_t context_size, step_event & out);
    bool reasons() const { return splitter_ && splitter_->where() == text_part::reasoning; }
    static void count(token_counts & counts, llama_token token, int by);
    // What the penalties see after `token` has become number `length` of the tokens; `at` gives earlier ones.
    template <typename At>
    void slide(token_counts & counts, llama_token token, size_t length, const At & at) const;

    uint32_t id_;
    request wanted_;
    const llama_vocab * vocab_;
    engine_clock::time_point submitted_;
    std::optional<engine_clock::time_point> begun_;
    engine_clock::time_point first_token_;
    bool first_round_over_ = false;
    std::vector<llama_token> history_;
    text_stream text_;
    std::optional<reasoning_splitter> splitter_;
    size_t undecoded_ = 1;
    draft_source draft_ = draft_source::nobody;  // of the token that is being accepted
    token_counts counts_;                        // within the penalty window
    std::unordered_map<llama_token, float> bias_;
};

}  // namespace rast
