// A tensor of a model file, row by row and as numbers, whatever its type.
#pragma once

#include "../llama/api.h"
#include "gguf_file.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace rast {

// Which tensor, of a model in one file or several. Opened for reading; one thread.
class tensor_rows {
  public:
    // Throws ERR_MODEL_INVALID where there is no such tensor or its type cannot be read, and what gguf_file throws.
    tensor_rows(const std::string & model, const std::string & name);

    // As ggml counts: what a row is wide comes first.
    const std::array<int64_t, 4> & shape() const { return shape_; }

    int64_t columns() const { return shape_[0]; }

    // Of all slices of the third and fourth dimension together.
    int64_t rows() const { return shape_[1] * shape_[2] * shape_[3]; }

    // f32[count, columns]. Throws ERR_FILE_UNREADABLE.
    void read(int64_t first, int64_t count, float * out);

  private:
    std::string path_;
    ggml_type type_ = GGML_TYPE_F32;
    std::array<int64_t, 4> shape_{};
    uint64_t offset_ = 0;
    size_t row_bytes_ = 0;
    std::ifstream in_;
    std::vector<char> raw_;
};

}  // namespace rast
