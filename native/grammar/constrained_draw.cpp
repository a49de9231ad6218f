#include "constrained_draw.h"

#include "../sampling/sampling_steps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rast {

namespace {

// Refusals after which the grammar looks at all that is left, instead of one token after the other. Where a few tokens
// hold nearly everything, so many refusals mean that none of those is allowed.
constexpr int most_refusals = 24;
// A set that is checked token by token; for a larger one a look at the whole vocabulary is quicker than as many checks,
// as it reads each beginning that tokens share once.
constexpr size_t most_checked_tokens = 2048;

row_inputs inputs_of(const std::vector<float> & logits) {
    row_inputs in;
    in.logits = logits.data();
    in.n_vocab = in.n_drawable = static_cast<int32_t>(logits.size());
    in.adjusted = true;
    return in;
}

}  // namespace

constrained_draw::constrained_draw(std::vector<float> logits, row_settings settings, int32_t drawn,
                                   std::function<float(uint32_t)> number)
    : logits_(std::move(logits)), settings_(std::move(settings)), number_(std::move(number)), trying_(drawn) {
    settings_.lambda = {};
    settings_.adjustments.clear();
    settings_.top_logprobs = -1;
}

bool constrained_draw::go_on(grammar_matcher & matcher, const token_trie & tokens) {
    try {
        while (stage_ == stage::one_by_one) {
            if (matcher.allows(tokens, trying_)) {
                finish(trying_);
                break;
            }
            refused_ = true;
            if (!chosen_) {
                choose_set();
            }
            remove(trying_);
            if (tries_ == most_refusals) {
                stage_ = stage::rest_of_set;
                break;
            }
            ++tries_;
            const std::optional<int32_t> next = draw_from_set();
            if (!next) {
                stage_ = stage::whole_vocabulary;
                break;
            }
            trying_ = *next;
        }
        return stage_ == stage::done || (stage_ == stage::rest_of_set && look_at_set(matcher, tokens)) ||
               (stage_ == stage::whole_vocabulary && look_at_all(matcher, tokens));
    } catch (const out_of_work &) {
        return false;
    }
}

void constrained_draw::finish(int32_t token) {
    token_ = token;
    stage_ = stage::done;
    look_.reset();
}

// What the draw is from: the set of the filters, likeliest first where it is small; everything without filters. At
// temperature 0 the weights are the logits themselves.
void constrained_draw::choose_set() {
    chosen_ = true;
    listed_ = !is_greedy(settings_) && has_filters(settings_, static_cast<int64_t>(logits_.size()));
    if (is_greedy(settings_)) {
        weights_ = logits_;
    } else if (listed_) {
        keep_row(inputs_of(logits_), settings_, scratch_, set_);
        weights_.resize(set_.size());
        std::transform(set_.begin(), set_.end(), weights_.begin(), [](const auto & one) { return one.weight; });
    } else {
        const float max = largest_logit(logits_.data(), static_cast<int>(logits_.size()));
        weights_.resize(logits_.size());
        weigh_logits(logits_.data(), static_cast<int>(logits_.size()), max, 1.0F / settings_.temperature,
                     weights_.data());
    }
    block_mass_.resize((weights_.size() + row_block - 1) / row_block);
    for (size_t b = 0; b < block_mass_.size(); ++b) {
        weigh_block(b);
    }
    last_ = weights_.size();
}

// The sum of a block's weights; at temperature 0 the largest.
void constrained_draw::weigh_block(size_t block) {
    const size_t from = block * row_block;
    const auto n = static_cast<int>(std::min<size_t>(row_block, weights_.size() - from));
    block_mass_[block] =
        is_greedy(settings_) ? largest_logit(weights_.data() + from, n) : sum_of(weights_.data() + from, n);
}

void constrained_draw::remove(int32_t token) {
    size_t at = static_cast<size_t>(token);
    if (listed_) {
        at = last_ < set_.size() && set_[last_].token == token ? last_ : set_.size();
        for (size_t i = 0; at == set_.size() && i < set_.size(); ++i) {
            at = set_[i].token == token ? i : at;
        }
        if (at == set_.size()) {
            at = weights_.size();  // the device's set and this one may part by a rounding error
        }
    }
    if (at < weights_.size()) {
        weights_[at] = is_greedy(settings_) ? never_logit : 0.0F;
        weigh_block(at / row_block);
    }
}

// The next of the set; nothing if it is used up.
std::optional<int32_t> constrained_draw::draw_from_set() {
    const std::optional<size_t> place = is_greedy(settings_) ? largest_place() : drawn_place();
    if (!place) {
        return std::nullopt;
    }
    last_ = *place;
    return listed_ ? set_[*place].token : static_cast<int32_t>(*place);
}

std::optional<size_t> constrained_draw::largest_place() const {
    const auto block = std::max_element(block_mass_.begin(), block_mass_.end());
    if (block == block_mass_.end() || !(*block > lowest_logit)) {
        return std::nullopt;
    }
    const auto from = weights_.begin() + (block - block_mass_.begin()) * row_block;
    return static_cast<size_t>(std::find(from, weights_.end(), *block) - weights_.begin());
}

// In proportion to the weights, by the next random number. Blocks are passed over by their mass.
std::optional<size_t> constrained_draw::drawn_place() {
    const double total = std::accumulate(block_mass_.begin(), block_mass_.end(), 0.0);
    if (!(total > 0.0)) {
        return std::nullopt;
    }
    const double target = number_(numbers_++) * total;
    double sum = 0.0;
    size_t last = weights_.size();
    for (size_t b = 0; b < block_mass_.size(); ++b) {
        if (!(block_mass_[b] > 0.0F)) {
            continue;
        }
        if (sum + block_mass_[b] <= target && b + 1 < block_mass_.size()) {
            sum += block_mass_[b];
            last = std::min(weights_.size(), (b + 1) * row_block) - 1;  // should rounding leave nothing behind it
            continue;
        }
        for (size_t i = b * row_block; i < std::min(weights_.size(), (b + 1) * row_block); ++i) {
            if (weights_[i] > 0.0F) {
                last = i;
                sum += weights_[i];
                if (sum > target) {
                    return i;
                }
            }
        }
    }
    while (last > 0 && !(weights_[last] > 0.0F)) {
        --last;
    }
    return last;
}

// After many refusals: what the grammar allows of the set, and one draw from it.
bool constrained_draw::look_at_set(grammar_matcher & matcher, const token_trie & tokens) {
    if (!listed_) {
        stage_ = stage::whole_vocabulary;
        return look_at_all(matcher, tokens);
    }
    const bool by_look = set_.size() > most_checked_tokens;
    if (by_look && !look_) {
        look_.emplace(matcher, tokens);
    }
    if (by_look && !look_->go_on()) {
        return false;
    }
    for (; looked_at_ < set_.size(); ++looked_at_) {
        const int32_t token = set_[looked_at_].token;
        const bool allowed =
            weights_[looked_at_] > 0.0F && (by_look ? look_->may_come(token) : matcher.allows(tokens, token));
        weights_[looked_at_] = allowed ? weights_[looked_at_] : 0.0F;
    }
    for (size_t b = 0; b < block_mass_.size(); ++b) {
        weigh_block(b);
    }
    if (const std::optional<int32_t> token = draw_from_set()) {
        finish(*token);
        return true;
    }
    stage_ = stage::whole_vocabulary;
    return look_at_all(matcher, tokens);
}

// The filters choose anew among all tokens that the grammar allows.
bool constrained_draw::look_at_all(grammar_matcher & matcher, const token_trie & tokens) {
    if (!look_) {
        look_.emplace(matcher, tokens);
    }
    if (!look_->go_on()) {
        return false;
    }
    std::vector<float> allowed(logits_.size(), never_logit);
    for (size_t i = 0; i < std::min(allowed.size(), static_cast<size_t>(tokens.size())); ++i) {
        allowed[i] = look_->may_come(static_cast<int32_t>(i)) ? logits_[i] : never_logit;
    }
    settings_.u = number_(numbers_++);
    finish(draw_row(inputs_of(allowed), settings_, scratch_).token);
    return true;
}

float logprob_of(const std::vector<float> & logits, int32_t token) {
    const auto n = static_cast<int>(logits.size());
    const float max = largest_logit(logits.data(), n);
    double total = 0.0;
    for (int from = 0; from < n; from += row_block) {
        total += mass_of_logits(logits.data() + from, std::min(row_block, n - from), max, 1.0F);
    }
    return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - max - std::log(total));
}

}  // namespace rast
