#include "cpu_path.h"

#include "sampler_row.h"

#include <algorithm>
#include <utility>

namespace rast {

cpu_path::cpu_path(path_context context)
    : context_(std::move(context)),
      settings_(static_cast<size_t>(context_.rows) + 1),
      draws_(settings_.size()),
      figures_(settings_.size()),
      kept_(settings_.size()),
      scratches_(max_cpu_threads) {}

bool cpu_path::allocate(ggml_backend_buffer_type_t) {
    return true;
}

// llama.cpp is given no tokens: they are in draws_.
ggml_tensor * cpu_path::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool) {
    ggml_tensor * arguments[] = {logits};
    ggml_build_forward_expand(graph, ggml_custom_4d(ctx, GGML_TYPE_I32, logits->ne[1], 1, 1, 1, arguments, 1, on_rows,
                                                    GGML_N_TASKS_MAX, this));
    return nullptr;
}

void cpu_path::on_rows(ggml_tensor * out, int thread, int threads, void * self) {
    auto * path = static_cast<cpu_path *>(self);
    const ggml_tensor * logits = out->src[0];
    const auto start = cpu_clock::now();
    row_scratch & scratch = path->scratches_[static_cast<size_t>(thread) % max_cpu_threads];
    for (int64_t row = thread; row < logits->ne[1]; row += threads) {
        const auto * values = reinterpret_cast<const float *>(static_cast<const char *>(logits->data) +
                                                              static_cast<size_t>(row) * logits->nb[1]);
        path->draw(values, static_cast<int32_t>(row), scratch);
        static_cast<int32_t *>(out->data)[row] = path->draws_[static_cast<size_t>(row)].token;
    }
    path->context_.clock->add_of_node(thread, start);
}

void cpu_path::draw(const float * logits, int32_t row, row_scratch & scratch) {
    const auto at = static_cast<size_t>(row);
    const row_settings & settings = settings_[at];
    if (!settings.draw) {
        return;
    }
    row_inputs in;
    in.logits = logits;
    in.n_vocab = context_.n_vocab;
    in.n_drawable = context_.drawable.n_drawable;
    in.masked = &context_.drawable.masked;
    context_.pairs->point_to(row, in);
    row_draw & drawn = draws_[at];
    if (settings.given >= 0) {
        drawn.token = settings.given;
    } else {
        drawn = draw_row(in, settings, scratch);
    }
    if (settings.keep) {
        kept_[at].assign(scratch.fused.begin(), scratch.fused.begin() + std::min(in.n_drawable, in.n_vocab));
    }
    if (settings.figures >= 0 && drawn.token >= 0) {
        figure(in, row, scratch);
    }
}

// Of the rows without bias and penalties.
void cpu_path::figure(row_inputs in, int32_t row, row_scratch & scratch) {
    const auto at = static_cast<size_t>(row);
    const row_settings & settings = settings_[at];
    host_rows rows;
    rows.base = in.logits;
    const int pair = context_.pairs->count() > 0 ? figured_pair(settings) : -1;
    if (pair >= 0) {
        in.adjusted = true;
        rows.fused = rast::fused_row(in, settings, scratch).z();
        rows.expert = in.expert[static_cast<size_t>(pair)];
        rows.antiexpert = in.antiexpert[static_cast<size_t>(pair)];
    }
    if (!figure_token(rows, *context_.figured, pair, draws_[at].token, settings.figures, *figures_[at])) {
        draws_[at].token = row_invalid;
    }
}

void cpu_path::set_row(int32_t row, const row_settings & settings) {
    settings_[static_cast<size_t>(row)] = settings;
    draws_[static_cast<size_t>(row)] = row_draw{};
    figures_[static_cast<size_t>(row)] = settings.figures >= 0 ? std::make_shared<token_figures>() : nullptr;
}

row_draw cpu_path::read_row(llama_context *, int32_t row, int32_t) {
    last_ = {};
    row_draw draw = draws_[static_cast<size_t>(row)];
    draw.figures = draw.token >= 0 ? std::move(figures_[static_cast<size_t>(row)]) : nullptr;
    return draw;
}

std::vector<float> cpu_path::fused_row(int32_t row) {
    last_ = {};
    return std::move(kept_[static_cast<size_t>(row)]);
}

size_t cpu_path::host_bytes() const {
    // a fused row with its block maxima, and candidates that seldom are many: as many as threads work at once
    const int32_t rows = std::min(context_.rows, context_.threads);
    return static_cast<size_t>(rows) * static_cast<size_t>(context_.n_vocab) * sizeof(float);
}

}  // namespace rast
