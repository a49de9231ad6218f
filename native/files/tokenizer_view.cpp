#include "tokenizer_view.h"

#include "../error.h"

#include <string>
#include <utility>

namespace rast {

namespace {

using named_role = std::pair<std::string_view, token_role>;

constexpr named_role roles[] = {
    {"<|endoftext|>", token_role::end_of_text},
    {"<|end_of_text|>", token_role::end_of_text},
    {"<|end_of_sentence|>", token_role::end_of_text},
    {"</s>", token_role::end_of_text},
    {"<eos>", token_role::end_of_text},
    {"<|eos|>", token_role::end_of_text},
    {"[eos]", token_role::end_of_text},
    {"<eos_token>", token_role::end_of_text},
    {"<|im_end|>", token_role::end_of_turn},
    {"<|eot_id|>", token_role::end_of_turn},
    {"<|eot|>", token_role::end_of_turn},
    {"<eot>", token_role::end_of_turn},
    {"_<eot>", token_role::end_of_turn},
    {"<|end|>", token_role::end_of_turn},
    {"<|return|>", token_role::end_of_turn},
    {"<end_of_turn>", token_role::end_of_turn},
    {"<|end_of_turn|>", token_role::end_of_turn},
    {"<|end_of_turn_token|>", token_role::end_of_turn},
    {"<end_of_utterance>", token_role::end_of_turn},
    {"<|begin_of_text|>", token_role::begin_of_text},
    {"<|begin_of_sentence|>", token_role::begin_of_text},
    {"<|startoftext|>", token_role::begin_of_text},
    {"<s>", token_role::begin_of_text},
    {"<bos>", token_role::begin_of_text},
    {"<|bos|>", token_role::begin_of_text},
    {"[bos]", token_role::begin_of_text},
    {"<bos_token>", token_role::begin_of_text},
    {"<|im_start|>", token_role::begin_of_turn},
    {"<|user|>", token_role::begin_of_turn},
    {"<|start_header_id|>", token_role::begin_of_turn},
    {"<|start|>", token_role::begin_of_turn},
    {"<|header_start|>", token_role::begin_of_turn},
    {"<start_of_turn>", token_role::begin_of_turn},
    {"<|start_of_turn_token|>", token_role::begin_of_turn},
    {"<|turn_start|>", token_role::begin_of_turn},
    {"<pad>", token_role::padding},
    {"<|pad|>", token_role::padding},
    {"[pad]", token_role::padding},
    {"<|_pad_|>", token_role::padding},
    {"<|finetune_right_pad_id|>", token_role::padding},
};

void replace_all(std::string & text, std::string_view from, std::string_view to) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

token_role role_of_text(std::string_view text) {
    std::string plain(text.substr(0, 64));
    // DeepSeek writes its marks with a wide bar and SentencePiece's space
    replace_all(plain, "\xEF\xBD\x9C", "|");
    replace_all(plain, "\xE2\x96\x81", "_");
    for (char & letter : plain) {
        letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    }
    for (const auto & [name, role] : roles) {
        if (name == plain) {
            return role;
        }
    }
    return token_role::none;
}

tokenizer_view::tokenizer_view(const gguf_file & file) : file_(file), texts_(file.strings("tokenizer.ggml.tokens")) {
    if (texts_ < 0) {
        throw rast_error("ERR_NO_TOKENIZER", file.path() + " has no tokenizer", {{"path", file.path()}});
    }
    size_ = static_cast<int32_t>(gguf_get_arr_n(file.get(), texts_));
    const int64_t types = gguf_find_key(file.get(), "tokenizer.ggml.token_type");
    if (types >= 0 && gguf_get_kv_type(file.get(), types) == GGUF_TYPE_ARRAY &&
        gguf_get_arr_type(file.get(), types) == GGUF_TYPE_INT32) {
        types_ = static_cast<const int32_t *>(gguf_get_arr_data(file.get(), types));
        types_size_ = static_cast<int32_t>(gguf_get_arr_n(file.get(), types));
    }
    for (int32_t token = 0; token < size_; ++token) {
        if (is_special(token)) {
            specials_.push_back(token);
            by_text_.try_emplace(text(token), token);
        }
    }
    end_of_text_ = named("tokenizer.ggml.eos_token_id");
    end_of_turn_ = named("tokenizer.ggml.eot_token_id");
    begin_of_text_ = named("tokenizer.ggml.bos_token_id");
    padding_ = named("tokenizer.ggml.padding_token_id");
}

std::string_view tokenizer_view::text(int32_t token) const {
    return gguf_get_arr_str(file_.get(), texts_, static_cast<size_t>(token));
}

int32_t tokenizer_view::type(int32_t token) const {
    return token < types_size_ ? types_[token] : LLAMA_TOKEN_TYPE_NORMAL;
}

bool tokenizer_view::is_padding(int32_t token) const {
    return token < types_size_ ? type(token) == LLAMA_TOKEN_TYPE_UNUSED : text(token).starts_with("[PAD");
}

bool tokenizer_view::is_special(int32_t token) const {
    const int32_t is = type(token);
    return is == LLAMA_TOKEN_TYPE_CONTROL || is == LLAMA_TOKEN_TYPE_USER_DEFINED || is == LLAMA_TOKEN_TYPE_UNKNOWN;
}

int32_t tokenizer_view::named(const char * key) const {
    const uint64_t token = file_.number(key).value_or(UINT64_MAX);
    return token < static_cast<uint64_t>(size_) && is_special(static_cast<int32_t>(token)) ? static_cast<int32_t>(token)
                                                                                           : -1;
}

int32_t tokenizer_view::special_with(std::string_view text) const {
    const auto found = by_text_.find(text);
    return found == by_text_.end() ? -1 : found->second;
}

token_role tokenizer_view::role_of(int32_t token) const {
    if (const token_role role = role_of_text(text(token)); role != token_role::none) {
        return role;
    }
    return token == end_of_turn_     ? token_role::end_of_turn
           : token == end_of_text_   ? token_role::end_of_text
           : token == begin_of_text_ ? token_role::begin_of_text
           : token == padding_       ? token_role::padding
                                     : token_role::none;
}

int32_t tokenizer_view::with_role(token_role role) const {
    const auto by_text = [&] {
        for (const int32_t token : specials_) {
            if (role_of_text(text(token)) == role) {
                return token;
            }
        }
        return -1;
    };
    const auto first_of = [](int32_t one, int32_t other) { return one >= 0 ? one : other; };
    switch (role) {
        case token_role::end_of_turn: return first_of(end(), by_text());
        case token_role::end_of_text:
            return end_of_text_ >= 0 && role_of_text(text(end_of_text_)) != token_role::end_of_turn
                       ? end_of_text_
                       : first_of(by_text(), end_of_text_);
        case token_role::begin_of_text: return first_of(begin_of_text_, by_text());
        case token_role::padding: return first_of(padding_, by_text());
        case token_role::begin_of_turn: return by_text();
        default: return -1;
    }
}

}  // namespace rast
