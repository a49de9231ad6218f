#include "merges.h"

#include <algorithm>
#include <cstdint>

namespace rast {

namespace {

constexpr size_t longest_word = 256;  // bytes: the work grows with their square
constexpr uint32_t partner_step = 2654435761U;

size_t character_length(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// A letter that every pre-tokenizer leaves in the word of the letter before it.
bool goes_on_a_word(std::string_view text) {
    return !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
}

std::vector<std::string> copied(const std::vector<std::string_view> & texts) {
    return {texts.begin(), texts.end()};
}

}  // namespace

std::vector<std::string_view> merge_list::tokens_of(std::string_view word,
                                                    const std::unordered_set<std::string_view> & vocabulary) const {
    std::vector<std::string_view> symbols;
    for (size_t at = 0; at < word.size();) {
        const size_t length = std::min(character_length(word[at]), word.size() - at);
        symbols.push_back(word.substr(at, length));
        at += length;
    }
    std::string pair;
    const auto rank_of = [&](std::string_view left, std::string_view right) {
        pair.assign(left).append(1, ' ').append(right);
        const auto found = ranks_.find(pair);
        return found == ranks_.end() ? SIZE_MAX : found->second;
    };
    std::vector<size_t> ranks;  // of each symbol with the next one
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        ranks.push_back(rank_of(symbols[i], symbols[i + 1]));
    }
    while (!ranks.empty()) {
        const auto least = std::min_element(ranks.begin(), ranks.end());
        if (*least == SIZE_MAX) {
            break;
        }
        const auto at = static_cast<size_t>(least - ranks.begin());
        symbols[at] = {symbols[at].data(), symbols[at].size() + symbols[at + 1].size()};
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        ranks.erase(ranks.begin() + static_cast<std::ptrdiff_t>(at));
        if (at > 0) {
            ranks[at - 1] = rank_of(symbols[at - 1], symbols[at]);
        }
        if (at < ranks.size()) {
            ranks[at] = rank_of(symbols[at], symbols[at + 1]);
        }
    }
    std::vector<std::string_view> out;
    for (const std::string_view symbol : symbols) {
        if (vocabulary.contains(symbol)) {
            out.push_back(symbol);
            continue;
        }
        for (size_t i = 0; i < symbol.size(); ++i) {
            out.push_back(symbol.substr(i, 1));
        }
    }
    return out;
}

std::optional<word_difference> first_difference(const merge_list & a, const merge_list & b,
                                                const std::vector<std::string_view> & vocabulary) {
    const std::unordered_set<std::string_view> known(vocabulary.begin(), vocabulary.end());
    const auto compare = [&](std::string_view word) -> std::optional<word_difference> {
        if (word.size() > longest_word) {
            return std::nullopt;
        }
        const auto tokens = a.tokens_of(word, known);
        const auto others = b.tokens_of(word, known);
        if (tokens == others) {
            return std::nullopt;
        }
        return word_difference{std::string(word), copied(tokens), copied(others)};
    };
    for (const std::string_view word : vocabulary) {
        if (auto difference = compare(word)) {
            return difference;
        }
    }
    const auto n = static_cast<uint32_t>(vocabulary.size());
    uint32_t state = 1;
    for (const std::string_view first : vocabulary) {
        for (int tries = 0; tries < 8; ++tries) {
            state = state * partner_step + 1;
            const std::string_view second = vocabulary[(state >> 4) % n];
            if (!goes_on_a_word(second)) {
                continue;
            }
            if (auto difference = compare(std::string(first).append(second))) {
                return difference;
            }
            break;
        }
    }
    return std::nullopt;
}

}  // namespace rast
