// The choice of drafts on costs that are given, what costs learn, and how agreement is remembered.
#include "../engine/draft_length.h"
#include "../engine/agreement.h"
#include "../engine/draft_costs.h"
#include "harness.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>

namespace rast::test {

namespace {

bool near(double a, double b) {
    return std::fabs(a - b) < 1e-9;
}

constexpr size_t most_rows = 17;

// Costs as functions of rows: of the expert, and of all other models.
draft_lengths costs_of(const std::function<double(double)> & expert, const std::function<double(double)> & verify) {
    draft_lengths out(most_rows);
    for (size_t rows = 1; rows <= most_rows; ++rows) {
        out.costs().calibrate_expert(rows, expert(static_cast<double>(rows)));
        out.costs().calibrate_verify(rows, verify(static_cast<double>(rows)));
    }
    return out;
}

double one(double) {
    return 1;
}

int alone(const draft_lengths & lengths, const draft_candidate & candidate, size_t left = 16) {
    return draft_lengths(lengths).choose({candidate}, left, 0)[0].drafts;
}

void costs_between_and_beyond() {
    row_costs costs(8);
    if (costs.known(1) || costs.at(3) != 0) {
        fail("costs that nobody measured");
    }
    costs.calibrate(1, 25);
    costs.calibrate(1, 20);
    costs.calibrate(1, 30);
    if (!near(costs.at(1), 20) || !near(costs.at(3), 20 + 2 * 2)) {
        fail("not the quickest of several, or no hope for rows without any measurement");
    }
    costs.calibrate(5, 60);
    costs.calibrate(9, 1);  // beyond what can be asked
    costs.calibrate(0, 1);
    if (!near(costs.at(3), 40) || !near(costs.at(5), 60) || !near(costs.at(7), 80) || costs.at(0) != 0) {
        fail("costs between and beyond measurements");
    }
}

void costs_learn() {
    row_costs costs(8);
    costs.calibrate(1, 20);
    costs.calibrate(1, 20);
    for (int i = 0; i < 100; ++i) {
        costs.learn(1, 30, 1);
    }
    if (std::fabs(costs.at(1) - 30) > 0.5) {
        fail("costs are not learned: " + std::to_string(costs.at(1)));
    }
    const double before = costs.at(1);
    const double off = costs.learn(1, before * 1e6, 1);  // a pause
    if (costs.at(1) > before * 1.03 || off > 0.5) {
        fail("a pause counts as a cost");
    }
    costs.learn(1, 0, 1);
    costs.learn(0, 5, 1);
    costs.learn(9, 5, 1);
    if (costs.at(1) > before * 1.03 || costs.at(1) < before || costs.known(9)) {
        fail("learns what is no cost");
    }

    // a machine that gets slow as a whole: the rows that were not decoded meanwhile are no cheaper for it
    draft_costs all = costs_of(one, [](double rows) { return 10 + rows; }).costs();
    for (int i = 0; i < 100; ++i) {
        all.verify_took(false, 4, i < 50 ? 14 : 3 * 14);
        all.expert_took(false, 1, i < 50 ? 1 : 3);
    }
    if (all.verify(false, 4) / all.verify(false, 8) > 1.2 * 14 / 18) {
        fail("a slow machine makes those rows dear that were decoded on it");
    }
    if (!near(all.verify(true, 4), 14) || !near(all.expert(true, 1), 1)) {
        fail("what one request taught is taken for what several cost");
    }
    for (int i = 0; i < 50; ++i) {
        all.verify_took(false, 4, 14);
    }
    if (std::fabs(all.verify(false, 4) - 14) > 1.5) {
        fail("a slow time is not forgotten: " + std::to_string(all.verify(false, 4)));
    }
}

void costs_are_kept() {
    draft_costs costs = costs_of([](double rows) { return 2 * rows; }, [](double rows) { return 10 + rows; }).costs();
    costs.verify_took(true, 8, 50);
    std::vector<double> saved;
    costs.save(saved);
    draft_costs other(most_rows);
    std::span<const double> in(saved);
    if (!other.restore(in) || !in.empty()) {
        fail("what was saved is not taken");
    }
    for (size_t rows = 1; rows <= most_rows; ++rows) {
        for (const bool together : {false, true}) {
            if (!near(other.verify(together, rows), costs.verify(together, rows)) ||
                !near(other.expert(together, rows), costs.expert(together, rows))) {
                fail("what was saved comes back otherwise");
            }
        }
    }
    for (const double bad :
         {-1.0, 1e12, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        for (size_t i = 0; i < saved.size(); ++i) {
            std::vector<double> damaged = saved;
            damaged[i] = bad;
            std::span<const double> from(damaged);
            draft_costs fresh(most_rows);
            // a table begins with a count, and has costs and counts in turn
            const size_t in_table = i % (saved.size() / 2);
            const bool is_count = in_table == 0 || (in_table - 1) % 2 == 1;
            if (fresh.restore(from) != (is_count && bad == 1e12) || (!is_count && fresh.verify(false, 1) > 0)) {
                fail("damaged costs are taken, or change something: " + std::to_string(i));
            }
        }
    }
    std::vector<double> short_one(saved.begin(), saved.end() - 1);
    std::span<const double> cut(short_one);
    std::vector<double> none(saved.size(), 0);
    std::span<const double> zeros(none);
    if (draft_costs(most_rows).restore(cut) || draft_costs(most_rows).restore(zeros)) {
        fail("half a table is taken, or an empty one");
    }
}

void lengths_alone() {
    const draft_lengths cheap = costs_of(one, [](double) { return 11; });
    const draft_lengths dear = costs_of(one, [](double rows) { return 1 + 10 * rows; });
    if (alone(cheap, {0, 15}) != 0 || alone(dear, {0.5, 15}) != 0 || alone(cheap, {1, 15}) != 15 ||
        alone(cheap, {1, 3}) != 3 || alone(cheap, {1, 15}, 7) != 7 || alone(cheap, {1, 0}) != 0) {
        fail("lengths at the ends");
    }
    // tokens per millisecond at every length that fills a kernel, by the formula
    for (const double a : {0.3, 0.6, 0.8, 0.9, 0.99}) {
        int best = 0;
        double best_rate = 0;
        for (const int g : {0, 1, 3, 7, 11, 15}) {
            const double rate = (1 - std::pow(a, g + 1)) / (1 - a) / (1.0 * (g + 1) + 11) * (g == 0 ? 1.02 : 1);
            if (rate > best_rate) {
                best_rate = rate;
                best = g;
            }
        }
        if (alone(cheap, {a, 15}) != best) {
            fail("length " + std::to_string(alone(cheap, {a, 15})) + " at agreement " + std::to_string(a) +
                 ", expected " + std::to_string(best));
        }
    }
    // a limit of the caller's own is tried though it fills no kernel
    if (alone(cheap, {1, 5}) != 5 || alone(cheap, {1, 15, 5}) == 5) {
        fail("numbers of rows that nobody likes");
    }
    // a gain of less than 2% is none
    const draft_lengths level = costs_of([](double) { return 1e-6; }, [](double rows) { return 10 * rows / 1.01; });
    if (alone(level, {1, 1}) != 0) {
        fail("drafts for a gain that noise would make");
    }
    // rows that cost nothing more are used, and no further
    const draft_lengths steps =
        costs_of([](double) { return 0.5; }, [](double rows) { return 20 + 20 * std::floor((rows - 1) / 4); });
    if (alone(steps, {0.6, 15}) != 3) {
        fail("does not follow the steps of the costs");
    }
    // as CPUs do it that take four rows at once: 16 rows cost less than 15, and the text has 14 tokens left
    const draft_lengths teeth = costs_of(
        one, [](double rows) { return 20 + 10 * std::floor(rows / 4) + 15 * (rows - 4 * std::floor(rows / 4)); });
    if (alone(teeth, {0.99, 15, 14}) != 15 || alone(teeth, {0.99, 15, 2}) != 3) {
        fail("rows that cost less than fewer are not taken");
    }
}

// A long text, or one of any length, begins soon; one that is waited for as a whole does not have to.
void lengths_at_first() {
    if (most_drafts_at_first(15, -1, false) != 3 || most_drafts_at_first(15, 65, false) != 3 ||
        most_drafts_at_first(15, 64, false) != 15 || most_drafts_at_first(15, 64, true) != 3 ||
        most_drafts_at_first(15, 1, false) != 15 || most_drafts_at_first(2, -1, false) != 2 ||
        most_drafts_at_first(0, 64, false) != 0) {
        fail("drafts in the round of a prompt");
    }
}

// An expert with a state decodes accepted drafts once more after one that was not.
void lengths_of_states() {
    const double a = 0.9;
    draft_lengths states = costs_of([](double rows) { return rows; }, [](double) { return 8; });
    const int without = alone(states, {a, 15});
    states.expert_decodes_again(true);
    int best = 0;
    double most = 1.02 / 9;
    for (const int drafts : {1, 3, 7, 11, 15}) {
        double tokens = 1;
        double again = 0;
        for (int k = 1; k <= drafts; ++k) {
            tokens += std::pow(a, k);
            again += k < drafts ? std::pow(a, k) * (1 - a) * k : 0;
        }
        const double rate = tokens / (drafts + 1 + again + 8);
        best = rate > most ? drafts : best;
        most = std::max(most, rate);
    }
    if (alone(states, {a, 15}) != best || best >= without) {
        fail("drafts of " + std::to_string(alone(states, {a, 15})) + " where the expert decodes some again, expected " +
             std::to_string(best) + "; " + std::to_string(without) + " where it does not");
    }
}

void lengths_together() {
    const draft_lengths cheap = costs_of(one, [](double) { return 11; });
    // equal depths, whatever each one's chance: deeper is a decode of the expert for one alone
    const auto two = draft_lengths(cheap).choose({{0.95, 15}, {0.8, 15}}, 14, 1);
    if (two[0].drafts != two[1].drafts || two[0].drafts < 2) {
        fail("depths differ");
    }
    const auto limited = draft_lengths(cheap).choose({{0.95, 15}, {0.95, 2}}, 14, 0);
    if (limited[0].drafts <= 2 || limited[1].drafts != 2) {
        fail("one that may draft less holds others back, or drafts more");
    }
    for (const size_t left : {0, 1, 5}) {
        int sum = 0;
        for (const auto & choice : draft_lengths(cheap).choose({{1, 15}, {1, 15}, {1, 15}}, left, 0)) {
            sum += choice.drafts;
        }
        if (sum > static_cast<int>(left)) {
            fail("more rows than there are");
        }
    }
    if (!draft_lengths(cheap).choose({}, 5, 2).empty()) {
        fail("drafts for nobody");
    }
    // rows of others are decoded with them: where each row costs, that does not change what pays
    const draft_lengths dear = costs_of(one, [](double rows) { return 10 * rows; });
    if (draft_lengths(dear).choose({{0.9, 5}}, 10, 5)[0].drafts != 0) {
        fail("rows of others make drafts cheap");
    }
}

void lengths_found() {
    const draft_lengths cheap = costs_of(one, [](double) { return 11; });
    const auto choose = [&](draft_candidate candidate) { return draft_lengths(cheap).choose({candidate}, 16, 0)[0]; };
    draft_candidate sure{0.5, 15};
    sure.found = 15;
    sure.repeats = 0.97;
    if (!choose(sure).found || choose(sure).drafts != 15) {
        fail("a text that repeats itself is drafted by the expert");
    }
    draft_candidate doubtful{0.95, 15};
    doubtful.found = 15;
    doubtful.repeats = 0.3;
    if (choose(doubtful).found || choose(doubtful).drafts == 0) {
        fail("repeats that are no repeats are drafted");
    }
    // equally sure: the one that costs no decodes of the expert
    draft_candidate equal{0.9, 15};
    equal.found = 15;
    equal.repeats = 0.9;
    if (!choose(equal).found) {
        fail("decodes of the expert for nothing");
    }
    // few tokens are found: the expert may have more to say
    draft_candidate few{0.99, 15};
    few.found = 1;
    few.repeats = 0.99;
    if (choose(few).found || choose(few).drafts != 15) {
        fail("a short repeat instead of a long draft");
    }
    // one repeats itself, the other does not
    draft_candidate other{0.9, 15};
    const auto both = draft_lengths(cheap).choose({sure, other}, 15, 0);
    if (!both[0].found || both[1].found || both[0].drafts == 0) {
        fail("who drafts does not follow each one's chances");
    }
}

void agreement_is_remembered() {
    agreement seen(0.8, 2, 0.97);
    if (!near(seen.value(), 0.8) || !near(seen.weight(), 2)) {
        fail("agreement before any evidence");
    }
    for (int i = 0; i < 200; ++i) {
        seen.observe(i % 4 != 0);
    }
    if (std::fabs(seen.value() - 0.75) > 0.05) {
        fail("agreement after evidence");
    }
    agreement next = seen.successor(4, 0.97);
    if (!near(next.value(), seen.value()) || !near(next.weight(), 4)) {
        fail("a request does not start at what others have shown");
    }
    for (int i = 0; i < 12; ++i) {
        next.observe(false);
    }
    if (next.value() > 0.25) {
        fail("a request does not go its own way");
    }
    if (!near(agreement(0.8, 2, 1).successor(16, 1).weight(), 2)) {
        fail("a guess gets the weight of evidence");
    }
}

// What was measured at a bad time at load, or at a time when a neighbour was busy, is found out.
void no_length_sticks() {
    const auto expert = [](double) { return 1.0; };
    const auto verify = [](double rows) { return 19 + rows; };
    struct {
        double agreement;
        size_t wrong_rows;
        double wrong_times;
    } const cases[] = {{0.02, 1, 3}, {0.02, 2, 0.5}, {0.95, 16, 3}, {0.95, 8, 0.4}, {0.95, 4, 0.5}};
    for (const auto & one : cases) {
        const auto rate = [&](int drafts) {
            return (1 - std::pow(one.agreement, drafts + 1)) / (1 - one.agreement) / (drafts + 1 + verify(drafts + 1));
        };
        double best = 0;
        for (const int drafts : {0, 1, 3, 7, 11, 15}) {
            best = std::max(best, rate(drafts));
        }
        for (const bool later : {false, true}) {
            draft_lengths lengths = costs_of(expert, [&](double rows) {
                return verify(rows) * (!later && rows == static_cast<double>(one.wrong_rows) ? one.wrong_times : 1);
            });
            int right = 0;
            for (int round = 0; round < 2400; ++round) {
                const int drafts = lengths.choose({{one.agreement, 15}}, 16, 0)[0].drafts;
                const auto rows = static_cast<size_t>(drafts) + 1;
                // now and then a neighbour takes the cores for 20 rounds, and there is a pause
                const double times = later && round < 1200 && round % 200 < 20 ? 3 : round % 50 == 49 ? 3 : 1;
                for (int k = 0; k <= drafts; ++k) {
                    lengths.costs().expert_took(false, 1, times);
                }
                lengths.costs().verify_took(false, rows, times * verify(static_cast<double>(rows)));
                right += round >= 2000 && rate(drafts) > 0.96 * best ? 1 : 0;
            }
            if (right < 360) {
                fail("agreement " + std::to_string(one.agreement) + ", wrong at " + std::to_string(one.wrong_rows) +
                     " rows: a good length in only " + std::to_string(right) + " of 400 rounds");
            }
        }
    }
}

}  // namespace

int test_draft_length(const arguments &) {
    costs_between_and_beyond();
    costs_learn();
    costs_are_kept();
    lengths_alone();
    lengths_at_first();
    lengths_of_states();
    lengths_together();
    lengths_found();
    agreement_is_remembered();
    no_length_sticks();
    std::printf("ok draft lengths\n");
    return 0;
}

}  // namespace rast::test
