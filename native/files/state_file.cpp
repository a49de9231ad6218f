#include "state_file.h"

#include "../error.h"
#include "atomic_file.h"
#include "file_kind.h"

#include <array>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <type_traits>

namespace rast {

namespace {

constexpr char magic[8] = {'R', 'A', 'S', 'T', 'S', 'T', 'A', 'T'};
constexpr uint32_t version = 2;

using print_bytes = std::array<uint8_t, 32>;

[[noreturn]] void refuse(const std::string & path, const std::string & why) {
    throw rast_error("ERR_STATE_FILE", "The state file " + path + " " + why, {{"path", path}});
}

print_bytes bytes_of(const std::string & hex) {
    print_bytes out{};
    for (size_t i = 0; i < out.size() && 2 * i + 1 < hex.size(); ++i) {
        out[i] = static_cast<uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
    }
    return out;
}

class hasher {
  public:
    void add(const void * data, size_t size) {
        const auto * bytes = static_cast<const uint8_t *>(data);
        for (; size >= 8; size -= 8, bytes += 8) {
            uint64_t word = 0;
            std::memcpy(&word, bytes, 8);
            mix(word);
        }
        uint64_t rest = size;
        for (size_t i = 0; i < size; ++i) {
            rest = rest << 8 | bytes[i];
        }
        mix(rest);
    }

    uint64_t value() const { return value_; }

  private:
    void mix(uint64_t word) {
        value_ ^= word;
        value_ *= 0x9E3779B97F4A7C15U;
        value_ ^= value_ >> 32;
    }

    uint64_t value_ = 0x243F6A8885A308D3U;
};

class state_writer {
  public:
    explicit state_writer(const std::string & path) : out_(path) {}

    void bytes(const void * data, size_t size) {
        out_.write(data, size);
        hash_.add(data, size);
    }

    template <typename T>
    void number(T value) {
        static_assert(std::is_integral_v<T>);
        bytes(&value, sizeof value);
    }

    void finish() {
        const uint64_t sum = hash_.value();
        out_.write(&sum, sizeof sum);
        out_.commit();
    }

  private:
    atomic_file out_;
    hasher hash_;
};

class state_reader {
  public:
    state_reader(std::istream & in, uint64_t size, const std::string & name) : in_(in), name_(name), left_(size) {}

    void bytes(void * data, uint64_t size) {
        if (size > left_ || !in_.read(static_cast<char *>(data), static_cast<std::streamsize>(size))) {
            refuse(name_, "is truncated");
        }
        left_ -= size;
        hash_.add(data, static_cast<size_t>(size));
    }

    template <typename T>
    T number() {
        T value{};
        bytes(&value, sizeof value);
        return value;
    }

    uint64_t left() const { return left_; }

    void finish() {
        const uint64_t sum = hash_.value();
        if (number<uint64_t>() != sum) {
            refuse(name_, "is damaged: its checksum does not fit");
        }
        if (left_ > 0) {
            refuse(name_, "is damaged: it goes on after its end");
        }
    }

  private:
    std::istream & in_;
    std::string name_;
    uint64_t left_;
    hasher hash_;
};

void read_tokens(state_reader & in, const std::string & name, const state_expectations & expected,
                 sequence_state & state) {
    const auto tokens = in.number<uint32_t>();
    if (tokens > expected.context_size) {
        refuse(name,
               "holds " + std::to_string(tokens) + " tokens, the context " + std::to_string(expected.context_size));
    }
    if (tokens == 0 || uint64_t{tokens} * sizeof(llama_token) > in.left()) {
        refuse(name, "is damaged: its number of tokens does not fit");
    }
    state.tokens.resize(tokens);
    in.bytes(state.tokens.data(), uint64_t{tokens} * sizeof(llama_token));
    for (const llama_token token : state.tokens) {
        if (token < 0 || token >= expected.n_vocab) {
            refuse(name, "is damaged: a token lies outside the vocabulary");
        }
    }
}

void read_context(state_reader & in, const std::string & name, const context_expectation & expected,
                  uint32_t context_size, size_t tokens, sequence_state::context_state & context) {
    context.held = in.number<uint32_t>();
    const auto size = in.number<uint64_t>();
    if (context.held > tokens || size > in.left() || (context.held == 0) != (size == 0)) {
        refuse(name, "is damaged: a length does not fit");
    }
    if (size == 0) {
        return;
    }
    if (!expected.layout) {
        refuse(name, "cannot be checked: llama.cpp keeps this kind of model's state in a way that is not known here");
    }
    if (size > expected.layout->bytes(context_size)) {
        refuse(name, "is damaged: a model's state is longer than its cache");
    }
    context.bytes.resize(static_cast<size_t>(size));
    in.bytes(context.bytes.data(), size);
    const std::string problem = expected.layout->problem(context.bytes, context.held, context_size, expected.window);
    if (!problem.empty()) {
        refuse(name, "is damaged: a model's state has " + problem);
    }
}

}  // namespace

void write_state(const std::string & path, const sequence_state & state, const state_expectations & expected) {
    try {
        state_writer out(path);
        out.bytes(magic, sizeof magic);
        out.number(version);
        out.number(static_cast<uint32_t>(state.contexts.size()));
        for (const auto & context : expected.contexts) {
            const print_bytes print = bytes_of(context.fingerprint);
            out.bytes(print.data(), print.size());
        }
        out.number(static_cast<uint32_t>(state.tokens.size()));
        out.bytes(state.tokens.data(), state.tokens.size() * sizeof(llama_token));
        for (const auto & context : state.contexts) {
            out.number(context.held);
            out.number(static_cast<uint64_t>(context.bytes.size()));
            out.bytes(context.bytes.data(), context.bytes.size());
        }
        out.finish();
    } catch (const rast_error &) {
        throw;
    } catch (const std::runtime_error & error) {
        refuse(path, std::string("cannot be written: ") + error.what());
    }
}

sequence_state read_state(std::istream & in, uint64_t size, const std::string & name,
                          const state_expectations & expected) {
    state_reader from(in, size, name);
    char begin[sizeof magic] = {};
    if (size < sizeof magic) {
        refuse(name, "is no saved state");
    }
    from.bytes(begin, sizeof begin);
    if (std::memcmp(begin, magic, sizeof magic) != 0) {
        refuse(name, "is no saved state");
    }
    if (const auto found = from.number<uint32_t>(); found != version) {
        refuse(name, "has version " + std::to_string(found) + ", this package reads " + std::to_string(version));
    }
    if (from.number<uint32_t>() != expected.contexts.size()) {
        refuse(name, "belongs to another number of models");
    }
    for (const auto & context : expected.contexts) {
        print_bytes print{};
        from.bytes(print.data(), print.size());
        if (print != bytes_of(context.fingerprint)) {
            refuse(name, "belongs to other models, to another kvType, or to another version");
        }
    }
    sequence_state state;
    read_tokens(from, name, expected, state);
    state.contexts.resize(expected.contexts.size());
    for (size_t c = 0; c < expected.contexts.size(); ++c) {
        read_context(from, name, expected.contexts[c], expected.context_size, state.tokens.size(), state.contexts[c]);
    }
    from.finish();
    return state;
}

sequence_state read_state(const std::string & path, const state_expectations & expected) {
    const file_facts facts = look_at(path);
    switch (facts.kind) {
        case file_kind::missing:
            throw rast_error("ERR_FILE_NOT_FOUND", "There is no state file " + path, {{"path", path}});
        case file_kind::folder: refuse(path, "cannot be read: it is a folder");
        case file_kind::other: refuse(path, "cannot be read: it is not a regular file");
        case file_kind::unknown: refuse(path, "cannot be read: " + facts.problem);
        case file_kind::regular: break;
    }
    std::ifstream in(native_path(path), std::ios::binary);
    if (!in) {
        refuse(path, "cannot be read");
    }
    return read_state(in, facts.bytes, path, expected);
}

}  // namespace rast
