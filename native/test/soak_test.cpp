// The engine in the hands of many threads, and through many lives. Made to run under sanitizers; needs no Node.js.
#include "../files/model_facts.h"
#include "../files/tokenizer_comparison.h"
#include "plain_models.h"
#include "watched_engine.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <thread>

#if defined(__GLIBC__)
#    include <malloc.h>
#endif

#if !defined(_WIN32)
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));
#endif

namespace rast::test {

namespace {

namespace fs = std::filesystem;

using dice = std::mt19937;

int below(dice & random, int n) {
    return static_cast<int>(random() % static_cast<unsigned>(n));
}

template <class T>
const T & one_of(dice & random, const std::vector<T> & all) {
    return all[static_cast<size_t>(below(random, static_cast<int>(all.size())))];
}

void pause(dice & random, int most_us) {
    std::this_thread::sleep_for(std::chrono::microseconds(below(random, most_us + 1)));
}

// Bytes that the process has allocated, 0 where nobody counts them.
size_t heap_in_use() {
#if !defined(_WIN32)
    if (__sanitizer_get_current_allocated_bytes != nullptr) {
        return __sanitizer_get_current_allocated_bytes();
    }
#endif
#if defined(__GLIBC__)
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

// A request of any kind, with settings of every kind. Some cannot be served.
// @param model of the base, for grammars; without one there are none
// @throws ERR_GRAMMAR
request random_request(dice & random, const std::vector<llama_token> & prompt, const engine_config & config,
                       const shared_model & model) {
    std::vector<llama_token> tokens;
    for (int i = below(random, 4); i >= 0; --i) {
        tokens.insert(tokens.end(), prompt.begin(), prompt.end() - below(random, 3));
    }
    request wanted = request_of(tokens, below(random, 1000), config.pairs.size(), 1 + below(random, 40));
    wanted.mode = one_of<request_mode>(
        random, {request_mode::rast, request_mode::rast, request_mode::rast, request_mode::base, request_mode::expert});
    wanted.draft = below(random, 2) == 0 ? draft_auto : below(random, config.max_draft + 1);
    wanted.max_draft = below(random, 8);
    wanted.ignore_eos = below(random, 2) == 0;
    wanted.show_special = below(random, 4) == 0;
    wanted.logprobs = below(random, 3) == 0 ? below(random, 21) : -1;
    if (below(random, 4) == 0) {
        wanted.stop_strings = {"3", "+1", "", "= 42"};
    }
    if (below(random, 6) == 0) {
        wanted.stop_tokens = {static_cast<llama_token>(below(random, 32))};
    }
    if (below(random, 4) == 0 && model) {
        vocabulary_texts texts;
        const auto gbnf = one_of<std::string>(
            random, {"root ::= [0-9]+", "root ::= \"1\" | \"23\" | \"+4\"", "root ::= (a \"+\")* a\na ::= [0-9] [0-9]?",
                     "root ::= [^0-9]*", "root ::= (", "root ::= missing", "root ::= \"\"",
                     "root ::= (\"1\" | \"11\"){0,1999} (\"1\"? [0-9]){7,9000}"});
        wanted.grammar = prepare_constraint(llama_model_get_vocab(model.get()), texts, gbnf, wanted.show_special);
    }
    wanted.figures = below(random, 3) == 0 ? below(random, 21) : -1;
    if (below(random, 4) == 0) {  // a completion that is given
        for (int i = below(random, 40); i >= 0; --i) {
            wanted.given.push_back(prompt[static_cast<size_t>(below(random, static_cast<int>(prompt.size())))]);
        }
        wanted.given.back() = below(random, 20) == 0 ? 1 << 20 : wanted.given.back();
    }
    if (below(random, 12) == 0) {
        wanted.prompt = one_of<std::vector<llama_token>>(random, {{}, {-1}, {1 << 20}});
    }
    if (below(random, 24) == 0) {
        wanted.prompt.assign(config.context_size + static_cast<uint32_t>(below(random, 2)), prompt[0]);
    }
    return wanted;
}

// What calls and requests may answer while others dispose of the engine.
const std::set<std::string> typed = {
    "ERR_DISPOSED", "ERR_INVALID_ARGUMENT", "ERR_EMPTY_PROMPT",    "ERR_PROMPT_TOO_LONG",  "ERR_QUEUE_FULL",
    "ERR_GRAMMAR",  "ERR_STATE_FILE",       "ERR_FILE_UNREADABLE", "ERR_CONSTRAINT_LIMIT", "ERR_FILE_NOT_FOUND"};

void require_typed(const std::string & code, const std::string & what) {
    if (!typed.contains(code)) {
        fail(what + ": " + code);
    }
}

// One thread that uses the engine.
class client {
  public:
    client(watched_engine & engine, const engine_config & config, std::vector<llama_token> prompt, fs::path folder,
           unsigned seed)
        : engine_(engine), config_(config), prompt_(std::move(prompt)), folder_(std::move(folder)), random_(seed) {}

    void run(int actions) {
        for (int i = 0; i < actions; ++i) {
            try {
                act(below(random_, 20));
            } catch (const rast_error & error) {
                require_typed(error.code(), error.what());
            }
        }
        for (const uint32_t id : open_) {
            finish(id);
        }
    }

  private:
    void act(int kind) {
        if (kind < 9) {
            finish(submit());
        } else if (kind < 12) {
            const uint32_t id = submit();
            pause(random_, 20000);
            engine_.get().cancel(id);
            engine_.get().cancel(id);  // twice, or after its end, does no harm
            finish(id);
        } else if (kind < 15) {
            for (int i = below(random_, 6); i >= 0; --i) {
                open_.push_back(submit());
            }
            engine_.get().cancel(1 + random_() % 1000);  // somebody's, or nobody's
        } else if (kind < 17) {
            saved_ = (folder_ / ("state-" + std::to_string(below(random_, 4)))).string();
            engine_.get().save_state(saved_, prompt_);
        } else if (kind < 18) {
            engine_.get().load_state((folder_ / ("state-" + std::to_string(below(random_, 5)))).string());
        } else if (kind < 19) {
            bare_decodes wanted;
            wanted.model.which = static_cast<role>(below(random_, 3));
            wanted.model.pair = static_cast<size_t>(below(random_, static_cast<int>(config_.pairs.size()) + 1));
            wanted.sequences = static_cast<uint32_t>(1 + below(random_, static_cast<int>(config_.slots) + 1));
            wanted.depth = static_cast<uint32_t>(below(random_, 30));
            wanted.tokens = static_cast<uint32_t>(1 + below(random_, 8));
            wanted.prompt = below(random_, 2) == 0;
            engine_.get().measure_decodes(wanted);
        } else if (const shared_model model = engine_.get().base_model()) {
            const std::string text = "12+3=?";
            std::vector<llama_token> tokens(16);
            llama_tokenize(llama_model_get_vocab(model.get()), text.data(), static_cast<int32_t>(text.size()),
                           tokens.data(), 16, true, true);
        }
    }

    uint32_t submit() { return engine_.submit(random_request(random_, prompt_, config_, engine_.get().base_model())); }

    void finish(uint32_t id) {
        if (const auto code = engine_.await(id)) {
            require_typed(*code, "request " + std::to_string(id));
        }
    }

    watched_engine & engine_;
    const engine_config & config_;
    std::vector<llama_token> prompt_;
    fs::path folder_;
    dice random_;
    std::string saved_;
    std::vector<uint32_t> open_;
};

fs::path own_folder(const arguments & args) {
    const fs::path folder = args.text("folder", fs::temp_directory_path().string()) + "/rast-soak-" +
                            std::to_string(std::random_device{}());
    fs::create_directories(folder);
    return folder;
}

std::string contents(const std::string & path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

// What a sanitizer must report: shows that it is at work.
int test_fault(const arguments & args) {
    const std::string kind = args.text("kind");
    if (kind == "overflow") {
        std::vector<int> small(4, 1);
        volatile size_t beyond = 4;
        std::printf("read %d\n", small.data()[beyond]);
    } else if (kind == "undefined") {
        volatile int most = 2147483647;
        std::printf("sum %d\n", most + static_cast<int>(kind.size()));
    } else if (kind == "leak") {
        int * volatile lost = new int[100];
        std::printf("lost %d\n", lost != nullptr ? 1 : 0);
        lost = nullptr;
    } else if (kind == "race") {
        volatile int shared = 0;
        const auto add = [&] {
            for (int i = 0; i < 1000; ++i) {
                shared = shared + 1;
            }
        };
        std::thread other(add);
        add();
        other.join();
    } else {
        fail("no fault of kind " + kind);
    }
    return 0;
}

// --seed, --clients, --actions, --dispose 1: threads that submit, cancel, save, load and measure at random moments; in
// the end they are waited for, or the engine is disposed of while they are at it.
int test_soak(const arguments & args) {
    open_from(args);
    const engine_config config = config_from(args);
    const auto seed = static_cast<unsigned>(args.number("seed", 1));
    const auto actions = static_cast<int>(args.number("actions", 40));
    const bool dispose = args.number("dispose", 0) != 0;
    const fs::path folder = own_folder(args);
    watched_engine engine(config);
    if (const auto code = engine.load_error()) {
        fail("load: " + *code);
    }
    const auto prompt = prompt_tokens(args, llama_model_get_vocab(engine.get().base_model().get()));
    std::vector<std::thread> threads;
    for (long c = 0; c < args.number("clients", 3); ++c) {
        threads.emplace_back([&, c] {
            client one(engine, config, prompt, folder, seed * 100 + static_cast<unsigned>(c));
            one.run(actions);
        });
    }
    if (dispose) {
        dice random(seed);
        while (engine.ended() < actions / 2) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        pause(random, 20000);
        engine.get().stop();
    }
    for (auto & thread : threads) {
        thread.join();
    }
    std::string seen;
    for (const auto & [name, times] : engine.outcomes()) {
        seen += ", " + name + " " + std::to_string(times);
    }
    fs::remove_all(folder);
    std::printf("ok requests %ld, tokens %ld, restarts %ld%s\n", engine.ended(), engine.tokens(), engine.restarts(),
                seen.c_str());
    return 0;
}

// --cycles: load, generate, free, again and again; now and then disposed of while it loads. What is allocated
// afterwards must not grow.
int test_lives(const arguments & args) {
    open_from(args);
    const engine_config config = config_from(args);
    dice random(static_cast<unsigned>(args.number("seed", 1)));
    const auto cycles = static_cast<int>(args.number("cycles", 10));
    constexpr int settled = 3;  // what llama.cpp keeps for the life of the process is there by then
    size_t early = 0;
    size_t late = 0;
    long aborted = 0;
    for (int cycle = 0; cycle < cycles; ++cycle) {
        {
            watched_engine engine(config);
            if (cycle % 3 == 2) {
                pause(random, 30000);
                engine.get().stop();
                const auto code = engine.load_error();
                aborted += code ? 1 : 0;
                if (code && *code != "ERR_LOAD_ABORTED") {
                    fail("disposed of while loading: " + *code);
                }
            } else if (const auto code = engine.load_error()) {
                fail("load: " + *code);
            } else {
                const auto prompt = prompt_tokens(args, llama_model_get_vocab(engine.get().base_model().get()));
                for (int i = 0; i < 3; ++i) {
                    request wanted = request_of(prompt, i, config.pairs.size(), 8);
                    engine.await(engine.submit(std::move(wanted)));
                }
                engine.get().measure_decodes({});
                // the fourth is still at work when the engine goes
                engine.submit(request_of(prompt, 3, config.pairs.size(), 1000));
            }
        }
        if (cycle % 3 == 1) {
            late = heap_in_use();
            early = cycle / 3 == settled ? late : early;
        }
    }
    constexpr size_t slack = 256 << 10;  // of allocators and logs
    if (early != 0 && late > early + slack) {
        fail("lives leave something behind: " + std::to_string(late - early) + " bytes more after " +
             std::to_string(cycles) + " than after " + std::to_string(3 * settled + 2));
    }
    std::printf("ok lives %d, disposed of while loading %ld, growth %ld\n", cycles, aborted,
                static_cast<long>(late) - static_cast<long>(early));
    return 0;
}

// --damages: files that are cut short or changed; each is a typed error when inspected or loaded, or is as good as new.
int test_damaged(const arguments & args) {
    open_from(args);
    const engine_config config = config_from(args);
    const std::string good = contents(config.base.path);
    const fs::path folder = own_folder(args);
    dice random(static_cast<unsigned>(args.number("seed", 1)));
    long refused = 0;
    long loads = 0;
    const auto damages = static_cast<int>(args.number("damages", 40));
    for (int i = 0; i < damages; ++i) {
        std::string bytes = good;
        const bool cut = i % 2 == 0;
        if (cut) {
            bytes.resize(static_cast<size_t>(below(random, static_cast<int>(i % 4 == 0 ? 4096 : good.size()))));
        } else {
            for (int n = 1 + below(random, 4); n > 0; --n) {
                bytes[static_cast<size_t>(below(random, 4096))] = static_cast<char>(random());
            }
        }
        const std::string path = (folder / "damaged.gguf").string();
        std::ofstream(path, std::ios::binary) << bytes;
        try {
            inspect_model(path);
            compare_tokenizers({config.base.path, path});
        } catch (const rast_error & error) {
            if (error.code() == "ERR_INTERNAL") {
                fail(error.what());
            }
            ++refused;
        }
        if (cut && i % 8 == 0) {
            engine_config changed = config;
            (i % 16 == 0 ? changed.base : changed.pairs.at(0).antiexpert).path = path;
            watched_engine engine(changed);
            const auto code = engine.load_error();
            if (!code || *code == "ERR_INTERNAL") {
                fail("a damaged file loads: " + code.value_or("no error"));
            }
            ++loads;
        }
    }
    fs::remove_all(folder);
    std::printf("ok damaged files %d, refused %ld, failed loads %ld\n", damages, refused, loads);
    return 0;
}

}  // namespace rast::test
