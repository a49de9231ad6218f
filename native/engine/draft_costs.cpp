#include "draft_costs.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

constexpr double newest = 0.05;          // share of the latest measurement in a cost
constexpr double newest_in_speed = 0.3;  // and in the speed
// A measurement further off than by e to this power is a pause and cut; what is hardly known may be that far off.
constexpr double most_off = 0.5;
constexpr double most_off_at_first = 1.2;
constexpr double few_seen = 2;  // measurements
// Without a second known number of rows, a further row costs this share of one: kernels share the weights' reading.
constexpr double first_slope = 0.1;

// What a file may say: a decode takes no longer than a day.
constexpr double most_ms = 86'400'000;

}  // namespace

// ---- row_costs

row_costs::row_costs(size_t most) : ms_(most + 1, 0), seen_(most + 1, 0) {}

void row_costs::calibrate(size_t rows, double ms) {
    if (rows == 0 || rows >= ms_.size() || ms <= 0) {
        return;
    }
    ms_[rows] = known(rows) ? std::min(ms_[rows], ms) : ms;
    seen_[rows] += 1;
}

double row_costs::learn(size_t rows, double ms, double speed) {
    if (rows == 0 || rows >= ms_.size() || ms <= 0) {
        return 0;
    }
    const bool guessed = !known(rows);
    const double before = at(rows);
    double & cost = ms_[rows];
    cost = before > 0 ? before : ms / speed;
    seen_[rows] += 1;
    const double most = seen_[rows] > few_seen ? most_off : most_off_at_first;
    const double off = std::clamp(std::log(ms / (speed * cost)), -most, most);
    // what was seen seldom, as at load, is soon outweighed: else the luckiest measurement would be chosen for long
    cost *= std::exp(std::max(newest, 1 / seen_[rows]) * off);
    return guessed ? 0 : off;
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
    return ms_[low] + slope * static_cast<double>(rows - low);
}

void row_costs::doubt() {
    for (double & seen : seen_) {
        seen = std::min(seen, 2.0);
    }
}

void row_costs::save(std::vector<double> & out) const {
    for (size_t rows = 1; rows < ms_.size(); ++rows) {
        out.push_back(ms_[rows]);
        out.push_back(seen_[rows]);
    }
}

bool row_costs::restore(std::span<const double> & in) {
    const size_t most = ms_.size() - 1;
    if (in.size() < 2 * most) {
        return false;
    }
    for (size_t rows = 1; rows <= most; ++rows) {
        const double ms = in[2 * rows - 2];
        const double seen = in[2 * rows - 1];
        if (!(ms >= 0 && ms <= most_ms && seen >= 0 && std::isfinite(seen))) {
            return false;
        }
        ms_[rows] = ms;
        seen_[rows] = seen;
    }
    in = in.subspan(2 * most);
    return true;
}

// ---- draft_costs

draft_costs::draft_costs(size_t most) : tables_{table(most), table(most)} {}

void draft_costs::calibrate_expert(size_t rows, double ms) {
    for (table & one : tables_) {
        one.expert.calibrate(rows, ms);
    }
}

void draft_costs::calibrate_verify(size_t rows, double ms) {
    for (table & one : tables_) {
        one.verify.calibrate(rows, ms);
    }
}

void draft_costs::expert_took(bool together, size_t rows, double ms) {
    begin(together);
    table & one = of(together);
    one.learned += 1;
    one.expert.learn(rows, ms, one.speed);
}

void draft_costs::verify_took(bool together, size_t rows, double ms) {
    begin(together);
    table & one = of(together);
    one.learned += 1;
    const double off = one.verify.learn(rows, ms, one.speed);
    one.rounds += 1;
    one.speed *= std::exp(std::max(newest_in_speed, 1 / (1 + one.rounds)) * off);
}

// Before a table learns for the first time: what the other kind of round has shown is better than what was measured at
// load.
void draft_costs::begin(bool together) {
    table & one = of(together);
    const table & other = of(!together);
    if (one.learned == 0 && other.learned > 0) {
        one = other;
        one.rounds = 0;
        one.expert.doubt();
        one.verify.doubt();
    }
}

void draft_costs::save(std::vector<double> & out) const {
    for (const table & one : tables_) {
        out.push_back(one.learned);
        one.expert.save(out);
        one.verify.save(out);
    }
}

bool draft_costs::restore(std::span<const double> & in) {
    draft_costs read(*this);
    for (table & one : read.tables_) {
        one.speed = 1;  // the first rounds tell it
        one.rounds = 0;
        if (in.empty() || !(in[0] >= 0 && std::isfinite(in[0]))) {
            return false;
        }
        one.learned = in[0];
        in = in.subspan(1);
        // nothing at all is known of a round without the costs of one row
        if (!one.expert.restore(in) || !one.verify.restore(in) || !one.expert.known(1) || !one.verify.known(1)) {
            return false;
        }
    }
    *this = std::move(read);
    return true;
}

}  // namespace rast
