#include "special_texts.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace rast {

namespace {

constexpr int control_attributes = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN;
constexpr size_t bytes_per_breath = 64U << 10U;

bool is_space(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

// Whether a range touches one of these, which are in order.
bool touches(const std::vector<text_range> & contents, const text_range & at) {
    const auto behind = std::partition_point(contents.begin(), contents.end(),
                                             [&](const text_range & range) { return range.to <= at.from; });
    return behind != contents.end() && behind->from < at.to;
}

}  // namespace

bool is_control(const llama_vocab * vocab, llama_token token) {
    const int attributes = llama_vocab_get_attr(vocab, token);
    if ((attributes & LLAMA_TOKEN_ATTR_USER_DEFINED) == 0) {
        return (attributes & control_attributes) != 0;
    }
    const std::string_view text = llama_vocab_get_text(vocab, token);
    const auto ends_with = [&](std::string_view end) {
        return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
    };
    return text.substr(0, 2) == "<|" || text.substr(0, 4) == "<\xEF\xBD\x9C" || ends_with("|>") ||
           ends_with("\xEF\xBD\x9C>");
}

special_texts::special_texts(const llama_vocab * vocab) {
    std::set<size_t> lengths;
    std::vector<llama_token> tokens;
    const int32_t n = llama_vocab_n_tokens(vocab);
    for (llama_token token = 0; token < n; ++token) {
        const std::string_view text = llama_vocab_get_text(vocab, token);
        if ((llama_vocab_get_attr(vocab, token) & special_attributes) != 0 && !text.empty()) {
            tokens.push_back(token);
            lengths.insert(text.size());
            begins_[static_cast<uint8_t>(text[0])] = true;
        }
    }
    std::stable_sort(tokens.begin(), tokens.end(), [&](llama_token a, llama_token b) {
        return std::string_view(llama_vocab_get_text(vocab, a)).size() >
               std::string_view(llama_vocab_get_text(vocab, b)).size();
    });
    for (size_t i = 0; i < tokens.size(); ++i) {
        const int attributes = llama_vocab_get_attr(vocab, tokens[i]);
        const auto has = [&](int what) { return (attributes & what) != 0; };
        by_text_.try_emplace(llama_vocab_get_text(vocab, tokens[i]),
                             special{tokens[i], i, is_control(vocab, tokens[i]), has(LLAMA_TOKEN_ATTR_USER_DEFINED),
                                     has(LLAMA_TOKEN_ATTR_LSTRIP), has(LLAMA_TOKEN_ATTR_RSTRIP)});
    }
    lengths_.assign(lengths.begin(), lengths.end());
}

template <typename Found>
void special_texts::look(std::string_view text, text_range where, const std::function<void()> & breathe,
                         const Found & found) const {
    for (size_t at = where.from; at < std::min(where.to, text.size()); ++at) {
        if ((at - where.from) % bytes_per_breath == bytes_per_breath - 1) {
            breathe();
        }
        if (!begins_[static_cast<uint8_t>(text[at])]) {
            continue;
        }
        for (const size_t length : lengths_) {
            if (length > text.size() - at) {
                break;
            }
            const auto known = by_text_.find(text.substr(at, length));
            if (known != by_text_.end()) {
                found(occurrence{&known->second, {at, at + length}});
            }
        }
    }
}

bool special_texts::control_within(std::string_view text, const std::vector<text_range> & contents,
                                   const std::function<void()> & breathe) const {
    bool any = false;
    const size_t longest = lengths_.empty() ? 0 : lengths_.back();
    for (const text_range & content : contents) {
        const size_t reaches = std::min(content.from, longest);
        look(text, {content.from - reaches, content.to}, breathe,
             [&](const occurrence & found) { any = any || (found.what->control && found.at.to > content.from); });
        if (any) {
            return true;
        }
    }
    return false;
}

std::vector<text_fragment> special_texts::split(std::string_view text, const std::vector<text_range> & contents,
                                                const std::function<void()> & breathe) const {
    std::vector<occurrence> found;
    std::set<size_t> cuts;
    look(text, {0, text.size()}, breathe, [&](const occurrence & one) {
        if (!one.what->control || !touches(contents, one.at)) {
            found.push_back(one);
        } else if (one.what->always) {
            cuts.insert(one.at.from + 1);
        }
    });
    std::stable_sort(found.begin(), found.end(),
                     [](const occurrence & a, const occurrence & b) { return a.what->order < b.what->order; });

    // What is taken, by its first byte: the token with the spaces that it takes off.
    struct taken {
        text_range at;
        const special * what;
    };
    std::map<size_t, taken> all;
    for (const occurrence & one : found) {
        const auto behind = all.lower_bound(one.at.from);
        const size_t left_end = behind == all.begin() ? 0 : std::prev(behind)->second.at.to;
        const size_t right_end = behind == all.end() ? text.size() : behind->second.at.from;
        if (left_end > one.at.from || right_end < one.at.to) {
            continue;
        }
        text_range at = one.at;
        while (one.what->strips_left && at.from > left_end && is_space(text[at.from - 1])) {
            --at.from;
        }
        while (one.what->strips_right && at.to < right_end && is_space(text[at.to])) {
            ++at.to;
        }
        all.emplace(at.from, taken{at, one.what});
    }

    std::vector<text_fragment> fragments;
    size_t from = 0;
    const auto add_text = [&](size_t to) {
        for (auto cut = cuts.upper_bound(from); cut != cuts.end() && *cut < to; ++cut) {
            fragments.push_back({-1, {from, *cut}, false});
            from = *cut;
        }
        if (to > from) {
            fragments.push_back({-1, {from, to}, false});
        }
    };
    for (const auto & [start, one] : all) {
        add_text(start);
        fragments.push_back({one.what->token, one.at, one.what->control});
        from = one.at.to;
    }
    add_text(text.size());
    return fragments;
}

}  // namespace rast
