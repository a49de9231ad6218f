#include "state_file.h"

#include "error.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <type_traits>

namespace rast {

namespace {

constexpr char magic[8] = {'R', 'A', 'S', 'T', 'S', 'T', 'A', 'T'};
constexpr uint32_t version = 1;
constexpr size_t sample_bytes = 1 << 20;

[[noreturn]] void refuse(const std::string & path, const std::string & why) {
    throw rast_error("ERR_STATE_FILE", "The state file " + path + " " + why, {{"path", path}});
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
    explicit state_writer(const std::string & path) : out_(std::filesystem::u8path(path), std::ios::binary) {}

    void bytes(const void * data, size_t size) {
        out_.write(static_cast<const char *>(data), static_cast<std::streamsize>(size));
        hash_.add(data, size);
    }

    template <typename T>
    void number(T value) {
        static_assert(std::is_integral_v<T>);
        bytes(&value, sizeof value);
    }

    bool finish() {
        const uint64_t sum = hash_.value();
        out_.write(reinterpret_cast<const char *>(&sum), sizeof sum);
        out_.close();
        return !out_.fail();
    }

  private:
    std::ofstream out_;
    hasher hash_;
};

class state_reader {
  public:
    explicit state_reader(const std::string & path)
        : path_(path), in_(std::filesystem::u8path(path), std::ios::binary) {
        std::error_code error;
        const auto size = std::filesystem::file_size(std::filesystem::u8path(path), error);
        if (!in_ || error) {
            refuse(path, "cannot be read");
        }
        left_ = size;
    }

    void bytes(void * data, uint64_t size) {
        if (size > left_ || !in_.read(static_cast<char *>(data), static_cast<std::streamsize>(size))) {
            refuse(path_, "is truncated");
        }
        left_ -= size;
        hash_.add(data, size);
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
            refuse(path_, "is damaged: its checksum does not fit");
        }
        if (left_ > 0) {
            refuse(path_, "is damaged: it goes on after its end");
        }
    }

  private:
    std::string path_;
    std::ifstream in_;
    uint64_t left_ = 0;
    hasher hash_;
};

}  // namespace

void write_state(const std::string & path, const sequence_state & state) {
    const std::string unfinished = path + ".part";
    std::error_code error;
    {
        state_writer out(unfinished);
        out.bytes(magic, sizeof magic);
        out.number(version);
        out.number(static_cast<uint32_t>(state.contexts.size()));
        for (const auto & context : state.contexts) {
            out.number(context.fingerprint);
        }
        out.number(static_cast<uint32_t>(state.tokens.size()));
        out.bytes(state.tokens.data(), state.tokens.size() * sizeof(llama_token));
        for (const auto & context : state.contexts) {
            out.number(context.held);
            out.number(static_cast<uint64_t>(context.bytes.size()));
            out.bytes(context.bytes.data(), context.bytes.size());
        }
        if (!out.finish()) {
            std::filesystem::remove(std::filesystem::u8path(unfinished), error);
            refuse(path, "cannot be written");
        }
    }
    std::filesystem::rename(std::filesystem::u8path(unfinished), std::filesystem::u8path(path), error);
    if (error) {
        std::filesystem::remove(std::filesystem::u8path(unfinished), error);
        refuse(path, "cannot be written");
    }
}

sequence_state read_state(const std::string & path, const std::vector<uint64_t> & fingerprints) {
    state_reader in(path);
    char begin[sizeof magic] = {};
    if (in.left() < sizeof magic) {
        refuse(path, "is no saved state");
    }
    in.bytes(begin, sizeof begin);
    if (std::memcmp(begin, magic, sizeof magic) != 0) {
        refuse(path, "is no saved state");
    }
    if (const auto found = in.number<uint32_t>(); found != version) {
        refuse(path, "has version " + std::to_string(found) + ", this package reads " + std::to_string(version));
    }
    if (in.number<uint32_t>() != fingerprints.size()) {
        refuse(path, "belongs to another number of models");
    }
    sequence_state state;
    state.contexts.resize(fingerprints.size());
    for (size_t c = 0; c < fingerprints.size(); ++c) {
        state.contexts[c].fingerprint = in.number<uint64_t>();
        if (state.contexts[c].fingerprint != fingerprints[c]) {
            refuse(path, "belongs to other models, or to another kvType");
        }
    }
    const auto tokens = in.number<uint32_t>();
    if (tokens == 0 || tokens * sizeof(llama_token) > in.left()) {
        refuse(path, "is damaged");
    }
    state.tokens.resize(tokens);
    in.bytes(state.tokens.data(), state.tokens.size() * sizeof(llama_token));
    for (auto & context : state.contexts) {
        context.held = in.number<uint32_t>();
        const auto size = in.number<uint64_t>();
        if (context.held > tokens || size > in.left()) {
            refuse(path, "is damaged");
        }
        context.bytes.resize(size);
        in.bytes(context.bytes.data(), size);
    }
    in.finish();
    return state;
}

uint64_t file_fingerprint(const std::string & path, const std::string & salt) {
    hasher hash;
    hash.add(salt.data(), salt.size());
    std::ifstream in(std::filesystem::u8path(path), std::ios::binary | std::ios::ate);
    const auto size = static_cast<uint64_t>(std::max<std::streamoff>(0, in.tellg()));
    hash.add(&size, sizeof size);
    std::vector<char> sample(static_cast<size_t>(std::min<uint64_t>(size, sample_bytes)));
    for (const uint64_t at : {uint64_t{0}, size - sample.size()}) {
        in.seekg(static_cast<std::streamoff>(at));
        in.read(sample.data(), static_cast<std::streamsize>(sample.size()));
        hash.add(sample.data(), sample.size());
    }
    if (!in) {
        throw rast_error("ERR_STATE_FILE", "The model file " + path + " can no longer be read", {{"path", path}});
    }
    return hash.value();
}

}  // namespace rast
