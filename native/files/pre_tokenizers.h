// What names of pre-tokenizers stand for in llama.cpp: several may be one rule.
#pragma once

#include <string>
#include <string_view>

namespace rast {

// The name that the rule goes by here; a name that is not an alias is its own. As in llama.cpp's llama-vocab.cpp: the
// same expressions that cut a text into words, and the same treatment of whole words.
std::string_view pre_tokenizer_rule(std::string_view name);

}  // namespace rast
