#include "token_trie.h"

#include "../llama/api.h"
#include "../text/token_piece.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace rast {

token_trie::token_trie(std::vector<std::string> texts, std::vector<bool> ends) : ends_(std::move(ends)) {
    if (texts.size() != ends_.size()) {
        throw std::invalid_argument("as many texts as flags");
    }
    size_t total = 0;
    for (const std::string & text : texts) {
        total += text.size();
    }
    if (total >= std::numeric_limits<uint32_t>::max() || texts.size() >= std::numeric_limits<int32_t>::max()) {
        throw std::length_error("a vocabulary of 4 GiB");
    }
    bytes_.reserve(total);
    start_.reserve(texts.size() + 1);
    for (size_t i = 0; i < texts.size(); ++i) {
        start_.push_back(static_cast<uint32_t>(bytes_.size()));
        bytes_ += texts[i];
        if (ends_[i]) {
            end_tokens_.push_back(static_cast<int32_t>(i));
        } else if (!texts[i].empty()) {
            tokens_.push_back(static_cast<int32_t>(i));
        }
    }
    start_.push_back(static_cast<uint32_t>(bytes_.size()));
    std::sort(tokens_.begin(), tokens_.end(), [&](int32_t x, int32_t y) {
        const int order = text(x).compare(text(y));  // by bytes, as unsigned characters
        return order != 0 ? order < 0 : x < y;
    });

    nodes_.push_back({});
    std::vector<uint32_t> open{0};  // the nodes of the text at hand, by depth
    const auto close_to = [&](size_t depth) {
        while (open.size() > depth + 1) {
            nodes_[open.back()].end = static_cast<uint32_t>(nodes_.size());
            open.pop_back();
        }
    };
    std::string_view before;
    for (uint32_t i = 0; i < tokens_.size(); ++i) {
        const std::string_view now = text(tokens_[i]);
        const auto apart = std::mismatch(before.begin(), before.end(), now.begin(), now.end()).second;
        const auto common = static_cast<size_t>(apart - now.begin());
        close_to(common);
        for (size_t d = common; d < now.size(); ++d) {
            open.push_back(static_cast<uint32_t>(nodes_.size()));
            nodes_.push_back({0, i, static_cast<uint32_t>(d + 1), static_cast<uint8_t>(now[d])});
        }
        depth_ = std::max(depth_, static_cast<uint32_t>(now.size()));
        before = now;
    }
    close_to(0);
    const auto count = static_cast<uint32_t>(nodes_.size());
    nodes_[0].end = count;
    nodes_.push_back({count + 1, static_cast<uint32_t>(tokens_.size()), 0, 0});
    nodes_.shrink_to_fit();
}

size_t token_trie::memory_bytes() const {
    return bytes_.size() + (start_.size() + tokens_.size() + end_tokens_.size()) * sizeof(uint32_t) +
           nodes_.size() * sizeof(node) + ends_.size() / 8;
}

std::shared_ptr<const token_trie> make_token_trie(const llama_vocab * vocab, bool show_special) {
    const auto n = static_cast<size_t>(std::max(0, llama_vocab_n_tokens(vocab)));
    std::vector<std::string> texts(n);
    std::vector<bool> ends(n);
    for (size_t i = 0; i < n; ++i) {
        const auto token = static_cast<int32_t>(i);
        texts[i] = token_piece(vocab, token, show_special);
        ends[i] = llama_vocab_is_eog(vocab, token);
    }
    return std::make_shared<const token_trie>(std::move(texts), std::move(ends));
}

}  // namespace rast
