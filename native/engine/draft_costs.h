// What the decodes of a round cost by their rows, learned while running.
//
// Costs are kept relative to how fast the machine is at the moment: what slows all decodes alike (a drift, a busy
// neighbour) moves the speed, and only what is left of a measurement teaches the cost of its number of rows. So a
// length that was measured at a bad time is soon compared on equal terms again.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace rast {

// Milliseconds of a decode by its rows. They rise in steps and fall: kernels that take four rows at once make four
// cheaper than three.
class row_costs {
  public:
    explicit row_costs(size_t most);

    // Before requests come: of several measurements the quickest counts, as other work only ever makes a decode slower.
    void calibrate(size_t rows, double ms);

    // While running. @returns by which factor it differs from what was expected at this speed, as a logarithm, cut at
    // both ends: what is far off is a pause
    double learn(size_t rows, double ms, double speed);

    bool known(size_t rows) const { return rows < ms_.size() && ms_[rows] > 0; }

    // Between known numbers of rows along a line, beyond them along the last line.
    double at(size_t rows) const;

    // Takes what is known for no more than measurements at load.
    void doubt();

    // All that is known, as numbers; restore() takes nothing else. @returns whether it has taken it
    void save(std::vector<double> & out) const;
    bool restore(std::span<const double> & in);

  private:
    std::vector<double> ms_;    // by rows, 0 = not known
    std::vector<double> seen_;  // measurements
};

class draft_costs {
  public:
    // @param most rows of a decode
    explicit draft_costs(size_t most);

    void calibrate_expert(size_t rows, double ms);
    void calibrate_verify(size_t rows, double ms);

    // @param together whether the round has several requests: their rows cost otherwise than those of one
    void expert_took(bool together, size_t rows, double ms);
    void verify_took(bool together, size_t rows, double ms);

    // Of a decode of the expert.
    double expert(bool together, size_t rows) const { return of(together).expert.at(rows); }

    // Of the decodes of all other models, each of so many rows.
    double verify(bool together, size_t rows) const { return of(together).verify.at(rows); }

    // Whether that was measured, and is no guess.
    bool verify_known(bool together, size_t rows) const { return of(together).verify.known(rows); }

    void save(std::vector<double> & out) const;
    // What save() gave, of an engine with as many rows. @returns whether it has taken it; if not, nothing has changed
    bool restore(std::span<const double> & in);

  private:
    struct table {
        explicit table(size_t most) : expert(most), verify(most) {}

        row_costs expert;
        row_costs verify;
        double speed = 1;    // what all costs are multiplied by at the moment
        double rounds = 0;   // since the load
        double learned = 0;  // decodes that taught something, in all loads
    };

    void begin(bool together);
    table & of(bool together) { return tables_[together ? 1 : 0]; }
    const table & of(bool together) const { return tables_[together ? 1 : 0]; }

    std::array<table, 2> tables_;  // of one request, of several
};

}  // namespace rast
