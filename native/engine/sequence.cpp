#include "sequence.h"

#include "../sampling/philox.h"
#include "../text/special_texts.h"
#include "../text/token_piece.h"

#include <algorithm>

namespace rast {

namespace {

constexpr float coldest = 1e-4F;  // below it the largest logit takes everything in float

bool penalizes(const sampling_params & s) {
    return s.penalty_window != 0 &&
           (s.repetition_penalty != 1.0F || s.presence_penalty != 0.0F || s.frequency_penalty != 0.0F);
}

}  // namespace

sequence::sequence(uint32_t id, request && wanted, engine_clock::time_point submitted, const llama_vocab * vocab)
    : id_(id),
      wanted_(std::move(wanted)),
      vocab_(vocab),
      submitted_(submitted),
      first_token_(submitted),
      history_(wanted_.prompt),
      text_(wanted_.stop_strings) {
    result.prompt_tokens = static_cast<int32_t>(history_.size());
    for (const auto & bias : wanted_.sampling.bias) {
        bias_[bias.token] = bias.bias;
    }
    if (penalizes(wanted_.sampling)) {
        const int32_t window = wanted_.sampling.penalty_window;
        const size_t from = window < 0 || history_.size() <= static_cast<size_t>(window)
                                ? 0
                                : history_.size() - static_cast<size_t>(window);
        for (size_t i = from; i < history_.size(); ++i) {
            count(counts_, history_[i], 1);
        }
    }
    if (wanted_.reasoning) {
        splitter_.emplace(wanted_.reasoning->marks);
    }
    if (wanted_.grammar && !reasons()) {
        grammar.emplace(wanted_.grammar->matcher);
    }
}

void sequence::begin(size_t at_slot, size_t cached) {
    slot = at_slot;
    if (!begun_) {
        begun_ = engine_clock::now();
        result.queue_ms = ms_between(submitted_, *begun_);
        result.cached_tokens = static_cast<int32_t>(cached);
    }
}

void sequence::preempt() {
    slot = queued;
    awaited = {};
    result.restarts += 1;
}

std::function<float(uint32_t)> sequence::numbers_after_refusal() const {
    return [seed = wanted_.sampling.seed, ordinal = wanted_.sampling.ordinal,
            position = static_cast<uint32_t>(history_.size())](uint32_t refusals) {
        const auto purpose = static_cast<draw_purpose>(static_cast<uint32_t>(draw_purpose::after_refusal) + refusals);
        return draw_uniform(seed, ordinal, position, purpose);
    };
}

void sequence::count(token_counts & counts, llama_token token, int by) {
    const auto at = counts.try_emplace(token, 0).first;
    at->second += by;
    if (at->second <= 0) {
        counts.erase(at);
    }
}

template <typename At>
void sequence::slide(token_counts & counts, llama_token token, size_t length, const At & at) const {
    count(counts, token, 1);
    const int32_t window = wanted_.sampling.penalty_window;
    if (window > 0 && length > static_cast<size_t>(window)) {
        count(counts, at(length - 1 - static_cast<size_t>(window)), -1);
    }
}

row_settings sequence::settings(bool with_lambda, std::span<const llama_token> ahead) const {
    const sampling_params & s = wanted_.sampling;
    row_settings out;
    if (with_lambda) {
        out.lambda = s.lambda;
    }
    out.figures = wanted_.figures;
    if (!wanted_.given.empty()) {
        out.given = given()[ahead.size()];
        out.temperature = 0;
        return out;
    }
    out.temperature = s.temperature < coldest ? 0.0F : s.temperature;
    out.top_k = s.top_k;
    out.top_p = s.top_p;
    out.min_p = s.min_p;
    out.u = draw_uniform(s.seed, s.ordinal, static_cast<uint32_t>(history_.size() + ahead.size()), draw_purpose::token);
    out.top_logprobs = wanted_.logprobs;
    out.keep = wanted_.grammar != nullptr;  // a draw of this round may begin the answer
    token_counts with_ahead;
    if (!ahead.empty() && penalizes(s)) {
        with_ahead = counts_;
        const auto at = [&](size_t i) { return i < history_.size() ? history_[i] : ahead[i - history_.size()]; };
        for (size_t i = 0; i < ahead.size(); ++i) {
            slide(with_ahead, ahead[i], history_.size() + i + 1, at);
        }
    }
    const token_counts & counts = with_ahead.empty() ? counts_ : with_ahead;
    for (const auto & [token, n] : counts) {
        const auto bias = bias_.find(token);
        out.adjustments.push_back({token, bias == bias_.end() ? 0.0F : bias->second, s.repetition_penalty,
                                   static_cast<float>(n) * s.frequency_penalty + s.presence_penalty});
    }
    for (const auto & [token, bias] : bias_) {
        if (!counts.contains(token)) {
            out.adjustments.push_back({token, bias, 1.0F, 0.0F});
        }
    }
    return out;
}

bool sequence::stops_here(llama_token token) const {
    // a grammar allows an end-of-generation token only where the text is complete
    return ((!wanted_.ignore_eos || grammar) && llama_vocab_is_eog(vocab_, token)) ||
           std::find(wanted_.stop_tokens.begin(), wanted_.stop_tokens.end(), token) != wanted_.stop_tokens.end();
}

bool sequence::begins_reasoning(llama_token token) const {
    if (!wanted_.grammar || !wanted_.reasoning || wanted_.reasoning->opening.empty() ||
        history_.size() != wanted_.prompt.size()) {
        return false;
    }
    constexpr int special = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED;
    return splitter_->where() == text_part::before && token == wanted_.reasoning->opening[0] &&
           (llama_vocab_get_attr(vocab_, token) & special) != 0;
}

// Adds the text that a token makes certain.
// @param drawn or put there, as what stop strings do not look at
void sequence::show(llama_token token, bool drawn, step_event & out) {
    const auto & named = wanted_.shown_tokens;
    const bool wanted = wanted_.show_special || std::find(named.begin(), named.end(), token) != named.end();
    const std::string piece = token_piece(vocab_, token, wanted);
    const bool shown = !piece.empty() || wanted;
    const std::string hidden = shown ? "" : token_piece(vocab_, token, true);
    if (splitter_) {
        splitter_->push(shown ? piece : hidden, is_control(vocab_, token), shown);
    }
    out.text += !drawn ? text_.put(piece) : shown ? text_.push(piece) : text_.push_hidden(hidden);
    if (splitter_) {
        const split_text split = splitter_->take(text_.given());
        out.split.reasoning += split.reasoning;
        out.split.answer += split.answer;
    }
}

bool sequence::accept(const row_draw & draw, draft_source draft, uint32_t context_size, step_event & out) {
    draft_ = draft;
    const size_t before = history_.size();
    const bool finished = take(draw, context_size, out);
    undecoded_ = history_.size() - before;
    return finished;
}

bool sequence::take(const row_draw & draw, uint32_t context_size, step_event & out) {
    if (!started) {
        started = true;
        first_token_ = engine_clock::now();
        result.first_token_ms = ms_between(submitted_, first_token_);
    }
    if (!wanted_.given.empty()) {
        return add(draw.token, &draw, context_size, out);
    }
    if (begins_reasoning(draw.token)) {
        grammar.reset();
        return add(draw.token, &draw, context_size, out) ||
               put(std::span(wanted_.reasoning->opening).subspan(1), text_part::reasoning, context_size, out) ||
               end_at_limit(context_size, out);
    }
    const bool awaits_answer = wanted_.grammar && !grammar;
    if (stops_here(draw.token)) {
        if (awaits_answer && !wanted_.reasoning->ending.empty() && llama_vocab_is_eog(vocab_, draw.token)) {
            // the end of the reasoning, not of the text
            return put(wanted_.reasoning->ending, text_part::answer, context_size, out);
        }
        result.stop_token = draw.token;
        finish(llama_vocab_is_eog(vocab_, draw.token) ? stop_reason::eos : stop_reason::stop, out);
        return true;
    }
    const bool reasoned = reasons();
    if (add(draw.token, &draw, context_size, out)) {
        return true;
    }
    if (reasoned && !reasons() && awaits_answer) {
        return put(wanted_.reasoning->separator, text_part::answer, context_size, out);
    }
    return end_at_limit(context_size, out);
}

// Puts the end of the reasoning where it has all the tokens that it may have. @returns true when the sequence is
// finished
bool sequence::end_at_limit(uint32_t context_size, step_event & out) {
    const bool at_limit = wanted_.reasoning && wanted_.reasoning->max_tokens >= 0 &&
                          result.reasoning_tokens >= wanted_.reasoning->max_tokens;
    return reasons() && at_limit && put(wanted_.reasoning->ending, text_part::answer, context_size, out);
}

// Puts tokens behind the text, which then turns to what comes. @returns true when the sequence is finished
bool sequence::put(std::span<const llama_token> tokens, text_part next, uint32_t context_size, step_event & out) {
    for (const llama_token token : tokens) {
        if (add(token, nullptr, context_size, out)) {
            return true;
        }
    }
    splitter_->turn_to(next);
    if (wanted_.grammar && !grammar && !reasons()) {
        grammar.emplace(wanted_.grammar->matcher);
    }
    return false;
}

// @param draw nullptr for a token that nobody drew
// @returns true when the sequence is finished
bool sequence::add(llama_token token, const row_draw * draw, uint32_t context_size, step_event & out) {
    history_.push_back(token);
    if (grammar) {
        // no more than what was done to allow it
        grammar->allow(UINT64_MAX);
        grammar->accept(texts(), token);
    }
    result.completion_tokens += 1;
    result.reasoning_tokens += draw != nullptr && reasons() ? 1 : 0;
    if (!first_round_over_) {
        result.first_round_tokens = result.completion_tokens;
    }
    out.tokens.push_back(token);
    if (wanted_.logprobs >= 0) {
        row_draw none;
        none.token = token;
        out.draws.push_back(draw != nullptr ? *draw : none);
    }
    if (wanted_.figures >= 0) {
        out.figures.push_back(draw != nullptr ? figured_token{draw->figures, draft_} : figured_token{});
    }
    if (!wanted_.given.empty()) {
        if (given().empty()) {
            finish(stop_reason::max_tokens, out);
        }
        return given().empty();
    }
    if (penalizes(wanted_.sampling)) {
        slide(counts_, token, history_.size(), [&](size_t i) { return history_[i]; });
    }
    show(token, draw != nullptr, out);
    if (text_.stopped_by()) {
        result.stop_string = text_.stopped_by();
        finish(stop_reason::stop, out);
        return true;
    }
    if (grammar && grammar->must_end()) {
        finish(stop_reason::eos, out);
        return true;
    }
    if (wanted_.max_tokens >= 0 && result.completion_tokens >= wanted_.max_tokens) {
        finish(stop_reason::max_tokens, out);
        return true;
    }
    if (history_.size() > context_size) {
        finish(stop_reason::context_full, out);
        return true;
    }
    return false;
}

void sequence::finish(stop_reason reason, step_event & out) {
    const auto now = engine_clock::now();
    result.reason = reason;
    if (reason != stop_reason::stop || !result.stop_string) {
        out.text += text_.finish();
    }
    if (splitter_) {
        const split_text rest = splitter_->finish(text_.given());
        out.split.reasoning += rest.reasoning;
        out.split.answer += rest.answer;
    }
    if (!begun_) {
        result.queue_ms = ms_between(submitted_, now);
    } else if (started) {
        result.prefill_ms = ms_between(*begun_, first_token_);
        result.decode_ms = ms_between(first_token_, now);
    } else {
        result.prefill_ms = ms_between(*begun_, now);
    }
    out.result = result;
}

}  // namespace rast
