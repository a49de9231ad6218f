#include "state_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace rast {

namespace {

constexpr uint32_t magic_bytes = 2 * sizeof(uint32_t);  // a number of llama.cpp's, the sequence id that was saved
constexpr uint32_t extension_bytes = 3 * sizeof(int32_t);
constexpr uint32_t most_state_layers = 4096;
constexpr uint64_t most_row_bytes = uint64_t{1} << 32;
constexpr size_t most_sections = 4;

// Larger ones overflow in products of an attention, and a product that is not finite is not masked.
constexpr float largest_state_value = 1e15F;

uint16_t half_at(const uint8_t * data) {
    uint16_t bits = 0;
    std::memcpy(&bits, data, sizeof bits);
    return bits;
}

bool finite_half(const uint8_t * data) {
    return (half_at(data) & 0x7c00) != 0x7c00;
}

bool fine(float value) {
    return std::isfinite(value) && std::fabs(value) <= largest_state_value;
}

bool finite(ggml_type type, std::span<const uint8_t> data) {
    size_t step = 0;
    size_t halves = 0;  // at the beginning of each block
    switch (type) {
        case GGML_TYPE_F32:
            for (size_t i = 0; i + 4 <= data.size(); i += 4) {
                float value = 0;
                std::memcpy(&value, &data[i], sizeof value);
                if (!fine(value)) {
                    return false;
                }
            }
            return true;
        case GGML_TYPE_BF16:
            for (size_t i = 0; i + 2 <= data.size(); i += 2) {
                const uint32_t bits = uint32_t{half_at(&data[i])} << 16;
                float value = 0;
                std::memcpy(&value, &bits, sizeof value);
                if (!fine(value)) {
                    return false;
                }
            }
            return true;
        case GGML_TYPE_F16:
            step = 2;
            halves = 1;
            break;
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_IQ4_NL:
            step = ggml_row_size(type, 32);
            halves = 1;
            break;
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_Q5_1:
            step = ggml_row_size(type, 32);
            halves = 2;
            break;
        default: return false;  // no type of a cache
    }
    for (size_t i = 0; i + step <= data.size(); i += step) {
        for (size_t half = 0; half < halves; ++half) {
            if (!finite_half(&data[i + 2 * half])) {
                return false;
            }
        }
    }
    return true;
}

bool is_cache_type(int32_t type) {
    switch (type) {
        case GGML_TYPE_F32:
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16:
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q5_1:
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_IQ4_NL: return true;
        default: return false;
    }
}

}  // namespace

// Reads forward; once anything is missing, `good` stays false.
class state_layout::walker {
  public:
    explicit walker(std::span<const uint8_t> data) : left_(data) {}

    template <class T>
    T number() {
        T value{};
        if (const auto from = skip(sizeof value); !from.empty()) {
            std::memcpy(&value, from.data(), sizeof value);
        }
        return value;
    }

    std::span<const uint8_t> skip(uint64_t bytes) {
        if (!good || bytes > left_.size()) {
            good = false;
            return {};
        }
        const auto out = left_.first(static_cast<size_t>(bytes));
        left_ = left_.subspan(static_cast<size_t>(bytes));
        return out;
    }

    bool at_end() const { return good && left_.empty(); }

    size_t left() const { return left_.size(); }

    bool good = true;

  private:
    std::span<const uint8_t> left_;
};

bool state_layout::learn_cache(walker & at, uint32_t cells, bool extended, bool values, section & out) {
    out.extended = extended;
    if (at.number<uint32_t>() != 1 || at.number<uint32_t>() != cells) {
        return false;
    }
    for (uint32_t i = 0; i < cells; ++i) {
        const auto position = at.number<int32_t>();
        const auto sequences = at.number<uint32_t>();
        at.skip((extended ? extension_bytes : 0) + sizeof(int32_t));
        if (!at.good || position < 0 || position >= static_cast<int32_t>(cells) || sequences != 1) {
            return false;
        }
    }
    const auto transposed = at.number<uint32_t>();
    out.transposed = transposed == 1;
    out.layers = at.number<uint32_t>();
    if (!at.good || transposed > 1 || out.layers > most_state_layers) {
        return false;
    }
    const uint32_t blocks = out.layers * (values ? 2 : 1);
    for (uint32_t i = 0; i < blocks; ++i) {
        const bool across = out.transposed && i >= out.layers;
        block one{};
        const auto type = at.number<int32_t>();
        if (across) {
            one.row_bytes = at.number<uint32_t>();
            one.rows = at.number<uint32_t>();
        } else {
            one.row_bytes = at.number<uint64_t>();
        }
        if (!at.good || !is_cache_type(type) || one.row_bytes == 0 || one.row_bytes > most_row_bytes ||
            (across && one.rows == 0)) {
            return false;
        }
        one.type = static_cast<ggml_type>(type);
        at.skip(one.row_bytes * std::max<uint32_t>(1, one.rows) * cells);
        out.blocks.push_back(one);
    }
    return at.good;
}

bool state_layout::learn_recurrent(walker & at, section & out) {
    out.recurrent = true;
    const auto cells = at.number<uint32_t>();
    at.number<int32_t>();  // position
    const auto sequences = at.number<uint32_t>();
    const auto transposed = at.number<uint32_t>();
    out.layers = at.number<uint32_t>();
    if (!at.good || cells != 1 || sequences != 0 || transposed != 0 || out.layers > most_state_layers) {
        return false;
    }
    while (at.good && !at.at_end()) {  // always the last memory
        block one{};
        const auto type = at.number<int32_t>();
        one.row_bytes = at.number<uint64_t>();
        if (!at.good || !is_cache_type(type) || one.row_bytes == 0 || one.row_bytes > most_row_bytes) {
            return false;
        }
        one.type = static_cast<ggml_type>(type);
        at.skip(one.row_bytes);
        out.blocks.push_back(one);
    }
    return at.good;
}

// Few ways to read it, and only one takes every byte.
bool state_layout::learn_from(walker at, uint32_t cells, std::vector<section> & sections) {
    if (at.at_end()) {
        return !sections.empty();
    }
    if (sections.size() == most_sections) {
        return false;
    }
    const auto follow = [&](walker next, section && one) {
        sections.push_back(std::move(one));
        if (learn_from(next, cells, sections)) {
            return true;
        }
        sections.pop_back();
        return false;
    };
    for (const bool extended : {false, true}) {
        for (const bool values : {true, false}) {
            walker next = at;
            section one;
            if (learn_cache(next, cells, extended, values, one) && follow(next, std::move(one))) {
                return true;
            }
        }
    }
    section one;
    return learn_recurrent(at, one) && follow(at, std::move(one));
}

std::optional<state_layout> state_layout::learn(std::span<const uint8_t> state, uint32_t cells) {
    walker at(state);
    at.skip(magic_bytes);
    state_layout out;
    if (!at.good || !learn_from(at, cells, out.sections_)) {
        return std::nullopt;
    }
    return out;
}

std::string state_layout::problem(std::span<const uint8_t> state, uint32_t held, uint32_t most, bool window) const {
    walker at(state);
    at.skip(magic_bytes);
    std::vector<bool> seen(most, false);
    for (const section & one : sections_) {
        if (!one.recurrent && at.number<uint32_t>() != 1) {
            return "another number of streams";
        }
        const auto cells = at.number<uint32_t>();
        if (!at.good || cells == 0 || cells > (one.recurrent ? 1 : most)) {
            return "an impossible number of cells";
        }
        std::fill(seen.begin(), seen.end(), false);
        uint32_t first = most;
        uint32_t last = 0;
        for (uint32_t i = 0; i < cells; ++i) {
            const auto position = static_cast<uint32_t>(at.number<int32_t>());
            const auto sequences = at.number<uint32_t>();
            at.skip(one.extended ? extension_bytes : 0);
            at.skip(one.recurrent ? 0 : sizeof(int32_t));
            if (!at.good || position >= most || seen[position] || sequences != (one.recurrent ? 0U : 1U)) {
                return "impossible positions";
            }
            seen[position] = true;
            first = std::min(first, position);
            last = std::max(last, position);
        }
        const bool whole = one.recurrent || (last - first + 1 == cells && (first == 0 || window));
        if (!whole || last + 1 < held) {
            return "missing positions";
        }
        if (at.number<uint32_t>() != (one.transposed ? 1U : 0U) || at.number<uint32_t>() != one.layers) {
            return "another layout";
        }
        for (const block & b : one.blocks) {
            if (at.number<int32_t>() != b.type) {
                return "another type";
            }
            const bool same = b.rows > 0 ? at.number<uint32_t>() == b.row_bytes && at.number<uint32_t>() == b.rows
                                         : at.number<uint64_t>() == b.row_bytes;
            if (!same) {
                return "another width";
            }
            const auto data = at.skip(b.row_bytes * std::max<uint32_t>(1, b.rows) * cells);
            if (!at.good) {
                return "too few bytes";
            }
            if (!finite(b.type, data)) {
                return "numbers that are not finite";
            }
        }
    }
    return at.at_end() ? "" : "too many bytes";
}

uint64_t state_layout::bytes(uint32_t cells) const {
    uint64_t total = magic_bytes;
    for (const section & one : sections_) {
        const uint64_t n = one.recurrent ? 1 : cells;
        total += 4 * sizeof(uint32_t) + n * (3 * sizeof(int32_t) + (one.extended ? extension_bytes : 0));
        for (const block & b : one.blocks) {
            total += 12 + b.row_bytes * std::max<uint32_t>(1, b.rows) * n;
        }
    }
    return total;
}

}  // namespace rast
