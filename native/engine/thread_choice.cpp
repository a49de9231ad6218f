#include "thread_choice.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace rast {

namespace {

// What is compared: some rounds, and as many more as several turns of a scheduler take; of long ones fewer.
constexpr size_t fewest_rounds = 3;
constexpr size_t most_rounds = 12;
constexpr double long_enough_ms = 24;
constexpr double surely_enough_ms = 1500;
constexpr double lacking = 0.4;        // of a processor, or others are at work
constexpr double much_slower = 1.8;    // than usual: the same
constexpr double fewer_quicker = 0.8;  // than before, or a smaller number is not kept: rounds differ
constexpr double much_quicker = 0.93;  // than before, or a number is not kept
constexpr double hopeless = 1.4;       // after one round
// Milliseconds until a number is tried: while others are at work, after they were, and when all is quiet.
constexpr double wait_starved = 250;
constexpr double wait_freed = 250;
constexpr double wait_reduced = 1000;  // where the system does not say what processors do
constexpr double wait_told = 30000;    // where it does
constexpr double wait_quiet = 8000;
constexpr double longest_wait_at_work = 8000;
constexpr double longest_wait_quiet = 60000;
constexpr double lost_at_most = 0.04;     // of all time, in trials
constexpr double lost_when_quiet = 0.01;  // the same, without a reason to try
constexpr double lost_at_first_ms = 100;
constexpr double long_decode_ms = 300;
constexpr double usual_share = 0.02;       // of the latest decode in what is usual
constexpr double looked_at_ms = 150;       // a stretch in which processors are counted
constexpr double longest_rest_ms = 60000;  // what others did long ago says nothing
constexpr double gap_ms = 20;              // between rounds: nobody asked for anything
constexpr size_t most_usual = 4096;

double mean_ratio(const auto & rounds) {
    double sum = 0;
    for (const auto & one : rounds) {
        sum += one.ratio;
    }
    return sum / static_cast<double>(rounds.size());
}

double middle_ratio(const auto & rounds) {
    std::vector<double> ratios;
    for (const auto & one : rounds) {
        ratios.push_back(one.ratio);
    }
    const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
    std::nth_element(ratios.begin(), middle, ratios.end());
    return *middle;
}

double sum_ms(const auto & rounds) {
    double sum = 0;
    for (const auto & one : rounds) {
        sum += one.ms;
    }
    return sum;
}

bool are_enough(const auto & rounds) {
    const double ms = sum_ms(rounds);
    return rounds.size() >= most_rounds || ms >= surely_enough_ms ||
           (rounds.size() >= fewest_rounds && ms >= long_enough_ms);
}

// All to begin with, one less for one busy neighbour, and ever fewer.
std::vector<int> numbers_up_to(int most) {
    std::vector<int> out = {1, most};
    for (int n = 2; n < most; n *= 2) {
        out.push_back(n);
    }
    if (most > 2) {
        out.push_back(most - 1);
        out.push_back(most - most / 4);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace

void thread_choice::timer::failed(double now_ms, double longest_ms) {
    next_ms = now_ms + wait_ms;
    wait_ms = std::min(2 * wait_ms, longest_ms);
}

thread_choice::thread_choice(int most, bool learns, processor_clocks clocks)
    : numbers_(numbers_up_to(std::max(1, most))),
      records_(numbers_.size(), {{wait_quiet, wait_quiet}, {0, wait_starved}, {0, wait_freed}}),
      current_(numbers_.size() - 1),
      learns_(learns && numbers_.size() > 1),
      clocks_(std::move(clocks)) {}

void thread_choice::rest(double now_ms) {
    if (!learns_ || rested_) {
        return;
    }
    rested_ = read(now_ms);
}

// Down to the processors that others left. Up only a trial leads: idle processors do not say that more are quicker.
bool thread_choice::wake(double now_ms) {
    const std::optional<reading> from = std::exchange(rested_, std::nullopt);
    if (!from || trial_ || now_ms - from->now_ms < looked_at_ms || now_ms - from->now_ms > longest_rest_ms) {
        return false;
    }
    const std::optional<reading> now = read(now_ms);
    if (!now) {
        return false;
    }
    const double left = left_between(*from, *now);
    const size_t before = current_;
    while (current_ > 0 && numbers_[current_] > left + lacking) {
        --current_;
    }
    if (current_ == before) {
        return false;
    }
    recent_.clear();
    keep(before);
    return true;
}

void thread_choice::begin_round(double now_ms) {
    if (learns_) {
        round_.clear();
        round_began_ms_ = now_ms;
        given_before_ = clocks_.given();
    }
}

void thread_choice::took(size_t context, size_t tokens, double ms) {
    if (learns_) {
        round_.push_back({(static_cast<uint64_t>(context) << 32U) | tokens, ms});
    }
}

// What the round's decodes took against what is usual, as a logarithm; nothing where that is not known, and 0 where
// this round says what is.
std::optional<double> thread_choice::ratio_of_round() {
    double took = 0;
    double expected = 0;
    for (const decode & one : round_) {
        const auto known = usual_.find(one.key);
        if (known != usual_.end() && known->second.seen > 1) {
            took += one.ms;
            expected += known->second.ms;
        }
    }
    const double ratio = expected > 0 && took > 0 ? took / expected : 0;
    for (const decode & one : round_) {
        if (trial_ || usual_.size() >= most_usual) {
            continue;
        }
        usual & known = usual_[one.key];
        // the first of its shape builds a graph, which is nothing beside a long decode; the quickest of the next few
        // counts
        known.seen += known.seen == 0 && one.ms >= long_decode_ms ? 2 : 1;
        if (known.seen <= 2) {
            known.ms = ratio > 0 ? one.ms / ratio : one.ms;
        } else if (known.seen <= 4) {
            known.ms = std::min(known.ms, one.ms);
        } else {
            // longer texts cost more: what is usual follows, cut where a machine pauses
            known.ms += usual_share * (std::min(one.ms, 2 * known.ms) - known.ms);
        }
    }
    const bool first = ratio == 0 && !trial_ && !round_.empty();
    round_.clear();
    return ratio > 0 ? std::optional(std::log(ratio)) : first ? std::optional(0.0) : std::nullopt;
}

double thread_choice::given() const {
    double sum = 0;
    for (const round_record & one : recent_) {
        sum += one.given;
    }
    return recent_.empty() ? 1 : sum / static_cast<double>(recent_.size());
}

// Whether others are at work, by the time that processors gave, or as all has become slow.
bool thread_choice::starved() const {
    return are_enough(recent_) &&
           (given() * current() < current() - lacking || middle_ratio(recent_) > std::log(much_slower));
}

std::optional<thread_choice::reading> thread_choice::read(double now_ms) const {
    const std::optional<double> given = clocks_.given();
    const std::optional<double> idle = clocks_.idle();
    return given && idle ? std::optional(reading{now_ms, *given, *idle}) : std::nullopt;
}

// What this process had counts as left, as threads of the pool that decode nothing spin for a while after each graph.
double thread_choice::left_between(const reading & from, const reading & to) {
    return ((to.given - from.given) + (to.idle - from.idle)) / (to.now_ms - from.now_ms);
}

// While fewer than all threads decode: how many processors others leave.
void thread_choice::look_for_processors(double now_ms) {
    const bool gap = round_began_ms_ - last_end_ms_ > gap_ms;
    last_end_ms_ = now_ms;
    if (current_ + 1 == numbers_.size() || gap) {
        stretch_.reset();
        left_ = 0;
    } else if (stretch_ && now_ms - stretch_->now_ms < looked_at_ms) {
        return;
    }
    if (current_ + 1 < numbers_.size()) {
        const std::optional<reading> now = read(now_ms);
        if (now && stretch_) {
            left_ = left_between(*stretch_, *now);
        }
        stretch_ = now;
    }
}

bool thread_choice::end_round(double now_ms) {
    if (!learns_) {
        return false;
    }
    const double round_ms = now_ms - round_began_ms_;
    now_ms_ += round_ms;
    look_for_processors(now_ms);
    const std::optional<double> ratio = ratio_of_round();
    if (!ratio || round_ms <= 0) {
        if (!trial_ || ++trial_->unlike < most_rounds) {
            return false;
        }
        // other company came meanwhile: nothing is learned of its rounds before the trial ends
        const size_t before = trial_->from;
        trial_.reset();
        give_up(before);
        return true;
    }
    const std::optional<double> given = clocks_.given();
    const double share = given && given_before_ ? (*given - *given_before_) / (round_ms * current()) : 1;
    const round_record round{*ratio, round_ms, share};
    if (trial_) {
        trial_->rounds.push_back(round);
        return judge();
    }
    recent_.push_back(round);
    while (recent_.size() > 1 && are_enough(std::span(recent_).subspan(1))) {
        recent_.erase(recent_.begin());
    }
    const bool has_reason = starved() || current_ + 1 < numbers_.size();
    const double may_lose = has_reason ? lost_at_first_ms + lost_at_most * now_ms_ : lost_when_quiet * now_ms_;
    const std::optional<size_t> next = lost_ms_ <= may_lose && are_enough(recent_) ? next_to_try() : std::nullopt;
    if (next) {
        begin_trial(*next);
    }
    return next.has_value();
}

// Of the numbers that are due the nearest: to the processors that there are where others are at work, else to the
// current one.
std::optional<size_t> thread_choice::next_to_try() const {
    const bool others_work = starved();
    const double target = others_work ? given() * current() : current();
    std::optional<size_t> found;
    const auto distance = [&](size_t i) { return std::fabs(numbers_[i] - target); };
    for (size_t i = 0; i < numbers_.size(); ++i) {
        const bool freed = left_ > numbers_[i] - lacking;
        const bool due = now_ms_ >= records_[i].quiet.next_ms ||
                         (others_work && i < current_ && now_ms_ >= records_[i].starved.next_ms) ||
                         (freed && i > current_ && now_ms_ >= records_[i].freed.next_ms);
        if (i != current_ && due && (!found || distance(i) < distance(*found))) {
            found = i;
        }
    }
    return found;
}

void thread_choice::begin_trial(size_t number) {
    trial_ = trial{current_, {}};
    current_ = number;
}

// @returns whether the number has changed: back to the one before
bool thread_choice::judge() {
    const std::vector<round_record> & rounds = trial_->rounds;
    const double difference = mean_ratio(rounds) - mean_ratio(recent_);
    const bool enough = are_enough(rounds);
    if (!enough && difference < std::log(hopeless)) {
        return false;
    }
    const trial ended = std::move(*trial_);
    trial_.reset();
    lost_ms_ += std::max(0.0, sum_ms(ended.rounds) * (1 - std::exp(-difference)));
    const double needed = current_ < ended.from ? fewer_quicker : much_quicker;
    if (enough && difference < std::log(needed)) {
        recent_.assign(ended.rounds.begin(), ended.rounds.end());
        keep(ended.from);
        return false;
    }
    give_up(ended.from);
    return true;
}

// Back to the number before; the current one waits longer.
void thread_choice::give_up(size_t before) {
    number_record & failed = records_[current_];
    failed.quiet.failed(now_ms_, current_ > before && !clocks_.idle() ? longest_wait_at_work : longest_wait_quiet);
    failed.starved.failed(now_ms_, longest_wait_at_work);
    failed.freed.failed(now_ms_, longest_wait_at_work);
    current_ = before;
}

// The current number is better than the one before: when may the others be again?
void thread_choice::keep(size_t before) {
    const double wait = clocks_.idle() ? wait_told : wait_reduced;
    for (size_t i = 0; i < numbers_.size(); ++i) {
        if (i > current_ && before > current_) {
            records_[i].quiet.restart(now_ms_, wait, wait);  // others' work ends some day
            records_[i].freed.restart(now_ms_, wait_freed, wait_freed);
        } else if (i < current_) {
            records_[i].quiet.restart(now_ms_, wait_quiet, wait_quiet);
            records_[i].starved.restart(now_ms_, 0, wait_starved);
        }
    }
}

}  // namespace rast
