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

// How two tokenizers differ. `what` is a sentence without its end; a few of the tokens that differ are named.
struct tokenizer_difference {
    enum class kind { model, pre_tokenizer, tokens, merges, special_tokens, token_types, scores };

    struct example {
        int32_t token = 0;
        std::string reference;  // what it is in the first
        std::string other;
    };

    kind of = kind::model;
    std::string what;
    uint64_t count = 1;  // tokens, words
    std::vector<example> examples;
    std::vector<std::pair<std::string, std::string>> texts;  // for details of an error
    std::vector<std::pair<std::string, double>> numbers;

    // Whether models that differ so cannot be added: their ids do not stand for the same texts.
    bool keeps_apart() const { return of <= kind::special_tokens; }
};

// What keeps two models apart, or only makes their texts differ, and how their special tokens fall together.
struct tokenizer_match {
    std::vector<tokenizer_difference> differences;  // those that keep apart first
    std::vector<special_token_match> specials;      // as compare_tokenizers gives them
};

// Everything at once, for a person: each model against the first. Throws what compare_tokenizers throws, but
// ERR_TOKENIZER_MISMATCH.
std::vector<tokenizer_match> match_tokenizers(const std::vector<std::string> & paths,
                                              const special_token_rule & rule = {});

// Compares each model with the first. @returns for each but the first what its special tokens are, ascending by token;
// empty where they are the same.
// Throws ERR_TOKENIZER_MISMATCH naming the first ordinary token that differs (with kind::same, the first of all),
// ERR_INVALID_OPTION for a map that names no special token, ERR_NO_TOKENIZER and what inspect_model throws.
std::vector<std::vector<special_token_match>> compare_tokenizers(const std::vector<std::string> & paths,
                                                                 const special_token_rule & rule = {});

}  // namespace rast
