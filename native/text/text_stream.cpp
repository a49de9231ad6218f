#include "text_stream.h"

#include <algorithm>
#include <cstdint>

namespace rast {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr char no_text = '\xFF';  // in no stop string, as they are UTF-8

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

// Takes so many bytes off, and gives those of them that are shown.
std::string text_stream::release(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
        if (kinds_[i] == shown) {
            text += held_[i];
        }
    }
    held_.erase(0, count);
    kinds_.erase(kinds_.begin(), kinds_.begin() + static_cast<ptrdiff_t>(count));
    given_ += text.size();
    return valid_utf8(text);
}

std::string text_stream::put(std::string_view piece) {
    std::string out = release(held_.size() - put_);
    held_ += piece;
    kinds_.resize(held_.size(), shown);
    put_ = unfinished_tail(held_);
    return out + release(held_.size() - put_);
}

std::string text_stream::push(std::string_view piece, kind what) {
    put_ = 0;
    if (piece.empty() || (what == hidden && stops_.empty())) {
        return "";
    }
    held_ += piece;
    kinds_.resize(held_.size(), what == shown ? shown : hidden_rest);
    if (what == hidden) {
        kinds_[held_.size() - piece.size()] = hidden;
    }
    std::string text;  // what is shown of it, and where it stands
    std::vector<size_t> places;
    for (size_t i = 0; i < held_.size(); ++i) {
        if (kinds_[i] == shown) {
            text += held_[i];
            places.push_back(i);
        }
    }
    find_stop(text, places);
    if (stopped_by_) {
        std::string out = release(stopped_at_);
        held_.clear();
        kinds_.clear();
        return out;
    }
    const size_t of_text = needed_of_text(text);
    const size_t from_text = of_text == 0 ? held_.size() : places[text.size() - of_text];
    const size_t from_tokens = needed_of_tokens();
    if (from_text < from_tokens) {
        forget_tokens(from_text, from_tokens);
    }
    return release(std::min(from_text, from_tokens));
}

// The stop string that begins first, in what is shown or with the tokens that are not; of several at one place the
// longest.
void text_stream::find_stop(const std::string & text, const std::vector<size_t> & places) {
    size_t at = std::string::npos;
    const auto found = [&](size_t place, const std::string & candidate) {
        if (place < at || (place == at && candidate.size() > stopped_by_->size())) {
            at = place;
            stopped_by_ = candidate;
        }
    };
    for (const auto & candidate : stops_) {
        const size_t in_text = text.find(candidate);
        if (in_text != std::string::npos) {
            found(places[in_text], candidate);
        }
        if (text.size() == held_.size()) {
            continue;
        }
        for (size_t i = held_.find(candidate); i != std::string::npos; i = held_.find(candidate, i + 1)) {
            const size_t end = i + candidate.size();
            if (kinds_[i] != hidden_rest && (end == held_.size() || kinds_[end] != hidden_rest)) {
                found(i, candidate);
                break;
            }
        }
    }
    stopped_at_ = at;
}

// Bytes at the end of what is shown that may begin a stop string, or are of an unfinished character.
size_t text_stream::needed_of_text(const std::string & text) const {
    size_t keep = unfinished_tail(text);
    for (const auto & candidate : stops_) {
        for (size_t n = std::min(candidate.size() - 1, text.size()); n > keep; --n) {
            if (text.compare(text.size() - n, n, candidate, 0, n) == 0) {
                keep = n;
                break;
            }
        }
    }
    return keep;
}

// Where that begins which may be the beginning of a stop string with tokens that are not shown.
size_t text_stream::needed_of_tokens() const {
    size_t keep = 0;
    for (const auto & candidate : stops_) {
        for (size_t n = std::min(candidate.size() - 1, held_.size()); n > keep; --n) {
            const size_t from = held_.size() - n;
            if (kinds_[from] != hidden_rest && held_.compare(from, n, candidate, 0, n) == 0) {
                keep = n;
                break;
            }
        }
    }
    return held_.size() - keep;
}

// Tokens that are not shown and can be part of no stop string any more: one mark stays for all of them, as what is
// around them is not one text with them between.
void text_stream::forget_tokens(size_t from, size_t end) {
    size_t to = from;
    for (size_t i = from; i < held_.size(); ++i) {
        const bool forgotten = i < end && kinds_[i] != shown;
        if (forgotten && to > from && kinds_[to - 1] == hidden && held_[to - 1] == no_text) {
            continue;
        }
        held_[to] = forgotten ? no_text : held_[i];
        kinds_[to] = forgotten ? hidden : kinds_[i];
        ++to;
    }
    held_.resize(to);
    kinds_.resize(to);
}

std::string text_stream::finish() {
    return release(held_.size());
}

}  // namespace rast
