// The tokenizer that a GGUF file holds, as far as models are compared by it.
#pragma once

#include "gguf_file.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rast {

// What special tokens are for, where models of one family call them differently.
enum class token_role { none, end_of_text, end_of_turn, begin_of_text, begin_of_turn, padding };

// By the text, in the spellings that model families use.
token_role role_of_text(std::string_view text);

// Borrows the file.
class tokenizer_view {
  public:
    // Throws ERR_NO_TOKENIZER.
    explicit tokenizer_view(const gguf_file & file);

    const gguf_file & file() const { return file_; }

    int32_t size() const { return size_; }

    std::string_view text(int32_t token) const;

    // llama_token_type, as the file has it.
    int32_t type(int32_t token) const;

    // Never drawn, and nothing is made of it.
    bool is_padding(int32_t token) const;
    // Control tokens, and those that a user or a model's maker has added.
    bool is_special(int32_t token) const;

    // The special token with this text; -1 for none.
    int32_t special_with(std::string_view text) const;

    // By what the header says of it, and by its text.
    token_role role_of(int32_t token) const;

    // The special token with this role, -1 for none: the one that the header names, else by text. What ends a turn is
    // what ends this model's answers.
    int32_t with_role(token_role role) const;

    // What ends this model's answers, as its header says; -1 where it says nothing.
    int32_t end() const { return end_of_turn_ >= 0 ? end_of_turn_ : end_of_text_; }

  private:
    int32_t named(const char * key) const;

    const gguf_file & file_;
    int64_t texts_;
    int32_t size_ = 0;
    const int32_t * types_ = nullptr;
    int32_t types_size_ = 0;
    std::vector<int32_t> specials_;  // ascending
    std::unordered_map<std::string_view, int32_t> by_text_;
    int32_t end_of_text_ = -1;
    int32_t end_of_turn_ = -1;
    int32_t begin_of_text_ = -1;
    int32_t padding_ = -1;
};

}  // namespace rast
