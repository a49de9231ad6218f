#include "text_stream.h"

#include <algorithm>
#include <cstdint>

namespace rast {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct character {
    size_t bytes;  // consumed
    bool valid;
    bool cut_off;  // could become valid with more bytes
};

// The character at the start of `text`, which is not empty. Rejects overlong forms, surrogates and > U+10FFFF.
character first_character(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t lead = byte(0);
    if (lead < 0x80) {
        return {1, true, false};
    }
    size_t length = 0;
    uint8_t low = 0x80;  // bounds of the second byte
    uint8_t high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        low = lead == 0xE0 ? 0xA0 : 0x80;
        high = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        low = lead == 0xF0 ? 0x90 : 0x80;
        high = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return {1, false, false};
    }
    for (size_t i = 1; i < length; ++i) {
        if (i >= text.size()) {
            return {i, false, true};
        }
        if (byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xBF)) {
            return {i, false, false};
        }
    }
    return {length, true, false};
}

// Bytes at the end of `text` that begin a character which is not complete.
size_t unfinished_tail(std::string_view text) {
    for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
        const auto byte = static_cast<uint8_t>(text[text.size() - back]);
        if ((byte & 0xC0) != 0x80) {
            return first_character(text.substr(text.size() - back)).cut_off ? back : 0;
        }
    }
    return 0;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const character c = first_character(bytes);
        out += c.valid ? bytes.substr(0, c.bytes) : replacement;
        bytes.remove_prefix(c.bytes);
    }
    return out;
}

text_stream::text_stream(std::vector<std::string> stops) : stops_(std::move(stops)) {}

std::string text_stream::release(size_t count) {
    std::string out = valid_utf8(std::string_view(held_).substr(0, count));
    held_.erase(0, count);
    return out;
}

std::string text_stream::push(std::string_view piece) {
    held_ += piece;

    // the stop string that begins first; of several at one place the longest
    size_t at = std::string::npos;
    const std::string * stop = nullptr;
    for (const auto & candidate : stops_) {
        const size_t found = held_.find(candidate);
        if (found < at || (found == at && stop != nullptr && candidate.size() > stop->size())) {
            at = found;
            stop = &candidate;
        }
    }
    if (stop != nullptr && at != std::string::npos) {
        stopped_by_ = *stop;
        std::string out = release(at);
        held_.clear();
        return out;
    }

    // hold back what may be the beginning of a stop string, and an unfinished character
    size_t keep = unfinished_tail(held_);
    for (const auto & candidate : stops_) {
        for (size_t n = std::min(candidate.size() - 1, held_.size()); n > keep; --n) {
            if (held_.compare(held_.size() - n, n, candidate, 0, n) == 0) {
                keep = n;
                break;
            }
        }
    }
    return release(held_.size() - keep);
}

std::string text_stream::finish() {
    return release(held_.size());
}

}  // namespace rast
