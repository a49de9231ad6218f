#include "batch_builder.h"

#include <stdexcept>

namespace rast {

batch_builder::batch_builder(uint32_t capacity, uint32_t max_outputs) : capacity_(capacity), max_outputs_(max_outputs) {
    tokens_.reserve(capacity);
    positions_.reserve(capacity);
    seq_counts_.reserve(capacity);
    seq_ids_.reserve(capacity);
    outputs_wanted_.reserve(capacity);
}

void batch_builder::clear() {
    tokens_.clear();
    positions_.clear();
    seq_counts_.clear();
    seq_ids_.clear();
    outputs_wanted_.clear();
    outputs_ = 0;
}

int32_t batch_builder::add(llama_token token, llama_pos pos, llama_seq_id seq, bool output) {
    if (tokens_.size() >= capacity_ || (output && outputs_ >= max_outputs_)) {
        throw std::logic_error("batch beyond the size of its context");
    }
    tokens_.push_back(token);
    positions_.push_back(pos);
    seq_counts_.push_back(1);
    seq_ids_.push_back(seq);
    outputs_wanted_.push_back(output ? 1 : 0);
    outputs_ += output ? 1 : 0;
    return static_cast<int32_t>(tokens_.size()) - 1;
}

llama_batch batch_builder::view() {
    seq_pointers_.resize(seq_ids_.size());
    for (size_t i = 0; i < seq_ids_.size(); ++i) {
        seq_pointers_[i] = &seq_ids_[i];
    }
    llama_batch batch{};
    batch.n_tokens = static_cast<int32_t>(tokens_.size());
    batch.token = tokens_.data();
    batch.pos = positions_.data();
    batch.n_seq_id = seq_counts_.data();
    batch.seq_id = seq_pointers_.data();
    batch.logits = outputs_wanted_.data();
    return batch;
}

}  // namespace rast
