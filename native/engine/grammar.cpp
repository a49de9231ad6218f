#include "grammar.h"

#include "../llama/libraries.h"
#include "error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace rast {

namespace {

constexpr float never = -1e29F;
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();
// Refused tokens that are taken out one by one; then the grammar looks at all that are left. One by one is quicker
// where a few tokens hold nearly everything, and all at once takes some 0.1 s for a large vocabulary.
constexpr int one_by_one = 24;

// llama.cpp's parser recurses with every parenthesis, and its time grows with the cube of repetitions in one rule.
constexpr size_t longest_grammar = 256 * 1024;
constexpr int deepest_parentheses = 200;
constexpr int most_repetitions = 200;  // ? * + { of one rule

void check_size(const std::string & gbnf) {
    const auto refuse = [](const std::string & what) { throw rast_error("ERR_GRAMMAR", "The grammar " + what); };
    if (gbnf.size() > longest_grammar) {
        refuse("has more than " + std::to_string(longest_grammar) + " bytes");
    }
    int depth = 0;
    int repetitions = 0;
    for (size_t i = 0; i < gbnf.size(); ++i) {
        switch (gbnf[i]) {
            case '#': i = std::min(gbnf.find('\n', i), gbnf.size()); break;
            case '"':
            case '[': {
                const char end = gbnf[i] == '"' ? '"' : ']';
                for (++i; i < gbnf.size() && gbnf[i] != end; ++i) {
                    i += gbnf[i] == '\\' ? 1 : 0;
                }
                break;
            }
            case '(': ++depth; break;
            case ')': --depth; break;
            case '=': repetitions = 0; break;
            case '?':
            case '*':
            case '+':
            case '{': ++repetitions; break;
            default: break;
        }
        if (depth > deepest_parentheses) {
            refuse("nests parentheses more than " + std::to_string(deepest_parentheses) + " deep");
        }
        if (repetitions > most_repetitions) {
            refuse("has a rule with more than " + std::to_string(most_repetitions) + " repetitions");
        }
    }
}

bool filters(const row_settings & s) {
    return s.top_k > 0 || s.top_p < 1.0F || s.min_p > 0.0F;
}

// Tokens with their weights, as drawn from.
struct choice {
    std::vector<llama_token> tokens;
    std::vector<double> weights;

    double total() const { return std::accumulate(weights.begin(), weights.end(), 0.0); }

    size_t at(double u) const {
        const double target = u * total();
        double sum = 0;
        size_t last = 0;
        for (size_t i = 0; i < tokens.size(); ++i) {
            if (weights[i] > 0) {
                last = i;
                sum += weights[i];
                if (sum > target) {
                    return i;
                }
            }
        }
        return last;
    }

    void remove(llama_token token) {
        const auto found = std::find(tokens.begin(), tokens.end(), token);
        if (found != tokens.end()) {
            weights[static_cast<size_t>(found - tokens.begin())] = 0;
        }
    }
};

// What the filters keep, likeliest first (ties by id); without filters everything, by id.
choice choose(const std::vector<float> & logits, const row_settings & settings) {
    choice out;
    for (size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > never) {
            out.tokens.push_back(static_cast<llama_token>(i));
        }
    }
    if (out.tokens.empty()) {
        return out;
    }
    const auto logit = [&](llama_token token) { return logits[static_cast<size_t>(token)]; };
    const float largest = logit(
        *std::max_element(out.tokens.begin(), out.tokens.end(), [&](auto a, auto b) { return logit(a) < logit(b); }));
    const auto weigh = [&] {
        out.weights.clear();
        for (const llama_token token : out.tokens) {
            out.weights.push_back(std::exp((static_cast<double>(logit(token)) - largest) / settings.temperature));
        }
    };
    if (!filters(settings)) {
        weigh();
        return out;
    }
    std::sort(out.tokens.begin(), out.tokens.end(),
              [&](auto a, auto b) { return logit(a) != logit(b) ? logit(a) > logit(b) : a < b; });
    if (settings.top_k > 0 && static_cast<size_t>(settings.top_k) < out.tokens.size()) {
        out.tokens.resize(static_cast<size_t>(settings.top_k));
    }
    weigh();
    if (settings.top_p < 1.0F) {
        const double enough = settings.top_p * out.total();
        double sum = 0;
        size_t n = 0;
        while (n < out.weights.size() && sum < enough) {
            sum += out.weights[n++];
        }
        out.weights.resize(std::max<size_t>(1, n));
    }
    while (out.weights.size() > 1 && out.weights.back() < settings.min_p) {
        out.weights.pop_back();
    }
    out.tokens.resize(out.weights.size());
    return out;
}

llama_token largest_of(const std::vector<float> & logits) {
    const auto largest = std::max_element(logits.begin(), logits.end());
    return largest != logits.end() && *largest > never ? static_cast<llama_token>(largest - logits.begin()) : -1;
}

void keep_only(std::vector<float> & logits, const std::vector<llama_token> & tokens) {
    std::vector<float> kept(logits.size(), minus_infinity);
    for (const llama_token token : tokens) {
        kept[static_cast<size_t>(token)] = logits[static_cast<size_t>(token)];
    }
    logits.swap(kept);
}

// Leaves the allowed tokens only. False if there are none.
bool keep_allowed(std::vector<float> & logits, const grammar_state & grammar) {
    std::vector<llama_token> tokens;
    for (size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > never) {
            tokens.push_back(static_cast<llama_token>(i));
        }
    }
    const auto allowed = grammar.allowed(tokens);
    keep_only(logits, allowed);
    return !allowed.empty();
}

}  // namespace

grammar_state::grammar_state(const llama_vocab * vocab, const std::string & gbnf) {
    check_size(gbnf);
    const llama::log_capture log;
    try {
        sampler_.reset(llama_sampler_init_grammar(vocab, gbnf.c_str(), "root"));
    } catch (const std::exception & error) {
        throw rast_error("ERR_GRAMMAR", std::string("The grammar does not parse: ") + error.what());
    }
    if (!sampler_) {
        const std::string why = log.problems();
        throw rast_error("ERR_GRAMMAR", "The grammar does not parse" + (why.empty() ? "" : ": " + why));
    }
}

grammar_state::grammar_state(const grammar_state & other) : sampler_(llama_sampler_clone(other.sampler_.get())) {}

std::vector<llama_token> grammar_state::allowed(const std::vector<llama_token> & tokens) const {
    std::vector<llama_token_data> data;
    data.reserve(tokens.size());
    for (const llama_token token : tokens) {
        data.push_back({token, 0.0F, 0.0F});
    }
    llama_token_data_array array{data.data(), data.size(), -1, false};
    llama_sampler_apply(sampler_.get(), &array);
    std::vector<llama_token> out;
    for (const auto & one : data) {
        if (std::isfinite(one.logit)) {
            out.push_back(one.id);
        }
    }
    return out;
}

bool grammar_state::allows(llama_token token) const {
    return !allowed({token}).empty();
}

void grammar_state::accept(llama_token token) {
    llama_sampler_accept(sampler_.get(), token);
}

int32_t draw_allowed(std::vector<float> & logits, const row_settings & settings, llama_token refused,
                     const grammar_state & grammar, const std::function<float()> & next_number) {
    if (settings.temperature <= 0.0F) {
        logits[static_cast<size_t>(refused)] = minus_infinity;
        for (int tries = 0; tries < one_by_one; ++tries) {
            const llama_token token = largest_of(logits);
            if (token < 0) {
                return row_invalid;
            }
            if (grammar.allows(token)) {
                return token;
            }
            logits[static_cast<size_t>(token)] = minus_infinity;
        }
        return keep_allowed(logits, grammar) ? largest_of(logits) : row_invalid;
    }
    choice set = choose(logits, settings);
    set.remove(refused);
    for (int tries = 0; tries < one_by_one && set.total() > 0; ++tries) {
        const size_t at = set.at(next_number());
        if (grammar.allows(set.tokens[at])) {
            return set.tokens[at];
        }
        set.weights[at] = 0;
    }
    if (set.total() > 0) {
        choice rest;
        for (size_t i = 0; i < set.tokens.size(); ++i) {
            if (set.weights[i] > 0) {
                rest.tokens.push_back(set.tokens[i]);
                rest.weights.push_back(set.weights[i]);
            }
        }
        const auto allowed = grammar.allowed(rest.tokens);
        choice last;
        for (size_t i = 0, k = 0; i < rest.tokens.size() && k < allowed.size(); ++i) {
            if (rest.tokens[i] == allowed[k]) {
                last.tokens.push_back(rest.tokens[i]);
                last.weights.push_back(rest.weights[i]);
                ++k;
            }
        }
        if (last.total() > 0) {
            return last.tokens[last.at(next_number())];
        }
    }
    if (!keep_allowed(logits, grammar)) {
        return row_invalid;
    }
    const choice anew = choose(logits, settings);
    return anew.tokens[anew.at(next_number())];
}

float logprob_of(const std::vector<float> & logits, llama_token token) {
    const float largest = *std::max_element(logits.begin(), logits.end());
    double total = 0;
    for (const float logit : logits) {
        total += std::exp(static_cast<double>(logit) - largest);
    }
    return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - largest - std::log(total));
}

}  // namespace rast
