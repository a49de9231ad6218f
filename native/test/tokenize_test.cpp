// Tokenizing in pieces against tokenizing the whole, for every pre-tokenizer; and what hostile texts cost.
#include "../text/special_texts.h"
#include "../text/tokenizer.h"
#include "harness.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

#ifdef __linux__
#    include <pthread.h>
#    include <sys/mman.h>
#    include <unistd.h>
#endif

namespace rast::test {

namespace {

// A model's vocabulary alone, with another pre-tokenizer if one is named.
shared_model vocabulary_of(const std::string & path, const std::string & pre) {
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    llama_model_kv_override overrides[2] = {};
    if (!pre.empty()) {
        overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_STR;
        std::strncpy(overrides[0].key, "tokenizer.ggml.pre", sizeof overrides[0].key - 1);
        std::strncpy(overrides[0].val_str, pre.c_str(), sizeof overrides[0].val_str - 1);
        params.kv_overrides = overrides;
    }
    shared_model model(llama_model_load_from_file(path.c_str(), params), llama_model_deleter());
    if (!model) {
        fail("could not load " + path + " with " + pre);
    }
    return model;
}

const auto never = [] { return false; };

// Words, lines, numbers, marks and other scripts in any order, with all that looks like a border and is none.
std::string random_text(std::mt19937 & random, size_t parts) {
    static const std::vector<std::string> pieces = {
        "a",      "b",     "the",    "word", "Word", "WORD", "x1",
        "don't",  "'s",    " ",      "  ",   "\n",   "\n\n", "\r\n",
        "\t",     " \n",   ".",      ",",    "!",    "...",  "1",
        "23",     "4567",  "é",      "é",    "ß",    "и",    "мир",
        "你好",   "。",    "你\n好", "한국", "カナ", "🦙", "👩‍👩‍👧",
        "\u00a0", "　",    "«",      "»",    "/",    "://",  "_",
        "-",      "(",     "}",      "a b",  "c\nd", "x a",  " y z",
        "\n a",   "a\n",   "b ",     "'",    "'t",   "ing ", "of ",
        "end.\n", "if:\n", "<|",     "|>"};
    std::string text;
    for (size_t i = 0; i < parts; ++i) {
        text += pieces[random() % pieces.size()];
        if (random() % 3 == 0) {
            text += " ";
        }
    }
    return text;
}

std::string repeated(const std::string & what, size_t bytes) {
    std::string out;
    while (out.size() < bytes) {
        out += what;
    }
    return out;
}

#ifdef __linux__
// Bytes of stack that llama.cpp's tokenizer touches for the text.
size_t stack_touched(const shared_model & model, const std::string & text) {
    constexpr size_t reserved = size_t{16} << 30U;
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void * stack =
        mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    std::vector<llama_token> tokens(text.size() + 16);
    std::function<void()> work = [&] {
        llama_tokenize(llama_model_get_vocab(model.get()), text.data(), static_cast<int32_t>(text.size()),
                       tokens.data(), static_cast<int32_t>(tokens.size()), false, false);
    };
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, reserved);
    pthread_t thread;
    if (stack == MAP_FAILED || pthread_create(
                                   &thread, &attributes,
                                   [](void * argument) -> void * {
                                       (*static_cast<std::function<void()> *>(argument))();
                                       return nullptr;
                                   },
                                   &work) != 0) {
        fail("no thread with a stack of 16 GiB");
    }
    pthread_join(thread, nullptr);
    std::vector<unsigned char> resident(reserved / page);
    mincore(stack, reserved, resident.data());
    munmap(stack, reserved);
    size_t pages = 0;
    for (const unsigned char one : resident) {
        pages += one & 1U;
    }
    return pages * page;
}
#endif

}  // namespace

// Fewer tokens than all, and those of a part of the text, are the first of the whole's.
void check_beginnings(const tokenizer & with, const std::string & text, const tokenizing & what,
                      const std::vector<llama_token> & whole, std::mt19937 & random) {
    const auto begins = [&](const tokenized & made, const std::string & how) {
        if (made.tokens.size() > whole.size() || !std::equal(made.tokens.begin(), made.tokens.end(), whole.begin())) {
            fail(how + " gives other tokens than the whole begins with: " + text);
        }
    };
    tokenizing limited = what;
    limited.enough = random() % (whole.size() + 1);
    const tokenized enough = with.tokens(text, limited, never);
    begins(enough, "a limit of " + std::to_string(limited.enough));
    if (enough.whole ? enough.tokens != whole : enough.tokens.size() <= limited.enough) {
        fail("a limit of " + std::to_string(limited.enough) + " gives " + std::to_string(enough.tokens.size()) +
             " tokens of: " + text);
    }
    tokenizing part = what;
    part.goes_on = true;
    size_t end = random() % (text.size() + 1);
    while (end < text.size() && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) {
        ++end;  // whole characters
    }
    begins(with.tokens(std::string_view(text).substr(0, end), part, never), "a text cut at " + std::to_string(end));
}

// --base VOCABULARY --pre NAMES, comma-separated --rounds N
int test_tokenize(const arguments & args) {
    open_from(args);
    std::vector<std::string> names = args.list("pre");
    if (names.empty()) {
        names.emplace_back();
    }
    const auto rounds = static_cast<size_t>(args.number("rounds", 50));
    size_t texts = 0;
    size_t cut = 0;
    for (const std::string & name : names) {
        const tokenizer with(vocabulary_of(args.text("base"), name));
        std::mt19937 random(7);
        for (size_t round = 0; round < rounds; ++round) {
            const std::string text = random_text(random, 20 + round % 200);
            const bool special = round % 2 == 0;
            const auto whole =
                with.tokens(text, {.parse_special = special, .piece_bytes = text.size() + 1}, never).tokens;
            for (const size_t piece : {1, 7, 40}) {
                const tokenizing what{.parse_special = special, .piece_bytes = piece};
                const tokenized made = with.tokens(text, what, never);
                if (!made.whole || made.tokens != whole) {
                    fail("pre-tokenizer \"" + name + "\": pieces of " + std::to_string(piece) +
                         " give other tokens than the whole of: " + text);
                }
                check_beginnings(with, text, what, whole, random);
                cut += with.pieces(text, piece) > 1 ? 1 : 0;
                ++texts;
            }
        }
    }
    std::printf("ok texts %zu cut %zu\n", texts, cut);
    return 0;
}

namespace {

std::vector<llama_token> whole_of(const llama_vocab * vocab, std::string_view text, bool parse_special) {
    std::vector<llama_token> tokens(text.size() + 16);
    const int32_t n = llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                                     static_cast<int32_t>(tokens.size()), false, parse_special);
    tokens.resize(static_cast<size_t>(std::max(0, n)));
    return tokens;
}

size_t controls_in(const llama_vocab * vocab, const std::vector<llama_token> & tokens) {
    return static_cast<size_t>(std::count_if(tokens.begin(), tokens.end(), [&](llama_token token) {
        return is_control(vocab, token) && (llama_vocab_get_attr(vocab, token) & LLAMA_TOKEN_ATTR_UNKNOWN) == 0;
    }));
}

}  // namespace

// --base VOCABULARY --rounds N: special tokens among words. Those of llama.cpp's own are found at the same places, and
// none within what people write.
int test_contents(const arguments & args) {
    open_from(args);
    const shared_model model = vocabulary_of(args.text("base"), "");
    const llama_vocab * vocab = llama_model_get_vocab(model.get());
    const tokenizer with(model);
    const special_texts specials(vocab);
    std::vector<std::string> texts;
    std::vector<std::string> controls;
    for (llama_token token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
        const int attributes = llama_vocab_get_attr(vocab, token);
        const bool control = is_control(vocab, token) && (attributes & LLAMA_TOKEN_ATTR_UNKNOWN) == 0;
        if (control || (attributes & (LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0) {
            texts.emplace_back(llama_vocab_get_text(vocab, token));
        }
        if (control) {
            controls.push_back(texts.back());
        }
    }
    if (controls.empty()) {
        fail("a vocabulary without control tokens");
    }
    const auto nothing = [] {};
    std::mt19937 random(11);
    const auto rounds = static_cast<size_t>(args.number("rounds", 50));
    size_t refused = 0;
    for (size_t round = 0; round < rounds; ++round) {
        // as one text of a template's own
        std::string text;
        for (size_t i = 0; i < 12; ++i) {
            text += random_text(random, random() % 4);
            const std::string & special = texts[random() % texts.size()];
            text += special.substr(0, random() % 4 == 0 ? random() % special.size() : std::string::npos);
        }
        const std::vector<llama_token> expected = whole_of(vocab, text, true);
        std::vector<llama_token> made;
        for (const text_fragment & fragment : specials.split(text, {}, nothing)) {
            if (fragment.token >= 0) {
                made.push_back(fragment.token);
                continue;
            }
            const auto part = whole_of(vocab, text.substr(fragment.at.from, fragment.at.to - fragment.at.from), false);
            made.insert(made.end(), part.begin(), part.end());
        }
        if (made != expected) {
            fail("other special tokens than llama.cpp's in: " + text);
        }

        // as a conversation: what people write between control tokens
        std::string chat;
        tokenizing what;
        size_t own = 0;
        for (size_t turn = 0; turn < 3; ++turn) {
            const std::string & begin = controls[random() % controls.size()];
            chat += begin;
            own += 1;
            std::string words = "w";
            for (size_t i = 0; i < 3; ++i) {
                words += random_text(random, random() % 3) + controls[random() % controls.size()] + "w";
            }
            what.contents.push_back({chat.size(), chat.size() + words.size()});
            const std::vector<llama_token> alone = whole_of(vocab, words, false);
            own += static_cast<size_t>(std::count_if(alone.begin(), alone.end(), [&](llama_token token) {
                // what it does not know, in BERT
                return (llama_vocab_get_attr(vocab, token) & LLAMA_TOKEN_ATTR_CONTROL) != 0;
            }));
            chat += words;
        }
        const tokenized told = with.tokens(chat, what, never);
        const size_t controls_told = controls_in(vocab, told.tokens);
        if (controls_told != own) {
            fail(std::to_string(controls_told) + " control tokens instead of " + std::to_string(own) + " in: " + chat);
        }
        refused += controls_in(vocab, whole_of(vocab, chat, true)) - controls_told;

        // without control tokens in it, a content changes nothing
        std::vector<text_range> plain;
        for (const text_fragment & fragment : specials.split(text, {}, nothing)) {
            if (fragment.token < 0) {
                plain.push_back(fragment.at);
            }
        }
        if (with.tokens(text, {.contents = plain}, never).tokens != with.tokens(text, {}, never).tokens) {
            fail("contents without control tokens change the tokens of: " + text);
        }
    }
    std::printf("ok rounds %zu refused %zu specials %zu\n", rounds, refused, texts.size());
    return 0;
}

// --base VOCABULARY --pre NAMES --bytes N: texts that repeat something. Milliseconds, and stack per byte of text.
int tokenize_cost(const arguments & args) {
    open_from(args);
    static const std::vector<std::string> repeats = {"a",  "A",  "Aa",  "aA1", " ",  "\n",  " \n",  "\r\n",
                                                     "1",  "!",  "!\n", "é",   "é",  "你",  "🦙", "a b",
                                                     "a ", "'s", "_",   "/",   ".a", "\t ", "Ⅷ"};
    std::vector<std::string> names = args.list("pre");
    if (names.empty()) {
        names.emplace_back();
    }
    const auto bytes = static_cast<size_t>(args.number("bytes", 20000));
    for (const std::string & name : names) {
        const shared_model model = vocabulary_of(args.text("base"), name);
        const tokenizer with(model);
        with.tokens("a", {.parse_special = false}, never);
        for (const std::string & repeat : repeats) {
            const std::string text = repeated(repeat, bytes);
            const auto start = std::chrono::steady_clock::now();
            std::string outcome;
            try {
                outcome = std::to_string(with.tokens(text, {}, never).tokens.size()) + " tokens";
            } catch (const rast_error & error) {
                outcome = error.code();
            }
            const double ms =
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
            double stack = 0;
#ifdef __linux__
            if (args.number("stack", 0) != 0) {
                stack = static_cast<double>(stack_touched(model, text)) / static_cast<double>(text.size());
            }
#endif
            std::printf("%-24s \"%s\" %.0f ms, %.0f bytes of stack per byte, %s\n", name.c_str(),
                        repeat[0] < ' ' && repeat[0] >= 0 ? "(control)" : repeat.c_str(), ms, stack, outcome.c_str());
        }
    }
    std::printf("ok\n");
    return 0;
}

}  // namespace rast::test
