#include "tokenizer_comparison.h"

#include "../error.h"
#include "gguf_file.h"
#include "merges.h"
#include "pre_tokenizers.h"
#include "tokenizer_view.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>

namespace rast {

namespace {

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

[[noreturn]] void mismatch(const std::string & what, const gguf_file & reference, const gguf_file & other,
                           rast_error::detail_list details = {}) {
    details.emplace_back("reference", reference.path());
    details.emplace_back("path", other.path());
    throw rast_error(
        "ERR_TOKENIZER_MISMATCH",
        "The models do not share a tokenizer: " + what + " (" + reference.path() + " and " + other.path() + ")",
        std::move(details));
}

void compare_kinds(const gguf_file & reference, const gguf_file & other) {
    for (const char * key : {"tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
        const std::string x = reference.text(key).value_or("none");
        const std::string y = other.text(key).value_or("none");
        if (x != y && pre_tokenizer_rule(x) != pre_tokenizer_rule(y)) {
            mismatch(std::string(key) + " is " + in_quotes(x) + " in one and " + in_quotes(y) + " in the other",
                     reference, other);
        }
    }
}

// @returns the special tokens of the first that the second has not under the same id
std::vector<int32_t> compare_texts(const tokenizer_view & reference, const tokenizer_view & other, bool must_be_same) {
    std::vector<int32_t> apart;
    const int32_t common = std::min(reference.size(), other.size());
    for (int32_t i = 0; i < common; ++i) {
        const std::string_view x = reference.text(i);
        const std::string_view y = other.text(i);
        if (x == y || reference.is_padding(i)) {
            continue;  // padding in any of the models is never drawn
        }
        if (!must_be_same && reference.is_special(i) && (other.is_special(i) || other.is_padding(i))) {
            apart.push_back(i);
        } else if (!other.is_padding(i)) {
            mismatch(
                "token " + std::to_string(i) + " is " + in_quotes(x) + " in one and " + in_quotes(y) + " in the other",
                reference.file(), other.file(),
                {{"token", static_cast<double>(i)}, {"referenceText", std::string(x)}, {"text", std::string(y)}});
        }
    }
    for (int32_t i = common; i < reference.size() && !must_be_same; ++i) {
        if (reference.is_special(i)) {
            apart.push_back(i);
        }
    }
    return apart;
}

// As they stand, or by what texts become.
void compare_merges(const tokenizer_view & reference, const tokenizer_view & other) {
    const auto count = [](const gguf_file & file, int64_t at) {
        return at < 0 ? size_t{0} : gguf_get_arr_n(file.get(), at);
    };
    const gguf_file & x = reference.file();
    const gguf_file & y = other.file();
    const int64_t a = x.strings("tokenizer.ggml.merges");
    const int64_t b = y.strings("tokenizer.ggml.merges");
    const size_t n_a = count(x, a);
    const size_t n_b = count(y, b);
    const auto same = [&](size_t i) {
        return std::strcmp(gguf_get_arr_str(x.get(), a, i), gguf_get_arr_str(y.get(), b, i)) == 0;
    };
    size_t first = 0;
    while (first < std::min(n_a, n_b) && same(first)) {
        ++first;
    }
    if (first == n_a && first == n_b) {
        return;
    }
    const auto list_of = [](const gguf_file & file, int64_t at, size_t n) {
        merge_list list;
        for (size_t i = 0; i < n; ++i) {
            list.add(gguf_get_arr_str(file.get(), at, i));
        }
        return list;
    };
    std::vector<std::string_view> words;
    for (int32_t token = 0; token < std::min(reference.size(), other.size()); ++token) {
        if (!reference.is_special(token) && !reference.is_padding(token)) {
            words.push_back(reference.text(token));
        }
    }
    const auto difference = first_difference(list_of(x, a, n_a), list_of(y, b, n_b), words);
    if (!difference) {
        return;
    }
    const auto joined = [](const std::vector<std::string> & tokens) {
        std::string out;
        for (const auto & token : tokens) {
            out += (out.empty() ? "" : " ") + token;
        }
        return in_quotes(out);
    };
    const auto merge = [&](const gguf_file & file, int64_t at, size_t n) {
        return first < n ? in_quotes(gguf_get_arr_str(file.get(), at, first)) : std::string("missing");
    };
    mismatch("with their merges the word " + in_quotes(difference->word) + " becomes " + joined(difference->tokens) +
                 " in one and " + joined(difference->others) + " in the other; merge " + std::to_string(first) +
                 " is " + merge(x, a, n_a) + " in one and " + merge(y, b, n_b) + " in the other",
             x, y, {{"merge", static_cast<double>(first)}, {"word", difference->word}});
}

// What the map says of a token, for one of the models: nothing where it is silent, or speaks of other models' tokens.
std::optional<int32_t> mapped(const special_token_rule & rule, std::string_view text, const tokenizer_view & other) {
    for (const auto & [from, to] : rule.map) {
        if (from == text) {
            if (!to) {
                return -1;
            }
            if (const int32_t token = other.special_with(*to); token >= 0) {
                return token;
            }
        }
    }
    return std::nullopt;
}

int32_t counterpart(int32_t token, const special_token_rule & rule, const tokenizer_view & reference,
                    const tokenizer_view & other) {
    const std::string_view text = reference.text(token);
    if (const auto said = mapped(rule, text, other)) {
        return *said;
    }
    const int32_t same = other.special_with(text);
    return same >= 0 ? same : other.with_role(reference.role_of(token));
}

// Several tokens may be one of the other's: it stands for what ends the first model's answers, else for the one with
// its id, else for the first.
void choose_ways_back(std::vector<special_token_match> & matches, const tokenizer_view & reference,
                      const tokenizer_view & other) {
    std::map<int32_t, std::vector<special_token_match *>> by_other;
    for (auto & match : matches) {
        if (match.other >= 0) {
            by_other[match.other].push_back(&match);
        }
    }
    for (auto & [token, all] : by_other) {
        const auto is_end = [&](const special_token_match * one) { return one->token == reference.end(); };
        const auto keeps_id = [id = token](const special_token_match * one) { return one->token == id; };
        auto chosen = std::find_if(all.begin(), all.end(), is_end);
        if (chosen == all.end()) {
            chosen = std::find_if(all.begin(), all.end(), keeps_id);
        }
        // the same token in both, of which nothing needs to be said
        const bool identical =
            token < std::min(reference.size(), other.size()) && reference.text(token) == other.text(token) &&
            std::none_of(matches.begin(), matches.end(), [id = token](const auto & one) { return one.token == id; });
        if (chosen == all.end() && !identical) {
            chosen = all.begin();
        }
        for (auto one = all.begin(); one != all.end(); ++one) {
            (*one)->back = one == chosen;
        }
    }
}

std::vector<special_token_match> match_specials(std::vector<int32_t> apart, const special_token_rule & rule,
                                                const tokenizer_view & reference, const tokenizer_view & other) {
    for (const auto & entry : rule.map) {
        apart.push_back(reference.special_with(entry.first));
    }
    std::sort(apart.begin(), apart.end());
    apart.erase(std::unique(apart.begin(), apart.end()), apart.end());
    std::vector<special_token_match> matches;
    for (const int32_t token : apart) {
        special_token_match match;
        match.token = token;
        match.text = reference.text(token);
        match.other = counterpart(token, rule, reference, other);
        if (match.other >= 0) {
            match.other_text = other.text(match.other);
        }
        if (match.other != token || match.other_text != match.text) {
            matches.push_back(std::move(match));
        }
    }
    choose_ways_back(matches, reference, other);
    return matches;
}

void check_map(const special_token_rule & rule, const tokenizer_view & reference,
               const std::deque<tokenizer_view> & others) {
    const auto refuse = [](const std::string & text, const std::string & whose) {
        throw rast_error("ERR_INVALID_OPTION",
                         "Expected texts of special tokens in the map of specialTokens, received " + in_quotes(text) +
                             ", which is none of " + whose,
                         {{"option", "specialTokens"}, {"text", text}});
    };
    for (const auto & [from, to] : rule.map) {
        if (reference.special_with(from) < 0) {
            refuse(from, "the base's");
        }
        const auto knows = [text = to](const tokenizer_view & other) { return other.special_with(*text) >= 0; };
        if (to && std::none_of(others.begin(), others.end(), knows)) {
            refuse(*to, "any small model's");
        }
    }
}

}  // namespace

std::vector<std::vector<special_token_match>> compare_tokenizers(const std::vector<std::string> & paths,
                                                                 const special_token_rule & rule) {
    std::vector<std::vector<special_token_match>> out;
    if (paths.size() < 2) {
        return out;
    }
    std::deque<gguf_file> files;  // views borrow them
    std::deque<tokenizer_view> others;
    files.emplace_back(paths[0]);
    const tokenizer_view reference(files[0]);
    for (size_t i = 1; i < paths.size(); ++i) {
        const gguf_file & file = files.emplace_back(paths[i]);
        compare_kinds(files[0], file);
        others.emplace_back(file);
    }
    check_map(rule, reference, others);
    for (const tokenizer_view & other : others) {
        auto apart = compare_texts(reference, other, rule.how == special_token_rule::kind::same);
        compare_merges(reference, other);
        out.push_back(match_specials(std::move(apart), rule, reference, other));
    }
    return out;
}

}  // namespace rast
