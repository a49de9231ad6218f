// Machines whose costs are given, texts whose agreement is given: how close the choice of drafts comes to the best
// fixed length, and that it never loses against none. Random numbers are seeded, so the figures are the same everywhere
// but for the last digits of std::exp and std::log.
#include "../engine/agreement.h"
#include "../engine/draft_costs.h"
#include "../engine/draft_length.h"
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace rast::test {

namespace {

class numbers {
  public:
    explicit numbers(uint32_t seed) : state_(seed * 2654435761U + 12345U) {}

    double uniform() {
        state_ += 0x6d2b79f5U;
        uint32_t t = (state_ ^ (state_ >> 15)) * (state_ | 1U);
        t = (t + ((t ^ (t >> 7)) * (t | 61U))) ^ t;
        return static_cast<double>(t ^ (t >> 14)) / 4294967296.0;
    }

    double normal() {
        const double u = std::max(uniform(), 1e-12);
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * uniform());
    }

  private:
    uint32_t state_;
};

struct point {
    size_t rows;
    double ms;
};

struct cost_table {
    const char * name;
    std::vector<point> base;
    std::vector<point> small;
};

const std::vector<cost_table> & tables() {
    static const std::vector<cost_table> all = {
        {"cpu",
         {{1, 22}, {2, 36}, {3, 51}, {4, 51}, {5, 69}, {6, 87}, {8, 100}, {12, 152}, {16, 171}, {64, 680}},
         {{1, 1.6}, {16, 3}, {64, 8}}},
        {"steps",
         {{1, 20},
          {2, 34},
          {3, 48},
          {4, 36},
          {5, 54},
          {7, 72},
          {8, 62},
          {9, 80},
          {11, 92},
          {12, 84},
          {13, 105},
          {15, 112},
          {16, 100},
          {64, 400}},
         {{1, 1.6}, {16, 3}, {64, 8}}},
        {"gpu", {{1, 8}, {16, 8.4}, {32, 10}, {64, 14}}, {{1, 1.2}, {16, 1.25}, {64, 1.6}}},
        {"paper",
         {{1, 31}, {4, 58}, {8, 104}, {16, 190}, {64, 740}},
         {{1, 11}, {4, 19}, {8, 34}, {16, 62}, {64, 240}}}};
    return all;
}

constexpr size_t most_rows = 64;

struct noise_kind {
    const char * name;
    double sigma;
    double pause;  // chance that a decode takes three times as long
    double drift;
    bool busy;  // another program takes the cores now and then
    double rows;
};

constexpr noise_kind noises[] = {{"quiet", 0.05, 0.003, 0.03, false, 0.03},
                                 {"usual", 0.1, 0.01, 0.12, false, 0.05},
                                 {"busy", 0.12, 0.01, 0.12, true, 0.05}};

// A machine and its clock.
class machine {
  public:
    machine(const cost_table & table, const noise_kind & noise, uint32_t seed) : noise_(noise), random_(seed) {
        const double whole = std::exp(random_.normal() * 3 * noise.rows);
        for (size_t model = 0; model < 2; ++model) {
            row_costs costs(most_rows);
            for (const point & one : model == 0 ? table.base : table.small) {
                costs.calibrate(one.rows, one.ms);
            }
            for (size_t rows = 0; rows <= most_rows; ++rows) {
                ms_[model].push_back(costs.at(rows) * whole * std::exp(random_.normal() * noise.rows));
            }
        }
        double x = random_.normal();
        double slow = 1;
        double until = 0;
        for (int i = 0; i < periods; ++i) {  // of 50 ms
            x = x * 0.99 + std::sqrt(1 - 0.99 * 0.99) * random_.normal();
            if (noise.busy && i >= until) {
                slow = slow > 1 || random_.uniform() < 0.3 ? 1 : 1.5 + 0.4 * random_.uniform();
                until = i - std::log(std::max(random_.uniform(), 1e-12)) * (slow > 1 ? 40 : 80);
            }
            drift_.push_back(std::exp(x * noise.drift));
            other_.push_back(slow);
        }
    }

    // @returns what a clock says of a decode; `paid` gets what it takes on average at this time
    double decode(bool small, size_t rows) {
        const auto at = static_cast<size_t>(now_ / 50) % periods;
        const double share = (static_cast<double>(std::min<size_t>(rows, 16)) - 1) / 15;
        const double slow = other_[at] > 1 ? other_[at] * (1 + 0.4 * share) : 1;
        double ms = ms_[small ? 1 : 0][rows] * drift_[at] * slow;
        paid += ms;
        ms *= std::exp(random_.normal() * noise_.sigma) * (random_.uniform() < noise_.pause ? 3 : 1);
        now_ += ms;
        return ms;
    }

    // The same noise for all that is compared.
    void set(double now, uint32_t seed) {
        now_ = now;
        random_ = numbers(seed);
        paid = 0;
    }

    double paid = 0;
    double now() const { return now_; }

  private:
    static constexpr int periods = 1200;
    noise_kind noise_;
    numbers random_;
    std::vector<double> ms_[2];
    std::vector<double> drift_;
    std::vector<double> other_;
    double now_ = 0;
};

// Whether expert and ensemble agree, by position: the text is the same whatever is drafted.
using text = std::vector<bool>;

enum class agrees_as { given, drifting, stretches, by_request };

struct text_kind {
    const char * name;
    agrees_as how;
    double chance = 0;
};

constexpr text_kind kinds[] = {{"1", agrees_as::given, 1},          {".95", agrees_as::given, 0.95},
                               {".8", agrees_as::given, 0.8},       {".5", agrees_as::given, 0.5},
                               {"0", agrees_as::given, 0},          {"drifting", agrees_as::drifting},
                               {"stretches", agrees_as::stretches}, {"by request", agrees_as::by_request}};

text make_text(const text_kind & kind, size_t length, uint32_t seed, uint32_t index) {
    numbers random(seed * 977 + index * 31 + 7);
    constexpr double by_request[] = {0.99, 0.95, 0.8, 0.5};
    const double own = by_request[static_cast<size_t>(random.uniform() * 4)];
    const double phase = numbers(seed * 977 + 3).uniform() * 2 * std::numbers::pi;
    bool easy = random.uniform() < 0.5;
    text out;
    for (size_t p = 0; p < length; ++p) {
        double chance = kind.chance;
        if (kind.how == agrees_as::drifting) {
            chance = 0.79 + 0.2 * std::sin(phase + static_cast<double>(index * length + p) / 50);
        } else if (kind.how == agrees_as::stretches) {
            easy = random.uniform() < 0.05 ? !easy : easy;
            chance = easy ? 0.99 : 0.5;
        } else if (kind.how == agrees_as::by_request) {
            chance = own;
        }
        out.push_back(random.uniform() < chance);
    }
    return out;
}

// What an engine learns, and how it drafts; or a fixed length.
class policy {
  public:
    static constexpr int most = 15;

    explicit policy(int fixed = -1)
        : fixed_(fixed), lengths_(most_rows), all_(agreement::expected_at_first, agreement::weight_at_first, 0.995) {}

    void calibrate(machine & at) {
        for (int pass = 0; fixed_ < 0 && pass < 3; ++pass) {
            for (const size_t rows : {1, 4, 8, 16}) {
                if (at.now() > 800) {
                    return;
                }
                const double verify = at.decode(true, rows) + at.decode(false, rows);
                const double expert = at.decode(true, rows);
                lengths_.costs().calibrate_verify(rows, verify);
                lengths_.costs().calibrate_expert(rows, expert);
            }
        }
    }

    // Serves texts, so many at once. @returns what it took
    double serve(machine & at, const std::vector<text> & texts, size_t slots) {
        struct request {
            const text * of;
            size_t done = 0;
            agreement agrees;
        };
        std::vector<request> live;
        size_t next = 0;
        const double before = at.paid;
        for (;;) {
            std::erase_if(live, [](const request & one) { return one.done == one.of->size(); });
            while (live.size() < slots && next < texts.size()) {
                live.push_back({&texts[next++], 0, all_.successor(16, 0.98)});
            }
            if (live.empty()) {
                return at.paid - before;
            }
            std::vector<draft_candidate> candidates;
            bool has_prompt = false;
            for (const request & one : live) {
                has_prompt = has_prompt || one.done == 0;
                const auto wanted = static_cast<int32_t>(one.of->size());
                const size_t longest = one.done == 0 ? most_drafts_at_first(most, wanted, live.size() > 1) : most;
                candidates.push_back(
                    {one.agrees.value(), static_cast<int>(longest), static_cast<int>(one.of->size() - one.done) - 1});
            }
            std::vector<int> drafts;
            size_t left = most_rows - live.size();
            if (fixed_ < 0) {
                for (const auto & choice : lengths_.choose(candidates, left, 0)) {
                    drafts.push_back(choice.drafts);
                }
            } else {
                for (const auto & one : candidates) {
                    drafts.push_back(std::min({fixed_, one.useful, static_cast<int>(left)}));
                    left -= static_cast<size_t>(drafts.back());
                }
            }
            const bool together = live.size() > 1;
            size_t rows = live.size();
            for (int depth = 0;; ++depth) {
                const auto drafting =
                    static_cast<size_t>(std::count_if(drafts.begin(), drafts.end(), [&](int n) { return n >= depth; }));
                if (drafting == 0) {
                    break;
                }
                rows += depth > 0 ? drafting : 0;
                const double ms = at.decode(true, drafting);
                if (!has_prompt) {
                    lengths_.costs().expert_took(together, drafting, ms);
                }
            }
            double ms = at.decode(true, rows);
            ms += at.decode(false, rows);
            if (!has_prompt) {
                lengths_.costs().verify_took(together, rows, ms);
            }
            for (size_t i = 0; i < live.size(); ++i) {
                request & one = live[i];
                for (int depth = 0; one.done < one.of->size(); ++depth) {
                    const bool same = (*one.of)[one.done++];
                    one.agrees.observe(same);
                    all_.observe(same);
                    if (!same || depth == drafts[i]) {
                        break;
                    }
                }
            }
        }
    }

    // What a second load begins with.
    policy successor() const {
        std::vector<double> saved;
        lengths_.costs().save(saved);
        policy out(fixed_);
        std::span<const double> in(saved);
        if (!out.lengths_.costs().restore(in)) {
            fail("what was learned is not taken");
        }
        out.all_ = all_;
        return out;
    }

  private:
    int fixed_;
    draft_lengths lengths_;
    agreement all_;
};

constexpr int fixed_lengths[] = {0, 1, 3, 7, 15};

struct situation {
    const char * name;
    size_t slots;
    size_t tokens;
    bool second;                  // load: what an earlier one learned is there
    std::vector<size_t> company;  // sequences at once, one after the other, before what is measured
    // Least that is to be seen, with some margin: of the best fixed length, on average over machines, noises and texts
    // and in the worst of these; and of no drafts.
    double mean;
    double worst;
    double off;
};

struct ratios {
    double best = 0;  // of the best fixed length's time to the own
    double off = 0;
};

std::vector<text> texts_of(const text_kind & kind, size_t slots, size_t tokens, uint32_t seed, uint32_t index) {
    std::vector<text> out;
    for (size_t i = 0; i < (slots == 1 ? 1 : 3 * slots); ++i) {
        out.push_back(make_text(kind, tokens, seed, index * 96 + static_cast<uint32_t>(i)));
    }
    return out;
}

ratios measure(const cost_table & table, const noise_kind & noise, const text_kind & kind, const situation & at,
               int seeds) {
    double own = 0;
    std::vector<double> fixed(std::size(fixed_lengths), 0);
    for (uint32_t seed = 1; seed <= static_cast<uint32_t>(seeds); ++seed) {
        policy learned;
        if (at.second) {
            machine earlier(table, noise, seed + 5000);
            learned.calibrate(earlier);
            for (uint32_t i = 0; i < 4; ++i) {
                learned.serve(earlier, texts_of(kind, at.slots, 64, seed, 10 + i), at.slots);
            }
            learned = learned.successor();
        }
        machine here(table, noise, seed);
        if (!at.second) {
            learned.calibrate(here);
        }
        uint32_t index = 0;
        for (const size_t slots : at.company) {
            learned.serve(here, texts_of(kind, slots, 64, seed, ++index), slots);
        }
        const auto texts = texts_of(kind, at.slots, at.tokens, seed, 0);
        here.set(3000, seed + 77);
        own += learned.serve(here, texts, at.slots);
        for (size_t i = 0; i < fixed.size(); ++i) {
            here.set(3000, seed + 77);
            fixed[i] += policy(fixed_lengths[i]).serve(here, texts, at.slots);
        }
    }
    return {*std::min_element(fixed.begin(), fixed.end()) / own, fixed[0] / own};
}

}  // namespace

// --seeds N, --print 1: every figure
int test_draft_simulation(const arguments & args) {
    const auto seeds = static_cast<int>(args.number("seeds", 8));
    const situation situations[] = {{"first load, first request, 32", 1, 32, false, {}, 0.96, 0.78, 0.84},
                                    {"first load, first request, 64", 1, 64, false, {}, 0.97, 0.82, 0.9},
                                    {"first load, fourth request, 64", 1, 64, false, {1, 1, 1}, 0.99, 0.87, 0.93},
                                    {"second load, 32", 1, 32, true, {}, 0.99, 0.88, 0.96},
                                    {"second load, 64", 1, 64, true, {}, 0.99, 0.88, 0.96},
                                    {"second load, 512", 1, 512, true, {}, 0.99, 0.93, 0.96},
                                    {"1 after 4 after 1, 64", 1, 64, false, {1, 4, 4, 4}, 0.98, 0.85, 0.955},
                                    {"4 after 1, 64", 4, 64, false, {1, 1, 1}, 0.96, 0.85, 0.9},
                                    {"4 at once, second load, 64", 4, 64, true, {}, 0.96, 0.86, 0.91},
                                    {"8 at once, second load, 64", 8, 64, true, {}, 0.96, 0.85, 0.9}};
    bool bad = false;
    for (const situation & at : situations) {
        double sum = 0;
        double least = 10;
        double least_off = 10;
        int count = 0;
        std::string worst;
        std::string worst_off;
        for (const cost_table & table : tables()) {
            for (const noise_kind & noise : noises) {
                for (const text_kind & kind : kinds) {
                    const ratios got = measure(table, noise, kind, at, seeds);
                    const std::string where = std::string(table.name) + ", " + noise.name + ", " + kind.name;
                    sum += got.best;
                    ++count;
                    if (got.best < least) {
                        least = got.best;
                        worst = where;
                    }
                    if (got.off < least_off) {
                        least_off = got.off;
                        worst_off = where;
                    }
                    if (args.number("print", 0) != 0) {
                        std::printf("  %s: %s: %.3f of the best, %.3f of off\n", at.name, where.c_str(), got.best,
                                    got.off);
                    }
                }
            }
        }
        bad = bad || sum / count < at.mean || least < at.worst || least_off < at.off;
        std::printf("%s: of the best %.3f, least %.3f (%s); of off least %.3f (%s)\n", at.name, sum / count, least,
                    worst.c_str(), least_off, worst_off.c_str());
    }
    if (bad) {
        fail("the choice of drafts loses more than it may");
    }
    std::printf("ok draft simulation\n");
    return 0;
}

}  // namespace rast::test
