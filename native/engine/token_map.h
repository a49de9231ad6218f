// Which of a small model's tokens a token of the base is, where special tokens have other ids in it. Requests, caches
// and drawn tokens are in the base's ids everywhere; only what a small model is fed, and the columns of its logits,
// go through this.
#pragma once

#include "../llama/api.h"
#include "../sampling/sampler_settings.h"
#include "../sampling/token_columns.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace rast {

// As a model's configuration lists it; every other token has the same id in both.
struct mapped_token {
    llama_token base = 0;
    llama_token own = -1;  // -1: it has no counterpart
    bool back = true;      // the model's draw of `own` is this token
};

// Plain data, copied to where it is needed.
class token_map {
  public:
    token_map() = default;
    // Throws ERR_INVALID_ARGUMENT for ids outside the vocabularies, or a token listed twice.
    // @param substitute what the model is fed instead of a token that it has no counterpart of
    token_map(const std::vector<mapped_token> & tokens, int32_t n_base, int32_t n_own, llama_token substitute);

    bool empty() const { return tokens_.empty(); }

    bool lists(llama_token base) const { return own_.contains(base); }

    bool lacks(llama_token base) const {
        const auto found = own_.find(base);
        return found != own_.end() && found->second < 0;
    }

    // What the model is fed for a token of the base.
    llama_token fed(llama_token base) const {
        const auto found = own_.find(base);
        return found == own_.end() ? base : found->second < 0 ? substitute_ : found->second;
    }

    // Columns that the model's logits have in the base's order: those it has, or more where a token lies beyond.
    int32_t width() const { return width_; }

    // How the model's columns become the base's.
    std::vector<column_move> moves() const;

    // Of those the ones that become 0, whether the model's rows reach so far or not.
    std::vector<column_move> columns_without_source() const;

    // Of the base's drawable tokens those that the model itself may draw: each of its tokens as one of the base's.
    drawable_tokens drawn_by_model(const drawable_tokens & drawable) const;

    // All of it, for fingerprints; "" where it is empty.
    std::string text() const;

  private:
    std::vector<mapped_token> tokens_;
    std::unordered_map<llama_token, llama_token> own_;
    llama_token substitute_ = 0;
    int32_t width_ = 0;
};

}  // namespace rast
