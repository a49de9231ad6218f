// The bytes of a token.
#pragma once

#include "../llama/api.h"

#include <cstdint>
#include <string>

namespace rast {

// As they are shown; control tokens are empty unless `special`.
std::string token_piece(const llama_vocab * vocab, int32_t token, bool special);

}  // namespace rast
