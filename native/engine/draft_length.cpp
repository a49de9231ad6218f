#include "draft_length.h"

#include <algorithm>
#include <cmath>

namespace rast {

namespace {

constexpr double worth_it = 1.02;           // a round must gain this much over one without drafts
constexpr double share_for_trials = 0.005;  // of the time
constexpr double rounds_for_trial = 4;      // that one may lose at most
constexpr size_t rounds_unused = 12;        // before a length is tried
constexpr double shortest_ms = 1e-6;        // of a round whose costs are not known
constexpr size_t delaying_first = 3;        // drafts in the round of a prompt
constexpr int32_t waited_for_whole = 64;    // tokens of a text whose first one nobody waits for
constexpr double surely = 0.995;            // agreement is never taken for more: a draft that fails costs the rest

// Numbers of rows that fill a kernel's fours and eights.
constexpr int liked_rows[] = {1, 2, 4, 8, 12, 16, 24, 32, 48, 64};

bool is_liked(int rows) {
    return std::find(std::begin(liked_rows), std::end(liked_rows), rows) != std::end(liked_rows);
}

// Tokens that so many drafts give beyond the one that every round gives.
double expected_tokens(double agreement, int drafts) {
    const double a = std::min(agreement, surely);
    return a * (1 - std::pow(a, drafts)) / (1 - a);
}

struct option {
    std::vector<draft_choice> choices;
    double rate = 0;  // tokens per millisecond
    double ms = 0;
    size_t rows = 0;    // of the base
    size_t fewest = 0;  // of them, without drafts
};

class option_maker {
  public:
    option_maker(const draft_costs & costs, const std::vector<draft_candidate> & candidates, size_t rows_left,
                 size_t other_rows, bool together, bool decodes_again)
        : costs_(costs),
          candidates_(candidates),
          rows_left_(rows_left),
          other_rows_(other_rows),
          together_(together),
          decodes_again_(decodes_again) {}

    // What may be chosen; no drafts at all is the first.
    std::vector<option> all() const {
        std::vector<bool> nobody(candidates_.size(), false);
        std::vector<option> out = {of(nobody, 0)};
        int deepest = 0;
        for (const auto & one : candidates_) {
            deepest = std::max(deepest, one.most);
        }
        for (const auto & finders : who_may_find()) {
            size_t rows = out[0].rows;
            for (int depth = 1; depth <= deepest; ++depth) {
                if (!allowed(depth)) {
                    continue;
                }
                option one = of(finders, depth);
                if (one.rows > rows) {
                    rows = one.rows;
                    out.push_back(std::move(one));
                }
            }
        }
        return out;
    }

  private:
    // A candidate that is alone drafts as many as kernels like, or all that it may.
    bool allowed(int depth) const { return together_ || depth == candidates_[0].most || is_liked(depth + 1); }

    // For whom drafts are taken from the text: nobody, all for whom there are any, those whose text is likelier to
    // repeat itself than the expert is to agree.
    std::vector<std::vector<bool>> who_may_find() const {
        std::vector<bool> nobody;
        std::vector<bool> all;
        std::vector<bool> likelier;
        for (const auto & one : candidates_) {
            nobody.push_back(false);
            all.push_back(one.found > 0);
            likelier.push_back(one.found > 0 && one.repeats > one.agreement);
        }
        std::vector<std::vector<bool>> out = {nobody};
        for (const auto & more : {all, likelier}) {
            if (std::find(out.begin(), out.end(), more) == out.end()) {
                out.push_back(more);
            }
        }
        return out;
    }

    // What it costs the expert, in the next round, that some of its drafts were accepted and one was not.
    double again_ms(double agreement, int drafts) const {
        const double a = std::min(agreement, surely);
        double ms = 0;
        for (int accepted = 1; accepted < drafts; ++accepted) {
            const double more =
                costs_.expert(together_, static_cast<size_t>(accepted) + 1) - costs_.expert(together_, 1);
            ms += std::pow(a, accepted) * (1 - a) * std::max(0.0, more);
        }
        return ms;
    }

    option of(const std::vector<bool> & found, int depth) const {
        option out;
        const size_t n = candidates_.size();
        out.fewest = n + other_rows_;
        auto tokens = static_cast<double>(out.fewest);
        size_t expert_rows = n;                                       // of its first decode
        std::vector<size_t> drafting(static_cast<size_t>(depth), 0);  // sequences in each decode after it
        size_t left = rows_left_;
        for (size_t i = 0; i < n; ++i) {
            const draft_candidate & one = candidates_[i];
            const int limit = found[i] ? std::min(one.most, one.found) : one.most;
            const int drafts = std::max(0, std::min({depth, limit, static_cast<int>(left)}));
            left -= static_cast<size_t>(drafts);
            tokens += expected_tokens(found[i] ? one.repeats : one.agreement, std::min(drafts, one.useful));
            out.choices.push_back({drafts, found[i] && drafts > 0});
            if (decodes_again_) {
                out.ms += again_ms(found[i] ? one.repeats : one.agreement, drafts);
                // in front of drafts from the text its state is set aside
                out.ms += found[i] && drafts > 0 ? costs_.expert(together_, static_cast<size_t>(drafts)) : 0;
            } else {
                expert_rows += found[i] ? static_cast<size_t>(drafts) : 0;
            }
            for (int k = 0; k < drafts && !found[i]; ++k) {
                drafting[static_cast<size_t>(k)] += 1;
            }
        }
        out.ms += costs_.expert(together_, expert_rows);
        for (const size_t sequences : drafting) {
            out.ms += costs_.expert(together_, sequences);
        }
        out.rows = out.fewest + rows_left_ - left;
        // whatever was measured at a bad time: more rows never take less than the fewest
        out.ms += std::max(costs_.verify(together_, out.rows), costs_.verify(together_, out.fewest));
        out.rate = tokens / std::max(out.ms, shortest_ms);
        return out;
    }

    const draft_costs & costs_;
    const std::vector<draft_candidate> & candidates_;
    size_t rows_left_;
    size_t other_rows_;
    bool together_;
    bool decodes_again_;
};

}  // namespace

size_t most_drafts_at_first(size_t most, int32_t wanted, bool together) {
    const bool whole = !together && wanted >= 0 && wanted <= waited_for_whole;
    return whole ? most : std::min(most, delaying_first);
}

draft_lengths::draft_lengths(size_t most) : costs_(most) {
    for (trials & one : trials_) {
        one.used.assign(most + 1, 0);
    }
}

std::vector<draft_choice> draft_lengths::choose(const std::vector<draft_candidate> & candidates, size_t rows_left,
                                                size_t other_rows) {
    const size_t n = candidates.size();
    if (n == 0) {
        return {};
    }
    const bool together = n + other_rows > 1;
    const option_maker make(costs_, candidates, rows_left, other_rows, together, decodes_again_);
    std::vector<option> all = make.all();
    size_t best = 0;
    const auto worth = [](const option & one) { return one.rate * (one.rows > one.fewest ? 1 : worth_it); };
    for (size_t i = 1; i < all.size(); ++i) {
        best = worth(all[i]) > worth(all[best]) ? i : best;
    }

    trials & tried = trials_[together ? 1 : 0];
    tried.rounds += 1;
    const auto age = [&](const option & one) { return tried.rounds - tried.used[one.rows]; };
    const auto lost_ms = [&](const option & one) { return one.ms * (1 - one.rate / all[best].rate); };
    tried.credit_ms = std::min(tried.credit_ms + share_for_trials * all[best].ms, rounds_for_trial * all[best].ms);
    // what was not used for longest, and the better the sooner; where it loses much, it waits for the credit
    size_t wanted = best;
    double most_wanted = 0;
    for (size_t i = 0; i < all.size(); ++i) {
        if (i == best || age(all[i]) < rounds_unused || lost_ms(all[i]) > rounds_for_trial * all[best].ms ||
            (together && !costs_.verify_known(together, all[i].rows))) {
            continue;  // with several requests there are too many numbers of rows to try all
        }
        const double want = all[i].rate * std::sqrt(static_cast<double>(age(all[i])));
        wanted = want > most_wanted ? i : wanted;
        most_wanted = std::max(most_wanted, want);
    }
    const size_t trial = lost_ms(all[wanted]) <= tried.credit_ms ? wanted : best;
    tried.credit_ms -= std::max(0.0, lost_ms(all[trial]));
    tried.used[all[trial].rows] = tried.rounds;
    return all[trial].choices;
}

}  // namespace rast
