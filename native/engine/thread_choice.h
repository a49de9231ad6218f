// How many threads decode, learned while running. ggml's threads spin at barriers, several hundred in a decode: where
// another program takes a processor, every barrier waits until the scheduler has run all of them, and fewer threads
// are quicker, up to thirty times.
//
// Rounds are compared by what they took against what decodes of as many tokens in the same contexts took before.
// Another number is tried for a few rounds when the process was given less time of processors than its threads ask
// for, or when it was not tried for long, and kept when it is quicker than the rounds just before. A number that
// failed is tried again after a wait that doubles, and all that trials lose is a bounded share.
//
// More are tried as soon as the system says that others leave processors. Where others were at work while models
// loaded, or while nobody asked for anything, it goes on with as many as they left.
//
// Engine thread only. Knows no clock but what it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

namespace rast {

// Where times of processors come from, in milliseconds since any moment; nothing where the system does not say.
struct processor_clocks {
    std::function<std::optional<double>()> given;  // to this process
    std::function<std::optional<double>()> idle;   // of all processors
};

class thread_choice {
  public:
    // @param most threads at most, with which it begins
    // @param learns false: it stays at that
    thread_choice(int most, bool learns, processor_clocks clocks);

    int current() const { return numbers_[current_]; }

    // Whether the number may change after this round, so that its times say little about others.
    bool trying() const { return trial_.has_value(); }

    // A decode of a round; not of prompts.
    void took(size_t context, size_t tokens, double ms);

    // Nothing to decode from now on until wake(): what processors do meanwhile is others' work.
    void rest(double now_ms);

    // @returns whether current() has changed, as others were at work meanwhile
    bool wake(double now_ms);

    // What a round took that did not come to its end is forgotten.
    void begin_round(double now_ms);

    // @returns whether current() has changed
    bool end_round(double now_ms);

  private:
    // When something may be tried again: waits double.
    struct timer {
        double next_ms = 0;  // on the engine's time
        double wait_ms = 0;

        void restart(double now_ms, double first_ms, double wait) { *this = {now_ms + first_ms, wait}; }
        void failed(double now_ms, double longest_ms);
    };

    struct number_record {
        timer quiet;    // now and then, without a reason
        timer starved;  // fewer threads, while others are at work
        timer freed;    // more threads, where processors have nothing to do
    };

    struct round_record {
        double ratio;  // logarithm
        double ms;
        double given;  // share of the processors' time that its threads asked for
    };

    struct trial {
        size_t from;  // what it is compared with, index in numbers_
        std::vector<round_record> rounds;
        size_t unlike = 0;  // rounds that nothing is known to compare with
    };

    struct reading {
        double now_ms;
        double given;
        double idle;
    };

    std::optional<reading> read(double now_ms) const;
    static double left_between(const reading & from, const reading & to);
    std::optional<double> ratio_of_round();
    std::optional<size_t> next_to_try() const;
    void begin_trial(size_t number);
    bool judge();
    void give_up(size_t before);
    void keep(size_t before);
    void look_for_processors(double now_ms);
    bool starved() const;
    double given() const;

    struct usual {
        double ms = 0;
        uint32_t seen = 0;
    };

    struct decode {
        uint64_t key;
        double ms;
    };

    std::vector<int> numbers_;            // ascending
    std::vector<number_record> records_;  // of each
    size_t current_;                      // index
    bool learns_;
    std::unordered_map<uint64_t, usual> usual_;  // by context and tokens
    std::vector<decode> round_;
    std::vector<round_record> recent_;  // with the current number, the last few
    std::optional<trial> trial_;
    processor_clocks clocks_;
    double round_began_ms_ = 0;
    std::optional<double> given_before_;
    std::optional<reading> rested_;   // when it began to
    std::optional<reading> stretch_;  // of rounds without a gap, when it began
    double left_ = 0;                 // processors, in the latest stretch
    double last_end_ms_ = 0;
    double now_ms_ = 0;   // the sum of all rounds
    double lost_ms_ = 0;  // in trials
};

}  // namespace rast
