#include "token_piece.h"

#include <algorithm>

namespace rast {

std::string token_piece(const llama_vocab * vocab, int32_t token, bool special) {
    char small[64];
    int32_t n = llama_token_to_piece(vocab, token, small, sizeof small, 0, special);
    if (n >= 0) {
        return {small, static_cast<size_t>(n)};
    }
    std::string large(static_cast<size_t>(-n), '\0');
    n = llama_token_to_piece(vocab, token, large.data(), static_cast<int32_t>(large.size()), 0, special);
    large.resize(static_cast<size_t>(std::max(0, n)));
    return large;
}

}  // namespace rast
