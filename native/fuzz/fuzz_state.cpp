// State files: what is taken keeps to the layout of the contexts, all else is ERR_STATE_FILE. And layouts themselves,
// learned from any bytes.
#include "../error.h"
#include "../files/state_file.h"
#include "targets.h"

#include <cstring>
#include <sstream>
#include <string>

namespace rast::fuzz {

namespace {

constexpr uint32_t cells = 2;
constexpr uint32_t context_size = 5;

// llama.cpp's state of a sequence, number by number.
class bytes_of_state {
  public:
    template <class T>
    void add(T value) {
        const size_t at = bytes.size();
        bytes.resize(at + sizeof value);
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }

    // A cache of one layer with K in F16 and V in Q8_0 or, transposed, F32.
    void add_cache(bool extended, bool transposed) {
        add(uint32_t{1});
        add(cells);
        for (uint32_t i = 0; i < cells; ++i) {
            add(static_cast<int32_t>(i));
            add(uint32_t{1});
            for (int n = extended ? 4 : 1; n > 0; --n) {
                add(int32_t{0});
            }
        }
        add(uint32_t{transposed ? 1U : 0U});
        add(uint32_t{1});
        add(static_cast<int32_t>(GGML_TYPE_F16));
        add(uint64_t{8});
        bytes.resize(bytes.size() + size_t{8} * cells, 0x11);
        if (transposed) {
            add(static_cast<int32_t>(GGML_TYPE_F32));
            add(uint32_t{4});
            add(uint32_t{3});
            bytes.resize(bytes.size() + size_t{12} * cells, 0x22);
        } else {
            add(static_cast<int32_t>(GGML_TYPE_Q8_0));
            add(uint64_t{34});
            bytes.resize(bytes.size() + size_t{34} * cells, 0x33);
        }
    }

    void add_recurrent() {
        for (const uint32_t value : {1U, cells - 1, 0U, 0U, 1U}) {
            add(value);
        }
        for (int i = 0; i < 2; ++i) {
            add(static_cast<int32_t>(GGML_TYPE_F32));
            add(uint64_t{8});
            bytes.resize(bytes.size() + 8, 0x44);
        }
    }

    std::vector<uint8_t> bytes;
};

std::vector<uint8_t> state_of(int kind) {
    bytes_of_state out;
    out.add(uint64_t{0});
    if (kind != 2) {
        out.add_cache(kind == 1, kind == 0);
    }
    if (kind == 1) {
        out.add_cache(false, false);
    }
    if (kind == 2) {
        out.add_recurrent();
    }
    return out.bytes;
}

state_expectations make_expectations() {
    state_expectations out;
    out.context_size = context_size;
    out.n_vocab = 64;
    for (int kind = 0; kind < 3; ++kind) {
        context_expectation one;
        one.fingerprint = std::string(64, '0');
        one.layout = state_layout::learn(state_of(kind), cells);
        one.window = kind == 1;
        if (!one.layout) {
            broken("a layout is learned");
        }
        if (!one.layout->problem(state_of(kind), cells, context_size, one.window).empty()) {
            broken("the state that a layout is learned from has it");
        }
        out.contexts.push_back(std::move(one));
    }
    return out;
}

const state_expectations & expectations() {
    static const state_expectations made = make_expectations();
    return made;
}

void check(const sequence_state & state) {
    const state_expectations & expected = expectations();
    if (state.tokens.size() > expected.context_size || state.contexts.size() != expected.contexts.size()) {
        broken("a state fits the contexts");
    }
    for (const llama_token token : state.tokens) {
        if (token < 0 || token >= expected.n_vocab) {
            broken("a state's tokens are of the vocabulary");
        }
    }
    for (size_t c = 0; c < expected.contexts.size(); ++c) {
        const auto & one = state.contexts[c];
        const auto & wanted = expected.contexts[c];
        if (one.held > state.tokens.size() || one.bytes.size() > wanted.layout->bytes(expected.context_size)) {
            broken("a context's state is no longer than its cache");
        }
        if (!one.bytes.empty() &&
            !wanted.layout->problem(one.bytes, one.held, expected.context_size, wanted.window).empty()) {
            broken("a context's state keeps to its layout");
        }
    }
}

}  // namespace

void state(std::string_view bytes) {
    // of its true size, of one that it had before it was cut off, and of one that it grows beyond
    for (const uint64_t size : {uint64_t{bytes.size()}, uint64_t{bytes.size()} + 99, uint64_t{bytes.size()} / 2}) {
        std::istringstream in{std::string(bytes)};
        try {
            check(read_state(in, size, "fuzzed", expectations()));
        } catch (const rast_error & error) {
            if (error.code() != "ERR_STATE_FILE") {
                broken(error.what());
            }
        }
    }
    // most inputs have no checksum that fits: what stands before it, for itself
    const std::vector<uint8_t> raw(bytes.begin(), bytes.end());
    for (const auto & one : expectations().contexts) {
        if (one.layout->problem(raw, 1, context_size, one.window).empty() &&
            raw.size() > one.layout->bytes(context_size)) {
            broken("a state that keeps to a layout is no longer than that");
        }
    }
    for (const uint32_t n : {1U, cells}) {
        if (const auto learned = state_layout::learn(raw, n)) {
            learned->problem(raw, n, context_size, false);
            if (learned->bytes(n) < raw.size()) {
                broken("a layout is as long as what it was learned from");
            }
        }
    }
}

}  // namespace rast::fuzz
