// A batch that refuses to grow beyond what its context was made for: llama.cpp ends the process there.
#pragma once

#include "../llama/api.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast {

class batch_builder {
  public:
    batch_builder(uint32_t capacity, uint32_t max_outputs);

    void clear();
    bool fits(size_t tokens) const { return size() + tokens <= capacity_; }

    // @returns index in the batch
    int32_t add(llama_token token, llama_pos pos, llama_seq_id seq, bool output);

    size_t size() const { return tokens_.size(); }

    // Borrowed until the next change.
    llama_batch view();

  private:
    size_t capacity_;
    size_t max_outputs_;
    size_t outputs_ = 0;
    std::vector<llama_token> tokens_;
    std::vector<llama_pos> positions_;
    std::vector<int32_t> seq_counts_;
    std::vector<llama_seq_id> seq_ids_;
    std::vector<llama_seq_id *> seq_pointers_;
    std::vector<int8_t> outputs_wanted_;
};

}  // namespace rast
