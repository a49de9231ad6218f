// Repeats of a text against looking for them everywhere.
#include "../engine/repeat_finder.h"
#include "../llama/handles.h"
#include "harness.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>

namespace rast::test {

namespace {

using tokens = std::vector<llama_token>;

// The latest place where the last three tokens were before, if any: what follows, and how much is alike.
repeat expected(const tokens & text, size_t most) {
    for (size_t place = text.size() - 1; place >= 3; --place) {
        size_t alike = 0;
        while (alike < place && alike < repeat_finder::most_alike &&
               text[place - 1 - alike] == text[text.size() - 1 - alike]) {
            ++alike;
        }
        if (alike >= 3) {
            tokens longer = text;
            for (size_t i = 0; i < most; ++i) {
                longer.push_back(longer[place + i]);
            }
            return {tokens(longer.end() - static_cast<std::ptrdiff_t>(most), longer.end()), alike};
        }
    }
    return {};
}

// A text as an engine would draw it that drafts from the text alone: how often there is a draft, how much of it is
// right, and tokens per round.
void walk(const arguments & args) {
    open_from(args);
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const shared_model model(llama_model_load_from_file(args.text("base").c_str(), params), llama_model_deleter());
    std::ifstream file(args.text("text-file"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!model || text.empty()) {
        fail("no vocabulary or no text");
    }
    tokens all(text.size() + 1);
    const int32_t n = llama_tokenize(llama_model_get_vocab(model.get()), text.data(), static_cast<int32_t>(text.size()),
                                     all.data(), static_cast<int32_t>(all.size()), false, false);
    all.resize(static_cast<size_t>(std::max(0, n)));
    for (const size_t most_drafts : {3, 7, 15}) {
        for (const size_t least_alike : {3, 6}) {
            repeat_finder finder;
            long rounds = 0;
            long drafted = 0;
            long accepted = 0;
            for (size_t at = 1; at < all.size(); ++rounds) {
                const repeat found = finder.find(std::span(all).first(at), most_drafts);
                if (found.alike >= least_alike) {
                    const size_t most = std::min(found.tokens.size(), all.size() - at - 1);
                    drafted += static_cast<long>(most);
                    for (size_t i = 0; i < most && all[at] == found.tokens[i]; ++i) {
                        ++accepted;
                        ++at;
                    }
                }
                ++at;
            }
            std::printf(
                "code tokens %zu: drafts of %zu after %zu alike: drafted %ld, accepted %ld, tokens per round %.2f\n",
                all.size(), most_drafts, least_alike, drafted, accepted,
                static_cast<double>(all.size()) / static_cast<double>(rounds));
        }
    }
}

}  // namespace

// --base VOCABULARY --text-file FILE: what repeats of that text are worth, too
int test_repeats(const arguments & args) {
    if (!args.text("text-file").empty()) {
        walk(args);
    }
    std::mt19937 random(5);
    long found = 0;
    long missed = 0;
    for (int round = 0; round < 60; ++round) {
        repeat_finder finder;
        tokens text;
        const auto kinds = 2 + random() % 12;
        while (text.size() < 400) {
            for (auto n = 1 + random() % 9; n > 0; --n) {
                text.push_back(static_cast<llama_token>(random() % kinds));
            }
            const size_t most = random() % 20;
            const repeat got = finder.find(text, most);
            if (text.size() <= 3 || most == 0) {
                if (!got.tokens.empty()) {
                    fail("a repeat of nothing");
                }
                continue;
            }
            const repeat want = expected(text, most);
            if (got.tokens.empty()) {
                missed += want.tokens.empty() ? 0 : 1;  // another run took its place
            } else if (got.tokens != want.tokens || got.alike != want.alike) {
                fail("another repeat than the latest");
            } else {
                ++found;
            }
        }
    }
    if (found < 1000 || missed * 20 > found) {
        fail("repeats found " + std::to_string(found) + ", missed " + std::to_string(missed));
    }
    // linear: a long text token by token, in which nothing repeats itself, and then all does
    repeat_finder finder;
    tokens text;
    const auto start = std::chrono::steady_clock::now();
    for (llama_token token = 0; token < 200'000; ++token) {
        text.push_back(token % 60'000);
        const repeat got = finder.find(text, 4);
        if (token < 60'000 && !got.tokens.empty()) {
            fail("a repeat in a text without any");
        }
        found += token > 60'010 && got.alike == repeat_finder::most_alike ? 1 : 0;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (seconds > 10) {  // some 0.02 s: squares would take minutes
        fail("not linear: " + std::to_string(seconds) + " s");
    }
    std::printf("ok repeats %ld, missed %ld\n", found, missed);
    return 0;
}

}  // namespace rast::test
