// Figures of tokens after a decode, where the node that drew them has not made them: in a graph of their own on the
// device that holds the rows (score_graph), or of rows that are read to the host.
#pragma once

#include "../llama/api.h"
#include "sampling_path.h"
#include "score_graph.h"
#include "token_figures.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace rast {

// Rows of one position, for figures of tokens that are not known yet.
class kept_rows {
  public:
    // @param rows base, and where something is added fused, expert and antiexpert; as wide as the vocabulary
    // @param tokens must outlive it
    kept_rows(std::array<std::vector<float>, 4> rows, const figured_tokens & tokens, int pair, int32_t top);

    // @returns null where nothing can be drawn
    std::shared_ptr<const token_figures> figures(int32_t token) const;

  private:
    std::array<std::vector<float>, 4> rows_;
    const figured_tokens & tokens_;
    int pair_;
    int32_t top_;
};

// Owned by the context's sampler, with which it shares the rows of the pairs. Engine thread only. An operation or
// memory that the device lacks is found out at the first figures, and is `reason()` from then on.
class figure_reader {
  public:
    // @param on_device whether figures are made there; else rows are read
    figure_reader(path_context context, ggml_backend_buffer_type_t buft, bool on_device);

    // While llama.cpp builds a graph: its rows, as llama.cpp keeps them until the next decode.
    void see(ggml_tensor * logits) { logits_ = logits; }

    // Before a decode.
    void set_row(int32_t row, const row_settings & settings);

    // The alternatives that are wanted of a row, -1 for no figures; the token that is given for it, -1 where it is
    // drawn.
    int32_t top(int32_t row) const { return rows_[static_cast<size_t>(row)].top; }
    int32_t given(int32_t row) const { return rows_[static_cast<size_t>(row)].given; }

    // After it, once for each row. Null where nothing of the row can be drawn. What is read is added to `traffic`.
    std::shared_ptr<const token_figures> figures(int32_t row, int32_t token, row_traffic & traffic);
    std::shared_ptr<const kept_rows> keep(int32_t row, row_traffic & traffic) const;

    // Why rows are read to the host; empty where they are not.
    const std::string & reason() const { return reason_; }

    // Ids that count, for a node that makes figures itself.
    const figured_tokens & tokens() const { return tokens_; }

    size_t device_bytes() const { return graph_ ? graph_->device_bytes() : 0; }

  private:
    struct wanted_row {
        int32_t top = -1;
        int32_t given = -1;
        std::array<float, max_pairs> lambda{};
    };

    bool graph_ready();
    int64_t score_from(int32_t row, int32_t token);

    path_context context_;
    ggml_backend_buffer_type_t buft_;
    bool on_device_;
    std::string reason_;
    figured_tokens tokens_;
    std::vector<wanted_row> rows_;
    ggml_tensor * logits_ = nullptr;
    std::optional<score_graph> graph_;
    std::vector<std::shared_ptr<const token_figures>> scored_;  // by row; of given tokens several at a time
};

}  // namespace rast
