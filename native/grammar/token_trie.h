// The texts of a vocabulary, once by id and once as a tree of their bytes. Immutable, shared by any threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct llama_vocab;

namespace rast {

class token_trie {
  public:
    // Nodes in depth-first order: what has a prefix lies in one run.
    struct node {
        uint32_t end = 0;          // the first node that does not begin with this one's text
        uint32_t first_token = 0;  // in tokens(); those of this text reach to the next node's first
        uint32_t depth = 0;        // bytes
        uint8_t byte = 0;          // the last of them
    };

    // @param texts by id, exactly as they are shown; an empty one can never stand for any text
    // @param ends ids that end the text: they have no text, whatever theirs is
    token_trie(std::vector<std::string> texts, std::vector<bool> ends);

    int32_t size() const { return static_cast<int32_t>(ends_.size()); }

    std::string_view text(int32_t token) const {
        const auto at = static_cast<size_t>(token);
        return std::string_view(bytes_).substr(start_[at], start_[at + 1] - start_[at]);
    }

    bool ends_text(int32_t token) const { return ends_[static_cast<size_t>(token)]; }

    const std::vector<int32_t> & end_tokens() const { return end_tokens_; }

    // [0] is the root, without a byte; one more than there are closes the list.
    const std::vector<node> & nodes() const { return nodes_; }

    // Ids with a text, in the order of the nodes.
    const std::vector<int32_t> & tokens() const { return tokens_; }

    uint32_t depth() const { return depth_; }

    size_t memory_bytes() const;

  private:
    std::string bytes_;
    std::vector<uint32_t> start_;
    std::vector<bool> ends_;
    std::vector<int32_t> end_tokens_;
    std::vector<node> nodes_;
    std::vector<int32_t> tokens_;
    uint32_t depth_ = 0;
};

// Of a model's vocabulary.
// @param show_special whether control tokens are shown as text; otherwise they have none
std::shared_ptr<const token_trie> make_token_trie(const llama_vocab * vocab, bool show_special);

}  // namespace rast
