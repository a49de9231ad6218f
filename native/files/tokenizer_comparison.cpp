#include "tokenizer_comparison.h"

#include "../error.h"
#include "gguf_file.h"
#include "merges.h"
#include "pre_tokenizers.h"
#include "tokenizer_view.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <map>

namespace rast {

namespace {

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

using difference_kind = tokenizer_difference::kind;

constexpr size_t most_examples = 5;

[[noreturn]] void mismatch(const tokenizer_difference & difference, const gguf_file & reference,
                           const gguf_file & other) {
    rast_error::detail_list details;
    for (const auto & [name, value] : difference.numbers) {
        details.emplace_back(name, value);
    }
    for (const auto & [name, value] : difference.texts) {
        details.emplace_back(name, value);
    }
    details.emplace_back("reference", reference.path());
    details.emplace_back("path", other.path());
    throw rast_error("ERR_TOKENIZER_MISMATCH",
                     "The models do not share a tokenizer: " + difference.what + " (" + reference.path() + " and " +
                         other.path() + ")",
                     std::move(details));
}

// Takes each difference as it is found, those that keep models apart before all others.
using difference_sink = std::function<void(tokenizer_difference &&)>;

void compare_kinds(const gguf_file & reference, const gguf_file & other, const difference_sink & found) {
    for (const char * key : {"tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
        const std::string x = reference.text(key).value_or("none");
        const std::string y = other.text(key).value_or("none");
        if (x != y && pre_tokenizer_rule(x) != pre_tokenizer_rule(y)) {
            tokenizer_difference difference;
            difference.of = key == std::string_view("tokenizer.ggml.model") ? difference_kind::model
                                                                            : difference_kind::pre_tokenizer;
            difference.what =
                std::string(key) + " is " + in_quotes(x) + " in one and " + in_quotes(y) + " in the other";
            found(std::move(difference));
        }
    }
}

// @returns the special tokens of the first that the second has not under the same id
std::vector<int32_t> compare_texts(const tokenizer_view & reference, const tokenizer_view & other, bool must_be_same,
                                   const difference_sink & found) {
    std::vector<int32_t> apart;
    tokenizer_difference ordinary;
    ordinary.of = difference_kind::tokens;
    tokenizer_difference special;
    special.of = difference_kind::special_tokens;
    const auto add = [](tokenizer_difference & to, int32_t token, std::string_view x, std::string_view y) {
        to.count = to.examples.empty() ? 1 : to.count + 1;
        if (to.examples.empty()) {
            to.what = "token " + std::to_string(token) + " is " + in_quotes(x) + " in one and " + in_quotes(y) +
                      " in the other";
            to.numbers = {{"token", static_cast<double>(token)}};
            to.texts = {{"referenceText", std::string(x)}, {"text", std::string(y)}};
        }
        if (to.examples.size() < most_examples) {
            to.examples.push_back({token, std::string(x), std::string(y)});
        }
    };
    const int32_t common = std::min(reference.size(), other.size());
    for (int32_t i = 0; i < common; ++i) {
        const std::string_view x = reference.text(i);
        const std::string_view y = other.text(i);
        if (x == y || reference.is_padding(i)) {
            continue;  // padding in any of the models is never drawn
        }
        const bool both_special = reference.is_special(i) && (other.is_special(i) || other.is_padding(i));
        if (!must_be_same && both_special) {
            apart.push_back(i);
        } else if (!other.is_padding(i)) {
            add(both_special ? special : ordinary, i, x, y);
        }
    }
    for (int32_t i = common; i < reference.size() && !must_be_same; ++i) {
        if (reference.is_special(i)) {
            apart.push_back(i);
        }
    }
    // the error of a load names the first of all
    const bool special_first = !special.examples.empty() &&
                               (ordinary.examples.empty() || special.examples[0].token < ordinary.examples[0].token);
    for (tokenizer_difference * one :
         special_first ? std::array{&special, &ordinary} : std::array{&ordinary, &special}) {
        if (!one->examples.empty()) {
            found(std::move(*one));
        }
    }
    return apart;
}

// As they stand, or by what texts become.
void compare_merges(const tokenizer_view & reference, const tokenizer_view & other, const difference_sink & found) {
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
    const auto word = first_difference(list_of(x, a, n_a), list_of(y, b, n_b), words);
    if (!word) {
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
    tokenizer_difference difference;
    difference.of = difference_kind::merges;
    difference.what = "with their merges the word " + in_quotes(word->word) + " becomes " + joined(word->tokens) +
                      " in one and " + joined(word->others) + " in the other; merge " + std::to_string(first) + " is " +
                      merge(x, a, n_a) + " in one and " + merge(y, b, n_b) + " in the other";
    difference.numbers = {{"merge", static_cast<double>(first)}};
    difference.texts = {{"word", word->word}};
    found(std::move(difference));
}

const char * type_name(const tokenizer_view & view, int32_t token) {
    switch (view.type(token)) {
        case LLAMA_TOKEN_TYPE_NORMAL: return "ordinary";
        case LLAMA_TOKEN_TYPE_UNKNOWN: return "unknown";
        case LLAMA_TOKEN_TYPE_CONTROL: return "control";
        case LLAMA_TOKEN_TYPE_USER_DEFINED: return "user-defined";
        case LLAMA_TOKEN_TYPE_UNUSED: return "unused";
        case LLAMA_TOKEN_TYPE_BYTE: return "byte";
        default: return "undefined";
    }
}

// The same text as another kind of token: prompts may be cut otherwise, and a control token is not shown.
void compare_types(const tokenizer_view & reference, const tokenizer_view & other, const difference_sink & found) {
    tokenizer_difference difference;
    difference.of = difference_kind::token_types;
    difference.count = 0;
    for (int32_t i = 0; i < std::min(reference.size(), other.size()); ++i) {
        if (reference.type(i) == other.type(i) || reference.text(i) != other.text(i) || reference.is_padding(i) ||
            other.is_padding(i)) {
            continue;
        }
        if (difference.count++ == 0) {
            difference.what = "token " + std::to_string(i) + " " + in_quotes(reference.text(i)) + " is " +
                              type_name(reference, i) + " in one and " + type_name(other, i) + " in the other";
        }
        if (difference.examples.size() < most_examples) {
            difference.examples.push_back({i, type_name(reference, i), type_name(other, i)});
        }
    }
    if (difference.count > 0) {
        found(std::move(difference));
    }
}

// SentencePiece joins by scores: ordinary tokens with other ones may cut texts otherwise.
void compare_scores(const tokenizer_view & reference, const tokenizer_view & other, const difference_sink & found) {
    const auto scores_of = [](const gguf_file & file) -> std::pair<const float *, size_t> {
        const int64_t id = gguf_find_key(file.get(), "tokenizer.ggml.scores");
        if (id < 0 || gguf_get_kv_type(file.get(), id) != GGUF_TYPE_ARRAY ||
            gguf_get_arr_type(file.get(), id) != GGUF_TYPE_FLOAT32) {
            return {nullptr, 0};
        }
        return {static_cast<const float *>(gguf_get_arr_data(file.get(), id)), gguf_get_arr_n(file.get(), id)};
    };
    const std::string model = reference.file().text("tokenizer.ggml.model").value_or("");
    if (model != "llama" && model != "t5") {
        return;  // others do not read them
    }
    const auto [a, n_a] = scores_of(reference.file());
    const auto [b, n_b] = scores_of(other.file());
    const auto common = std::min({static_cast<size_t>(reference.size()), static_cast<size_t>(other.size()), n_a, n_b});
    tokenizer_difference difference;
    difference.of = difference_kind::scores;
    difference.count = 0;
    for (size_t i = 0; i < common; ++i) {
        const auto token = static_cast<int32_t>(i);
        if (a[i] == b[i] || reference.is_special(token) || reference.is_padding(token) || other.is_padding(token)) {
            continue;
        }
        if (difference.count++ == 0) {
            difference.what = "token " + std::to_string(token) + " " + in_quotes(reference.text(token)) +
                              " has the score " + std::to_string(a[i]) + " in one and " + std::to_string(b[i]) +
                              " in the other";
        }
        if (difference.examples.size() < most_examples) {
            difference.examples.push_back({token, std::to_string(a[i]), std::to_string(b[i])});
        }
    }
    if (difference.count > 0) {
        found(std::move(difference));
    }
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
    const auto refuse = [&](const gguf_file & other) {
        return [&](tokenizer_difference && difference) { mismatch(difference, files[0], other); };
    };
    for (size_t i = 1; i < paths.size(); ++i) {
        const gguf_file & file = files.emplace_back(paths[i]);
        compare_kinds(files[0], file, refuse(file));
        others.emplace_back(file);
    }
    check_map(rule, reference, others);
    for (const tokenizer_view & other : others) {
        const difference_sink refuse_it = refuse(other.file());
        auto apart = compare_texts(reference, other, rule.how == special_token_rule::kind::same, refuse_it);
        compare_merges(reference, other, refuse_it);
        out.push_back(match_specials(std::move(apart), rule, reference, other));
    }
    return out;
}

std::vector<tokenizer_match> match_tokenizers(const std::vector<std::string> & paths, const special_token_rule & rule) {
    std::vector<tokenizer_match> out;
    if (paths.size() < 2) {
        return out;
    }
    std::deque<gguf_file> files;  // views borrow them
    files.emplace_back(paths[0]);
    const tokenizer_view reference(files[0]);
    std::deque<tokenizer_view> others;
    for (size_t i = 1; i < paths.size(); ++i) {
        others.emplace_back(files.emplace_back(paths[i]));
    }
    check_map(rule, reference, others);
    for (const tokenizer_view & other : others) {
        tokenizer_match & match = out.emplace_back();
        const difference_sink keep = [&](tokenizer_difference && difference) {
            match.differences.push_back(std::move(difference));
        };
        compare_kinds(reference.file(), other.file(), keep);
        auto apart = compare_texts(reference, other, rule.how == special_token_rule::kind::same, keep);
        compare_merges(reference, other, keep);
        compare_types(reference, other, keep);
        compare_scores(reference, other, keep);
        match.specials = match_specials(std::move(apart), rule, reference, other);
    }
    return out;
}

}  // namespace rast
