#include "figure_reader.h"

#include "fused_row.h"
#include "row_scratch.h"

#include <algorithm>
#include <utility>

namespace rast {

namespace {

enum kept_row : size_t { kept_base, kept_fused, kept_expert, kept_antiexpert };

void read_row_of(ggml_tensor * tensor, int32_t row, std::vector<float> & out, row_traffic & traffic) {
    out.resize(static_cast<size_t>(tensor->ne[0]));
    const size_t bytes = out.size() * sizeof(float);
    ggml_backend_tensor_get(tensor, out.data(), static_cast<size_t>(row) * tensor->nb[1], bytes);
    traffic.host_bytes += static_cast<int64_t>(bytes);
}

}  // namespace

kept_rows::kept_rows(std::array<std::vector<float>, 4> rows, const figured_tokens & tokens, int pair, int32_t top)
    : rows_(std::move(rows)), tokens_(tokens), pair_(pair), top_(top) {}

std::shared_ptr<const token_figures> kept_rows::figures(int32_t token) const {
    const auto row = [&](kept_row which) { return rows_[which].empty() ? nullptr : rows_[which].data(); };
    auto out = std::make_shared<token_figures>();
    const host_rows rows{row(kept_base), row(kept_fused), row(kept_expert), row(kept_antiexpert)};
    return figure_token(rows, tokens_, pair_, token, top_, *out) ? out : nullptr;
}

figure_reader::figure_reader(path_context context, ggml_backend_buffer_type_t buft, bool on_device)
    : context_(std::move(context)),
      buft_(buft),
      on_device_(on_device),
      tokens_(context_.drawable, context_.n_vocab, context_.lacking),
      rows_(static_cast<size_t>(context_.rows) + 1),
      scored_(rows_.size()) {}

void figure_reader::set_row(int32_t row, const row_settings & settings) {
    rows_[static_cast<size_t>(row)] = {settings.figures, settings.given, settings.lambda};
    scored_[static_cast<size_t>(row)] = nullptr;
}

std::shared_ptr<const token_figures> figure_reader::figures(int32_t row, int32_t token, row_traffic & traffic) {
    const auto at = static_cast<size_t>(row);
    if (scored_[at]) {
        return std::exchange(scored_[at], nullptr);
    }
    if (graph_ready()) {
        traffic.bytes += score_from(row, token);
        if (graph_) {
            return std::exchange(scored_[at], nullptr);
        }
    }
    return keep(row, traffic)->figures(token);
}

// @returns whether the device makes figures
bool figure_reader::graph_ready() {
    if (on_device_ && !graph_ && reason_.empty()) {
        graph_.emplace(context_, tokens_, buft_);
        reason_ = graph_->prepare();
        if (!reason_.empty()) {
            graph_.reset();
        }
    }
    return graph_.has_value();
}

// Figures of a row, and of those behind it whose tokens are given, of the same kind. @returns bytes read
int64_t figure_reader::score_from(int32_t row, int32_t token) {
    const auto is_alike = [&](const wanted_row & other) {
        const wanted_row & own = rows_[static_cast<size_t>(row)];
        const auto pair_of = [](const wanted_row & one) {
            row_settings settings;
            settings.lambda = one.lambda;
            return figured_pair(settings);
        };
        return other.given >= 0 && other.top == own.top && pair_of(other) == pair_of(own);
    };
    std::vector<graph_row> rows = {{token, rows_[static_cast<size_t>(row)].lambda}};
    const auto most = static_cast<size_t>(graph_->most_rows());
    for (auto next = static_cast<size_t>(row) + 1; next < rows_.size() && rows.size() < most; ++next) {
        if (rows_[static_cast<size_t>(row)].given < 0 || !is_alike(rows_[next]) ||
            static_cast<int64_t>(next) >= logits_->ne[1]) {
            break;
        }
        rows.push_back({rows_[next].given, rows_[next].lambda});
    }
    int64_t bytes = 0;
    const auto found = graph_->run(logits_, row, rows, rows_[static_cast<size_t>(row)].top, bytes);
    if (found.empty()) {
        graph_.reset();
        reason_ = "the device could not run the graph of figures";
        return bytes;
    }
    std::copy(found.begin(), found.end(), scored_.begin() + row);
    return bytes;
}

std::shared_ptr<const kept_rows> figure_reader::keep(int32_t row, row_traffic & traffic) const {
    const wanted_row & wanted = rows_[static_cast<size_t>(row)];
    row_settings settings;
    settings.lambda = wanted.lambda;
    const int pair = context_.pairs->count() > 0 ? figured_pair(settings) : -1;
    std::array<std::vector<float>, 4> rows;
    traffic.host_rows += 1;
    read_row_of(logits_, row, rows[kept_base], traffic);
    if (pair >= 0) {
        row_inputs in;
        in.logits = rows[kept_base].data();
        in.n_vocab = context_.n_vocab;
        in.n_drawable = context_.drawable.n_drawable;
        std::array<std::array<std::vector<float>, 2>, max_pairs> read;
        for (int k = 0; k < context_.pairs->count(); ++k) {
            const auto of = static_cast<size_t>(k);
            if (settings.lambda[of] != 0.0F) {
                read_row_of(context_.pairs->expert(k).tensor(), row, read[of][0], traffic);
                read_row_of(context_.pairs->antiexpert(k).tensor(), row, read[of][1], traffic);
                in.expert[of] = read[of][0].data();
                in.antiexpert[of] = read[of][1].data();
            }
        }
        row_scratch scratch;
        const fused_row fused(in, settings, scratch);
        rows[kept_fused].assign(fused.z(), fused.z() + fused.size());
        rows[kept_expert] = std::move(read[static_cast<size_t>(pair)][0]);
        rows[kept_antiexpert] = std::move(read[static_cast<size_t>(pair)][1]);
    }
    return std::make_shared<const kept_rows>(std::move(rows), tokens_, pair, wanted.top);
}

}  // namespace rast
