#include "token_map.h"

#include "../error.h"

#include <algorithm>
#include <set>

namespace rast {

token_map::token_map(const std::vector<mapped_token> & tokens, int32_t n_base, int32_t n_own, llama_token substitute)
    : tokens_(tokens), substitute_(substitute), width_(n_own) {
    for (const mapped_token & token : tokens_) {
        const bool known = token.base >= 0 && token.base < n_base && token.own >= -1 && token.own < n_own;
        if (!known || !own_.try_emplace(token.base, token.own).second) {
            throw rast_error("ERR_INVALID_ARGUMENT", "No map from token " + std::to_string(token.base) +
                                                         " of the base to token " + std::to_string(token.own) +
                                                         " of a small model");
        }
        if (token.own >= 0) {
            width_ = std::max(width_, token.base + 1);
        }
    }
}

std::vector<column_move> token_map::moves() const {
    std::vector<column_move> out;
    for (const mapped_token & token : tokens_) {
        if (token.base < width_) {
            out.push_back({token.own, token.base});
        }
    }
    return out;
}

std::vector<column_move> token_map::columns_without_source() const {
    std::vector<column_move> out;
    for (const mapped_token & token : tokens_) {
        if (token.own < 0) {
            out.push_back({-1, token.base});
        }
    }
    return out;
}

drawable_tokens token_map::drawn_by_model(const drawable_tokens & drawable) const {
    std::set<int32_t> never(drawable.masked.begin(), drawable.masked.end());
    for (const mapped_token & token : tokens_) {
        if (token.own < 0 || !token.back) {
            never.insert(token.base);
        } else if (!own_.contains(token.own)) {
            never.insert(token.own);  // the same column twice
        }
    }
    drawable_tokens out = drawable;
    while (out.n_drawable > 0 && never.contains(out.n_drawable - 1)) {
        --out.n_drawable;
    }
    out.masked.assign(never.begin(), never.lower_bound(out.n_drawable));
    return out;
}

std::string token_map::text() const {
    std::string out;
    for (const mapped_token & token : tokens_) {
        out += " " + std::to_string(token.base) + (token.back ? ">" : "<") + std::to_string(token.own);
    }
    return out;
}

}  // namespace rast
