// Grammars in a step: each may do so much work, and a draw that needs more goes on in the next step, while others
// generate.
#include "engine.h"
#include "error.h"

#include <algorithm>

namespace rast {

namespace {

// Units of work; a unit is about 20 ns (bench-grammar). What a step may cost those who have no grammar, and one draw in
// all.
constexpr uint64_t work_of_step = 1'000'000;
constexpr uint64_t least_work_of_step = 50'000;  // of each request
constexpr uint64_t work_of_draw = 100'000'000;

}  // namespace

// Shares a step's work among the requests with a grammar.
void engine::allow_work() {
    const auto constrained = static_cast<uint64_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const auto & seq) { return seq && seq->grammar; }));
    for (const auto & seq : slots_) {
        if (seq && seq->grammar) {
            seq->grammar->allow(std::max(work_of_step / constrained, least_work_of_step));
        }
    }
}

// Goes on with a draw that is undecided. @returns whether it is decided, and then `draw` has it
bool engine::decide(sequence & seq, row_draw & draw) {
    sequence::undecided & open = *seq.undecided_draw;
    const uint64_t before = seq.grammar->work_left();
    const bool done = open.redraw.go_on(*seq.grammar, seq.texts());
    open.work += before - seq.grammar->work_left() + (done ? 0 : seq.grammar->work_left());
    if (!done && open.work < work_of_draw) {
        return false;
    }
    draw = open.draw;
    draw.refused = open.redraw.refused();
    seq.result.refused += draw.refused ? 1 : 0;
    if (!done) {
        draw.token = row_over_limit;
    } else if (draw.refused) {
        draw.token = open.redraw.token();
        draw.logprob =
            draw.token < 0 || seq.wanted().logprobs < 0 ? 0.0F : logprob_of(open.redraw.logits(), draw.token);
    }
    seq.undecided_draw.reset();
    return true;
}

void engine::decide_draws(std::vector<step_event> & events) {
    for (const auto & slot : slots_) {
        row_draw draw;
        if (!slot || !slot->undecided_draw || stopping_ || !decide(*slot, draw)) {
            continue;
        }
        sequence & seq = *slot;
        step_event event;
        event.request = seq.id();
        take(seq, draw, event);
        const bool done = event.result || event.error;
        events.push_back(std::move(event));
        if (done) {
            end(seq);
        }
    }
}

}  // namespace rast
