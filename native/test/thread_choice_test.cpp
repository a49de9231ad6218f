// The number of threads on machines with other work, simulated: against the best fixed number.
#include "../engine/thread_choice.h"
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace rast::test {

namespace {

struct machine {
    int cores;
    double work_ms;        // of a round on one thread
    double serial;         // share of it that threads do not divide
    double barriers_ms;    // per round and thread
    double collapse;       // how many times longer where a barrier waits for a thread that does not run
    bool says;             // whether the system tells what time processors gave
    bool others_are_ours;  // the process itself does the other work, so that it is given all
    double rest_ms = 0;    // before the first round, with the first part's other work; one thread loads meanwhile
    double spinning = 0;   // of a processor, by each thread of the pool that decodes nothing
};

struct phase {
    int busy;  // other threads that never rest
    double ms;
};

// What a round takes on n threads beside so many others, and what share of the time that they ask for they are given.
struct outcome_of_round {
    double ms;
    double given;
};

outcome_of_round round_on(const machine & on, int n, int busy, std::mt19937 & random) {
    std::normal_distribution<double> noise(0, 0.05);
    const double quiet = on.work_ms * (on.serial + (1 - on.serial) / n) + on.barriers_ms * n;
    const double over = static_cast<double>(n + busy) / on.cores;
    double ms = quiet * std::exp(noise(random));
    double given = 1;
    if (over > 1) {
        given = 1 / over;
        // one thread alone waits for nobody
        ms *= over * (n > 1 ? 1 + (on.collapse - 1) * std::uniform_real_distribution<double>(0.5, 1.5)(random) : 1);
    }
    if (std::uniform_int_distribution<int>(0, 99)(random) == 0) {
        ms *= 3;  // a pause of the machine
    }
    return {ms, on.others_are_ours ? 1 : given};
}

struct played {
    double rounds = 0;
    std::vector<int> numbers;  // of every round
};

// @param fixed 0: the choice's
played play(const machine & on, const std::vector<phase> & phases, int most, int fixed, uint32_t seed) {
    std::mt19937 random(seed);
    double now = 0;
    double given = 0;
    double idle = 0;
    const auto told = [&](double & value) { return [&] { return on.says ? std::optional(value) : std::nullopt; }; };
    thread_choice choice(most, fixed == 0, {told(given), told(idle)});
    played out;
    if (on.rest_ms > 0) {
        const int busy = phases.front().busy;
        choice.rest(now);
        now += on.rest_ms;
        given += on.rest_ms * std::min(1.0, static_cast<double>(on.cores) / (1 + busy));
        idle += std::max(0, on.cores - 1 - busy) * on.rest_ms;
        choice.wake(now);
    }
    for (const phase & part : phases) {
        for (double ms = 0; ms < part.ms;) {
            const int n = fixed == 0 ? choice.current() : fixed;
            choice.begin_round(now);
            const outcome_of_round round = round_on(on, n, part.busy, random);
            choice.took(0, 1, 0.7 * round.ms);
            choice.took(1, 1, 0.3 * round.ms);
            now += round.ms;
            const int rest = std::max(0, on.cores - n - part.busy);
            const double spun = on.spinning * std::min(rest, most - n);
            given += (round.given * n + spun) * round.ms;
            idle += (rest - spun) * round.ms;
            choice.end_round(now);
            ms += round.ms;
            out.rounds += 1;
            out.numbers.push_back(n);
        }
    }
    return out;
}

double against_best(const machine & on, const std::vector<phase> & phases, int most, uint32_t seed) {
    double best = 0;
    // the best for each part by itself: what the choice would have to know beforehand
    for (const phase & one : phases) {
        double most_rounds = 0;
        for (int n = 1; n <= most; ++n) {
            most_rounds = std::max(most_rounds, play(on, {one}, most, n, seed + 1).rounds);
        }
        best += most_rounds;
    }
    return play(on, phases, most, 0, seed).rounds / best;
}

}  // namespace

int test_thread_choice(const arguments & args) {
    const auto seeds = static_cast<uint32_t>(args.number("seeds", 20));
    const struct {
        const char * name;
        machine on;
        int most;
        std::vector<phase> phases;
        double least;
    } cases[] = {
        {"quiet", {2, 30, 0.05, 0.1, 4, true, false}, 2, {{0, 20000}}, 0.97},
        {"quiet, eight", {8, 60, 0.05, 0.1, 4, true, false}, 8, {{0, 20000}}, 0.97},
        {"short", {2, 30, 0.05, 0.1, 4, true, false}, 2, {{0, 600}}, 0.95},
        {"one busy", {2, 30, 0.05, 0.1, 4, true, false}, 2, {{1, 10000}}, 0.85},
        {"one busy, collapse", {2, 30, 0.05, 0.1, 10, true, false}, 2, {{1, 10000}}, 0.8},
        {"two busy", {2, 30, 0.05, 0.1, 4, true, false}, 2, {{2, 10000}}, 0.85},
        {"two busy, far worse", {2, 80, 0.05, 0.1, 30, true, false}, 2, {{2, 20000}}, 0.75},
        {"two busy, harmless", {2, 30, 0.05, 0.1, 1, true, false}, 2, {{2, 10000}}, 0.85},
        {"small rounds", {2, 1.5, 0.05, 0.01, 6, true, false}, 2, {{1, 5000}}, 0.85},
        {"one of eight busy", {8, 60, 0.05, 0.1, 4, true, false}, 8, {{1, 10000}}, 0.85},
        {"four of sixteen busy", {16, 100, 0.05, 0.1, 4, true, false}, 16, {{4, 20000}}, 0.8},
        {"comes and goes",
         {2, 30, 0.05, 0.1, 6, true, false},
         2,
         {{0, 5000}, {1, 10000}, {0, 10000}, {2, 10000}, {0, 10000}},
         0.8},
        {"the system does not say", {2, 30, 0.05, 0.1, 6, false, false}, 2, {{0, 3000}, {1, 10000}, {0, 10000}}, 0.8},
        {"the process's own work", {2, 30, 0.05, 0.1, 6, true, true}, 2, {{0, 3000}, {1, 10000}}, 0.8},
        {"two busy, seen", {2, 80, 0.05, 0.1, 30, true, false, 500}, 2, {{2, 4000}}, 0.97},
        {"one of eight busy, seen", {8, 60, 0.05, 0.1, 30, true, false, 500}, 8, {{1, 4000}}, 0.95},
        {"quiet, seen", {2, 30, 0.05, 0.1, 4, true, false, 500}, 2, {{0, 600}}, 0.95},
        {"seen, then quiet", {2, 30, 0.05, 0.1, 4, true, false, 500}, 2, {{1, 100}, {0, 10000}}, 0.9},
        {"threads at rest spin", {2, 30, 0.05, 0.1, 4, true, false, 500, 0.5}, 2, {{1, 100}, {0, 10000}}, 0.9},
        {"too many from the start", {4, 30, 0.6, 2, 4, true, false}, 4, {{0, 60000}}, 0.85},
    };
    bool good = true;
    for (const auto & one : cases) {
        double least = 10;
        double sum = 0;
        for (uint32_t seed = 0; seed < seeds; ++seed) {
            const double share = against_best(one.on, one.phases, one.most, 1000 * seed + 7);
            least = std::min(least, share);
            sum += share;
        }
        std::printf("%-26s mean %.3f, least %.3f of the best number\n", one.name, sum / seeds, least);
        good = good && sum / seeds >= one.least && least >= one.least - 0.1;
    }
    if (!good) {
        fail("another number of threads would have been better");
    }
    // what somebody chose stays
    const processor_clocks silent = {[] { return std::nullopt; }, [] { return std::nullopt; }};
    thread_choice fixed(8, false, silent);
    for (int i = 0; i < 1000; ++i) {
        fixed.begin_round(10.0 * i);
        fixed.took(0, 1, i % 10 == 0 ? 100 : 10);
        if (fixed.end_round(10.0 * i + 10) || fixed.current() != 8 || fixed.trying()) {
            fail("a number that was given has changed");
        }
    }
    if (thread_choice(1, true, silent).current() != 1 || thread_choice(0, true, silent).current() != 1) {
        fail("one thread is not one");
    }
    // a trial ends although its rounds are of shapes that were never seen
    double given = 0;
    thread_choice alone(2, true, {[&] { return std::optional(given); }, [] { return std::nullopt; }});
    double now = 0;
    const auto round = [&](size_t tokens) {
        alone.begin_round(now);
        alone.took(0, tokens, 20);
        now += 20;
        given += 20;  // of the 40 that two threads ask for
        alone.end_round(now);
    };
    for (int i = 0; i < 20 && !alone.trying(); ++i) {
        round(1);
    }
    if (!alone.trying() || alone.current() != 1) {
        fail("nothing is tried where processors are lacking");
    }
    for (size_t i = 0; i < 20 && alone.trying(); ++i) {
        round(100 + i);
    }
    if (alone.trying() || alone.current() != 2) {
        fail("a trial does not end");
    }
    std::printf("ok thread choice\n");
    return 0;
}

}  // namespace rast::test
