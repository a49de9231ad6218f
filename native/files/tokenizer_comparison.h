// Whether models may be added: their ordinary tokens are the same, and a rule says how their special tokens fall
// together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rast {

struct special_token_rule {
    enum class kind { same, by_role };

    kind how = kind::by_role;
    // Texts of the first model's special tokens and of another's; nothing for no counterpart. Goes before the rule.
    std::vector<std::pair<std::string, std::optional<std::string>>> map;
};

// A special token of the first model that another model has under another id or text, or not at all.
struct special_token_match {
    int32_t token = 0;  // of the first
    std::string text;
    int32_t other = -1;  // -1: it has no counterpart
    std::string other_text;
    bool back = true;  // the other's token stands for this one; false where it stands for a second one of the same role
};

// Compares each model with the first. @returns for each but the first what its special tokens are, ascending by token;
// empty where they are the same.
// Throws ERR_TOKENIZER_MISMATCH naming the first ordinary token that differs (with kind::same, the first of all),
// ERR_INVALID_OPTION for a map that names no special token, ERR_NO_TOKENIZER and what inspect_model throws.
std::vector<std::vector<special_token_match>> compare_tokenizers(const std::vector<std::string> & paths,
                                                                 const special_token_rule & rule = {});

}  // namespace rast
