#include "row_reader.h"

#include <algorithm>

namespace rast {

namespace {

// Units of work; a unit is about 20 ns (bench-grammar). What a step may cost those who have no grammar, and one draw in
// all.
constexpr uint64_t work_of_step = 1'000'000;
constexpr uint64_t least_work_of_step = 50'000;  // of each request
constexpr uint64_t work_of_draw = 100'000'000;

}  // namespace

row_reader::row_reader(const role_contexts & contexts, const batch_decoder & decoder)
    : contexts_(contexts), decoder_(decoder) {}

void row_reader::allow_work(std::span<const std::unique_ptr<sequence>> running) {
    const auto constrained = static_cast<uint64_t>(
        std::count_if(running.begin(), running.end(), [](const auto & seq) { return seq && seq->grammar; }));
    for (const auto & seq : running) {
        if (seq && seq->grammar) {
            seq->grammar->allow(std::max(work_of_step / constrained, least_work_of_step));
        }
    }
}

row_draw row_reader::read(size_t context, sequence & seq, size_t row) {
    role_context & from = contexts_[context];
    ensemble_sampler & sampler = from.sampler();
    const row_draw draw = sampler.read_row(from.get(), static_cast<int32_t>(row), decoder_.output_of(row));
    if (seq.started) {
        const double ms = sampler.take_cpu_ms();
        seq.times(from.which()).sampling_ms += ms;
        seq.times(from.which()).decode_ms += ms;
    }
    seq.result.host_bytes += sampler.last_traffic().bytes;
    seq.result.host_rows += sampler.last_traffic().host_rows;
    seq.result.host_row_bytes += sampler.last_traffic().host_bytes;
    return draw;
}

row_draw row_reader::read_allowed(size_t context, sequence & seq, size_t row) {
    row_draw draw = read(context, seq, row);
    if (!seq.grammar || draw.token < 0 || seq.begins_reasoning(draw.token)) {
        return draw;
    }
    try {
        if (seq.grammar->allows(seq.texts(), draw.token)) {
            return draw;
        }
    } catch (const out_of_work &) {
        // it is asked again
    }
    ensemble_sampler & sampler = contexts_[context].sampler();
    std::vector<float> logits = sampler.fused_row(static_cast<int32_t>(row));
    seq.result.host_rows += sampler.last_traffic().host_rows;
    seq.result.host_row_bytes += sampler.last_traffic().host_bytes;
    std::shared_ptr<const kept_rows> rows;
    if (draw.figures) {
        rows = sampler.keep_rows(static_cast<int32_t>(row));
        seq.result.host_rows += sampler.last_traffic().host_rows;
        seq.result.host_row_bytes += sampler.last_traffic().host_bytes;
    }
    seq.undecided_draw.emplace(sequence::undecided{
        draw, constrained_draw(std::move(logits), seq.settings(false), draw.token, seq.numbers_after_refusal()), 0,
        rows});
    if (!decide(seq, draw)) {
        draw.token = row_undecided;
    }
    return draw;
}

bool row_reader::decide(sequence & seq, row_draw & draw) {
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
        draw.figures = open.rows && draw.token >= 0 ? open.rows->figures(draw.token) : nullptr;
    }
    seq.undecided_draw.reset();
    return true;
}

}  // namespace rast
