#include "row_conversion.h"

#include "../error.h"

#include <cctype>
#include <cmath>
#include <cstring>

namespace rast {

namespace {

constexpr float above_half = 65520;  // the least that rounds to infinity in F16

[[noreturn]] void refuse_rows(const std::string & why) {
    throw rast_error("ERR_INVALID_ARGUMENT", why);
}

size_t source_width(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32: return 4;
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16: return 2;
        default: refuse_rows("Expected numbers in F32, F16 or BF16");
    }
}

std::vector<uint8_t> in_pairs(const std::vector<uint8_t> & source, size_t row_bytes, uint64_t head_rows) {
    std::vector<uint8_t> out(source.size());
    const uint64_t half = head_rows / 2;
    const uint64_t rows = source.size() / row_bytes;
    for (uint64_t row = 0; row < rows; ++row) {
        const uint64_t head = row / head_rows * head_rows;
        const uint64_t within = row % head_rows;
        const uint64_t from = head + within % 2 * half + within / 2;
        std::memcpy(&out[row * row_bytes], &source[from * row_bytes], row_bytes);
    }
    return out;
}

std::vector<float> widened(const std::vector<uint8_t> & source, ggml_type from) {
    std::vector<float> out(source.size() / source_width(from));
    const auto count = static_cast<int64_t>(out.size());
    switch (from) {
        case GGML_TYPE_F16:
            ggml_fp16_to_fp32_row(reinterpret_cast<const ggml_fp16_t *>(source.data()), out.data(), count);
            break;
        case GGML_TYPE_BF16:
            ggml_bf16_to_fp32_row(reinterpret_cast<const ggml_bf16_t *>(source.data()), out.data(), count);
            break;
        default: std::memcpy(out.data(), source.data(), source.size());
    }
    return out;
}

void check_numbers(const std::vector<float> & numbers, ggml_type to) {
    for (const float number : numbers) {
        if (!std::isfinite(number)) {
            throw rast_error("ERR_GRAFT", "it holds " + std::string(std::isnan(number) ? "NaN" : "infinity") +
                                              ": the checkpoint is broken");
        }
        if (to == GGML_TYPE_F16 && std::fabs(number) >= above_half) {
            throw rast_error("ERR_GRAFT", "it holds " + std::to_string(number) +
                                              ", which F16 cannot hold: give BF16 or another type");
        }
    }
}

}  // namespace

std::optional<ggml_type> tensor_type_named(std::string_view name) {
    const auto same = [&](const char * other) {
        if (other == nullptr || std::strlen(other) != name.size()) {
            return false;
        }
        for (size_t i = 0; i < name.size(); ++i) {
            if (std::tolower(static_cast<unsigned char>(name[i])) !=
                std::tolower(static_cast<unsigned char>(other[i]))) {
                return false;
            }
        }
        return true;
    };
    for (int type = 0; type < GGML_TYPE_COUNT; ++type) {
        // numbers that ggml uses no more have no name, or no size
        if (ggml_blck_size(static_cast<ggml_type>(type)) > 0 && same(ggml_type_name(static_cast<ggml_type>(type)))) {
            return static_cast<ggml_type>(type);
        }
    }
    return std::nullopt;
}

bool is_writable_type(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32:
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16:
        case GGML_TYPE_Q1_0:
        case GGML_TYPE_Q2_0:
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q5_1:
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_MXFP4:
        case GGML_TYPE_Q2_K:
        case GGML_TYPE_Q3_K:
        case GGML_TYPE_Q4_K:
        case GGML_TYPE_Q5_K:
        case GGML_TYPE_Q6_K:
        case GGML_TYPE_TQ1_0:
        case GGML_TYPE_TQ2_0:
        case GGML_TYPE_IQ3_S:
        case GGML_TYPE_IQ4_NL:
        case GGML_TYPE_IQ4_XS: return true;
        default: return false;
    }
}

std::vector<uint8_t> convert_rows(const std::vector<uint8_t> & source, const row_conversion & how) {
    const size_t width = source_width(how.from);
    if (!is_writable_type(how.to)) {
        refuse_rows(std::string("Expected a type that needs no importance matrix, received ") + ggml_type_name(how.to));
    }
    if (how.row == 0 || how.row > SIZE_MAX / width || source.size() % (how.row * width) != 0) {
        refuse_rows("Expected whole rows of " + std::to_string(how.row) + " numbers, received " +
                    std::to_string(source.size()) + " bytes");
    }
    if (how.row % static_cast<uint64_t>(ggml_blck_size(how.to)) != 0) {
        refuse_rows("Rows of " + std::to_string(how.row) + " numbers are no whole blocks of " + ggml_type_name(how.to));
    }
    const uint64_t rows = source.size() / (how.row * width);
    if (how.head_rows != 0 && (how.head_rows % 2 != 0 || rows % how.head_rows != 0)) {
        refuse_rows("Expected whole heads of " + std::to_string(how.head_rows) + " rows, received " +
                    std::to_string(rows) + " rows");
    }
    std::vector<float> numbers =
        widened(how.head_rows == 0 ? source : in_pairs(source, how.row * width, how.head_rows), how.from);
    if (how.add != 0) {
        for (float & number : numbers) {
            number += how.add;
        }
    }
    check_numbers(numbers, how.to);
    std::vector<uint8_t> out(ggml_row_size(how.to, static_cast<int64_t>(how.row)) * rows);
    if (how.to == GGML_TYPE_F32) {
        std::memcpy(out.data(), numbers.data(), out.size());
    } else if (rows > 0) {
        ggml_quantize_chunk(how.to, numbers.data(), out.data(), 0, static_cast<int64_t>(rows),
                            static_cast<int64_t>(how.row), nullptr);
    }
    if (!ggml_validate_row_data(how.to, out.data(), out.size())) {
        throw rast_error("ERR_GRAFT", std::string("its numbers are too large for ") + ggml_type_name(how.to));
    }
    return out;
}

}  // namespace rast
