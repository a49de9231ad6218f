// text_stream against a reference that looks at the whole text after every piece.
#include "../text/text_stream.h"
#include "targets.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rast::fuzz {

namespace {

bool is_character(std::string_view bytes) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    const size_t length = byte(0) < 0x80       ? 1
                          : byte(0) >> 5 == 6  ? 2
                          : byte(0) >> 4 == 14 ? 3
                          : byte(0) >> 3 == 30 ? 4
                                               : 0;
    if (length != bytes.size()) {
        return false;
    }
    uint32_t code = length == 1 ? byte(0) : byte(0) & (0x7FU >> length);
    for (size_t i = 1; i < length; ++i) {
        if (byte(i) >> 6 != 2) {
            return false;
        }
        code = code << 6 | (byte(i) & 0x3FU);
    }
    constexpr std::array<uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    return code >= least[length] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

bool begins_character(const std::string & bytes) {
    if (is_character(bytes)) {
        return true;
    }
    if (bytes.size() >= 4) {
        return false;
    }
    for (const char next : {'\x80', '\x8F', '\x90', '\x9F', '\xA0', '\xBF'}) {
        if (begins_character(bytes + next)) {
            return true;
        }
    }
    return false;
}

// Whole characters, and U+FFFD for every longest run of bytes that begins one, or for a byte that does not.
std::string characters_of(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        size_t n = 1;
        while (n < bytes.size() && n < 4 && !is_character(bytes.substr(0, n)) &&
               begins_character(std::string(bytes.substr(0, n + 1)))) {
            ++n;
        }
        out += is_character(bytes.substr(0, n)) ? bytes.substr(0, n) : "\xEF\xBF\xBD";
        bytes.remove_prefix(n);
    }
    return out;
}

}  // namespace

// Lines: the first holds stop strings with commas between; the others are tokens.
void text(std::string_view bytes) {
    const auto cut = [](std::string_view & from, char at) {
        const size_t end = std::min(from.find(at), from.size());
        const std::string part(from.substr(0, end));
        from.remove_prefix(std::min(end + 1, from.size()));
        return part;
    };
    std::string_view line = bytes.substr(0, std::min(bytes.find('\n'), bytes.size()));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    std::vector<std::string> stops;
    while (!line.empty() && stops.size() < 6) {
        const std::string stop = cut(line, ',');
        if (!stop.empty() && characters_of(stop) == stop) {
            stops.push_back(stop);
        }
    }
    text_stream stream(stops);
    std::string got;
    std::string whole;
    std::optional<std::string> stopped;
    while (!bytes.empty() && !stopped) {
        const std::string piece = cut(bytes, '\n');
        got += stream.push(piece);
        whole += piece;
        size_t first = std::string::npos;
        for (const auto & stop : stops) {
            const size_t at = whole.find(stop);
            if (at < first || (at == first && stopped && stop.size() > stopped->size())) {
                first = at;
                stopped = stop;
            }
        }
        if (stopped) {
            whole.resize(first);
        }
        if (stream.stopped_by() != stopped) {
            broken("the stop string that begins first, of several the longest");
        }
        if (characters_of(got) != got) {
            broken("whole characters only");
        }
    }
    got += stream.finish();
    if (got != characters_of(whole)) {
        broken("the text before the stop string, and nothing else");
    }
}

}  // namespace rast::fuzz
