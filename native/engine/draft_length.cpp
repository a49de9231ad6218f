#include "draft_length.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

constexpr double newest = 0.1;     // share of the latest measurement in a cost
constexpr double lower = 0.4;      // the same for one below it: other work only ever makes a decode slower
constexpr double hopeful = 0.8;    // slope beyond what is known, as a share of the last known one
constexpr double worth_it = 1.04;  // a round must gain this much over one without drafts
constexpr double surely = 0.995;   // agreement is never taken for more: a draft that fails costs the rest
// A cost is multiplied by this at most when a decode takes longer than it ever did: pauses of the machine are cut.
constexpr double longest_pause = 3;
// Without a second measured number of rows, a further row costs this share of one: kernels share the weights' reading.
constexpr double first_slope = 0.25;

// Lengths whose rows fill a kernel's four or eight, tried where their costs are not known and at least this share of
// their rows would be used.
constexpr int tried_lengths[] = {3, 7, 15, 1};
constexpr double mostly_used = 0.6;
// Of so many rounds one tries something, which is at most 15% worse: at most 0.5% is lost.
constexpr size_t rounds_per_trial = 32;
constexpr double nearly_as_good = 0.85;

// Tokens that a round with so many drafts gives.
double expected_tokens(double agreement, int drafts) {
    const double a = std::min(agreement, surely);
    return (1 - std::pow(a, drafts + 1)) / (1 - a);
}

}  // namespace

agreement::agreement(double expected, double weight, double memory)
    : expected_(expected), weight_(weight), memory_(memory) {}

void agreement::observe(bool same) {
    agreed_ = agreed_ * memory_ + (same ? 1 : 0);
    compared_ = compared_ * memory_ + 1;
}

row_costs::row_costs(size_t most) : ms_(most + 1, -1), seen_(most + 1, 0) {}

void row_costs::learn(size_t rows, double ms) {
    if (rows == 0 || rows >= ms_.size()) {
        return;
    }
    double & known = ms_[rows];
    // what was seen seldom, as at load, is soon outweighed: else the luckiest measurement would be chosen for long
    const double share = std::max(ms < known ? lower : newest, 1.0 / static_cast<double>(++seen_[rows]));
    // a pause of the machine is no cost: what is far above is cut
    known = known < 0 ? ms : known + share * (std::min(ms, known * longest_pause) - known);
}

bool row_costs::any() const {
    return std::any_of(ms_.begin(), ms_.end(), [](double ms) { return ms >= 0; });
}

void row_costs::add(const row_costs & other) {
    for (size_t rows = 1; rows < ms_.size(); ++rows) {
        if (other.known(rows)) {
            ms_[rows] = std::max(0.0, ms_[rows]) + other.ms_[rows];
            seen_[rows] = 1;
        }
    }
}

double row_costs::at(size_t rows) const {
    if (rows == 0) {
        return 0;
    }
    if (known(rows)) {
        return ms_[rows];
    }
    const auto before = [&](size_t from) {
        while (from > 0 && !known(from)) {
            --from;
        }
        return from;
    };
    const size_t low = before(std::min(rows, ms_.size() - 1));
    size_t high = rows;
    while (high < ms_.size() && !known(high)) {
        ++high;
    }
    if (low == 0) {
        return high < ms_.size() ? ms_[high] : 0;
    }
    if (high < ms_.size()) {
        const double share = static_cast<double>(rows - low) / static_cast<double>(high - low);
        return ms_[low] + share * (ms_[high] - ms_[low]);
    }
    const size_t earlier = before(low - 1);
    const double slope = earlier == 0 ? first_slope * ms_[low] / static_cast<double>(low)
                                      : std::max(0.0, (ms_[low] - ms_[earlier]) / static_cast<double>(low - earlier));
    return ms_[low] + hopeful * slope * static_cast<double>(rows - low);
}

std::vector<int> choose_drafts(const round_costs & costs, const std::vector<draft_candidate> & candidates,
                               size_t rows_left, size_t other_rows) {
    const size_t n = candidates.size();
    std::vector<int> drafts(n, 0);
    std::vector<int> best(n, 0);
    std::vector<double> next(n);  // chance that the next row of a sequence is used
    for (size_t i = 0; i < n; ++i) {
        next[i] = candidates[i].useful > 0 ? std::min(candidates[i].agreement, surely) : 0;
    }
    std::vector<size_t> alive = {n};  // sequences that the expert decodes at each depth
    size_t rows = n;
    auto tokens = static_cast<double>(n);
    double expert_ms = costs.expert.at(n);
    const auto rate = [&] { return tokens / (expert_ms + costs.others.at(rows) + costs.base.at(rows + other_rows)); };
    double best_rate = rate() * worth_it;
    for (size_t left = rows_left; left > 0; --left) {
        size_t choice = n;
        for (size_t i = 0; i < n; ++i) {
            if (drafts[i] < candidates[i].most && (choice == n || next[i] > next[choice])) {
                choice = i;
            }
        }
        if (choice == n) {
            break;
        }
        const auto depth = static_cast<size_t>(++drafts[choice]);
        if (depth >= alive.size()) {
            alive.push_back(0);
        }
        expert_ms -= costs.expert.at(alive[depth]);
        expert_ms += costs.expert.at(++alive[depth]);
        tokens += next[choice];
        next[choice] *= drafts[choice] < candidates[choice].useful ? std::min(candidates[choice].agreement, surely) : 0;
        ++rows;
        // a sequence alone keeps to what was measured: between that, costs may rise and fall
        if ((n > 1 || costs.base.known(rows + other_rows)) && rate() > best_rate) {
            best_rate = rate();
            best = drafts;
        }
    }
    return best;
}

int draft_probe::choose(const round_costs & costs, const draft_candidate & candidate, int chosen) {
    rounds_ += 1;
    used_.resize(std::max(used_.size(), static_cast<size_t>(candidate.most) + 1), 0);
    const auto use = [&](int drafts) {
        used_[static_cast<size_t>(drafts)] = rounds_;
        return drafts;
    };
    for (const int drafts : tried_lengths) {
        if (drafts <= candidate.most && !costs.base.known(static_cast<size_t>(drafts) + 1) &&
            expected_tokens(candidate.agreement, drafts) >= mostly_used * (drafts + 1)) {
            return use(drafts);
        }
    }
    if (rounds_ % rounds_per_trial != 0) {
        return use(chosen);
    }
    const auto rate = [&](int drafts) {
        const auto rows = static_cast<size_t>(drafts) + 1;
        const double ms = static_cast<double>(rows) * costs.expert.at(1) + costs.others.at(rows) + costs.base.at(rows);
        return expected_tokens(candidate.agreement, drafts) / ms;
    };
    int longest_ago = chosen;
    for (int drafts = 1; drafts <= candidate.most; ++drafts) {
        if (used_[static_cast<size_t>(drafts)] < used_[static_cast<size_t>(longest_ago)] &&
            rate(drafts) >= nearly_as_good * rate(chosen)) {
            longest_ago = drafts;
        }
    }
    return use(longest_ago);
}

}  // namespace rast
