#include "tokenizer.h"

#include "../error.h"
#include "../threads/deep_stack.h"
#include "../threads/work_turns.h"
#include "token_piece.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <new>

namespace rast {

namespace {

// std::regex takes up to so much stack per character (measured: native test `tokenize`), in any pre-tokenizer.
constexpr size_t stack_per_byte = 1024;
constexpr size_t stack_base = 2U << 20U;
constexpr size_t fits_any_stack = 512;  // bytes of text

constexpr size_t fragments_per_breath = 256;

// Where every digit is looked at with all that follow it.
constexpr size_t longest_number = 128;
constexpr size_t longest_stretch_of_numbers = 64U << 10U;

[[noreturn]] void refuse(const std::string & what) {
    throw rast_error("ERR_TOKENIZE", what);
}

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

std::string metadata(const llama_model * model, const char * key) {
    char value[256] = {};
    return llama_model_meta_val_str(model, key, value, sizeof value) >= 0 ? value : "";
}

// A letter with three bytes of UTF-8, of those from U+4000 to U+9FFF (nearly all ideographs).
bool is_ideograph(std::string_view text, size_t at) {
    return at + 2 < text.size() && static_cast<uint8_t>(text[at]) >= 0xE4 && static_cast<uint8_t>(text[at]) <= 0xE9;
}

bool has_attribute(const llama_vocab * vocab, llama_token token, int attribute) {
    return (llama_vocab_get_attr(vocab, token) & attribute) != 0;
}

// Whether llama.cpp's own rendering takes a space off the front of a text.
bool takes_space_off(const llama_vocab * vocab) {
    const int32_t n = llama_vocab_n_tokens(vocab);
    for (llama_token token = 0; token < n; ++token) {
        const std::string_view text = llama_vocab_get_text(vocab, token);
        if (text.size() == 4 && text.substr(0, 3) == "\xE2\x96\x81" && is_letter(text[3]) &&
            has_attribute(vocab, token, LLAMA_TOKEN_ATTR_NORMAL)) {
            char rendered[16];
            return llama_detokenize(vocab, &token, 1, rendered, sizeof rendered, false, true) == 1;
        }
    }
    return false;
}

}  // namespace

void tokenizer::learn() const {
    const auto type = llama_vocab_type(vocab());
    const std::string kind = metadata(model_.get(), "tokenizer.ggml.model");
    const std::string pre = metadata(model_.get(), "tokenizer.ggml.pre");
    if (type == LLAMA_VOCAB_TYPE_BPE && pre == "whitespace" && kind != "whitespace") {
        // llama.cpp ends the process at two spaces
        refusal_ = "The pre-tokenizer \"whitespace\" does not belong to a tokenizer of kind \"" + kind + "\"";
        return;
    }
    counts_digits_ = pre == "superbpe";
    const bool sentencepiece = type == LLAMA_VOCAB_TYPE_SPM || type == LLAMA_VOCAB_TYPE_UGM;
    prefixes_ =
        (sentencepiece || type == LLAMA_VOCAB_TYPE_WPM) && (takes_space_off(vocab()) || type == LLAMA_VOCAB_TYPE_WPM);
    // <dna> changes what follows, up to its end
    cuts_ = (type == LLAMA_VOCAB_TYPE_SPM || type == LLAMA_VOCAB_TYPE_BPE || type == LLAMA_VOCAB_TYPE_WPM) &&
            kind != "hybriddna";
    cuts_lines_ = cuts_ && type == LLAMA_VOCAB_TYPE_BPE;

    // No merge can cross two characters that no token holds side by side.
    const int32_t n = llama_vocab_n_tokens(vocab());
    for (llama_token token = 0; token < n; ++token) {
        const std::string_view text = llama_vocab_get_text(vocab(), token);
        const auto holds = [&](size_t at, std::string_view what) { return text.substr(at, what.size()) == what; };
        for (size_t i = 0; i + 1 < text.size(); ++i) {
            if (is_letter(text[i]) &&
                (text[i + 1] == ' ' || holds(i + 1, "\xE2\x96\x81") || holds(i + 1, "\xC4\xA0"))) {
                spans_space_[static_cast<unsigned char>(text[i])] = true;
            }
            const size_t behind = text[i] == '\n' ? i + 1 : holds(i, "\xC4\x8A") ? i + 2 : text.size();
            if (behind < text.size()) {
                // bytes of ideographs are written as characters U+00E4 to U+00E9 by byte-level tokenizers
                const bool lead = holds(behind, "\xC3") && behind + 1 < text.size() &&
                                  static_cast<uint8_t>(text[behind + 1]) >= 0xA4 &&
                                  static_cast<uint8_t>(text[behind + 1]) <= 0xA9;
                cuts_lines_ = cuts_lines_ && !(is_letter(text[behind]) || lead || is_ideograph(text, behind));
            }
        }
        if (!text.empty() && has_attribute(vocab(), token, special_attributes)) {
            // what strips spaces beside it, or is looked for before a space is put in front
            const bool strips = (has_attribute(vocab(), token, LLAMA_TOKEN_ATTR_RSTRIP) &&
                                 (is_letter(text.back()) || text.back() == '\n')) ||
                                (has_attribute(vocab(), token, LLAMA_TOKEN_ATTR_LSTRIP) && is_letter(text.front()));
            cuts_ = cuts_ && !strips && !(prefixes_ && is_letter(text.front()));
        }
    }
    cuts_lines_ = cuts_lines_ && cuts_;
}

// Whether the text may be cut in front of this byte: between a letter and a space that a letter follows, and between
// the end of a line of text and a letter. Every pre-tokenizer of llama.cpp has a border there or one that no merge
// crosses, and none looks across it (native test `tokenize`: pieces against the whole, for all of them).
bool tokenizer::can_cut(std::string_view text, size_t at) const {
    if (at < 2 || at + 1 >= text.size()) {
        return false;
    }
    const char before = text[at - 1];
    if (text[at] == ' ') {
        return is_letter(before) && !spans_space_[static_cast<unsigned char>(before)] && is_letter(text[at + 1]);
    }
    const bool starts = is_letter(text[at]) || is_ideograph(text, at);
    if (!cuts_lines_ || before != '\n' || !starts) {
        return false;
    }
    const char last = text[at - 2];
    return (last > ' ' && last < '\x7F') || (at >= 4 && is_ideograph(text, at - 4));
}

size_t tokenizer::end_of_piece(std::string_view text, size_t from, size_t piece_bytes) const {
    const size_t left = text.size() - from;
    if (left <= piece_bytes) {
        return text.size();
    }
    const size_t longest = counts_digits_ ? longest_stretch_of_numbers : max_stretch_bytes;
    const size_t last = from + std::min(left - 1, longest);
    for (size_t at = from + piece_bytes; cuts_ && at <= last; ++at) {
        if (can_cut(text, at)) {
            return at;
        }
    }
    if (left > longest) {
        refuse("The text has more than " + std::to_string(longest >> 10U) +
               " KiB without a place where it can be cut, such as a space between two words");
    }
    return text.size();
}

tokenized tokenizer::tokens(std::string_view text, const tokenizing & what,
                            const std::function<bool()> & stopped) const {
    const auto check_stopped = [&] {
        work_turn::breathe_now();
        if (stopped()) {
            throw rast_error("ERR_DISPOSED", "Tokenizing was stopped");
        }
    };
    check_stopped();
    if (text.size() > max_text_bytes) {
        refuse("The text has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(max_text_bytes) +
               " are tokenized");
    }
    require_knowledge();
    if (!refusal_.empty()) {
        refuse(refusal_);
    }
    if (counts_digits_) {
        size_t digits = 0;
        for (const char c : text) {
            digits = c >= '0' && c <= '9' ? digits + 1 : 0;
            if (digits > longest_number) {
                refuse("The text has a number of more than " + std::to_string(longest_number) + " digits");
            }
        }
    }
    tokenized out;
    if (!what.parse_special || what.contents.empty() ||
        !specials().control_within(text, what.contents, check_stopped)) {
        append_pieces(text, what, what.parse_special, check_stopped, out);
        return out;
    }
    for (const text_fragment & fragment : specials().split(text, what.contents, check_stopped)) {
        const auto part = text.substr(fragment.at.from, fragment.at.to - fragment.at.from);
        if (fragment.token >= 0) {
            out.tokens.push_back(fragment.token);
        } else if (!append_pieces(part, what, false, check_stopped, out)) {
            break;
        }
    }
    return out;
}

text_mark tokenizer::mark(const std::string & text) const {
    text_mark out{text, std::vector<bool>(text.size(), false)};
    for (const text_fragment & fragment : specials().split(text, {}, [] {})) {
        for (size_t i = fragment.at.from; fragment.control && i < fragment.at.to; ++i) {
            out.control[i] = true;
        }
    }
    return out;
}

// @returns whether all of it was taken
bool tokenizer::append_pieces(std::string_view text, const tokenizing & what, bool parse_special,
                              const std::function<void()> & check_stopped, tokenized & out) const {
    for (size_t from = 0; from < text.size();) {
        check_stopped();
        const size_t end = end_of_piece(text, from, what.piece_bytes);
        if (out.tokens.size() > what.enough || (what.goes_on && end == text.size())) {
            out.whole = false;
            return false;
        }
        const std::string_view piece = text.substr(from, end - from);
        // llama.cpp looks for every special token from each one on to the text's end
        if (!cuts_ || piece.size() <= what.piece_bytes + what.piece_bytes / 8) {
            append(piece, parse_special, out.tokens);
        } else if (!append_fragments(piece, what, parse_special, check_stopped, out)) {
            return false;
        }
        // the space that the next piece begins with is put there by the tokenizer
        from = end + (prefixes_ && end < text.size() ? 1 : 0);
    }
    return true;
}

// @returns whether all of it was taken
bool tokenizer::append_fragments(std::string_view piece, const tokenizing & what, bool parse_special,
                                 const std::function<void()> & check_stopped, tokenized & out) const {
    const std::vector<text_range> contents =
        parse_special ? std::vector<text_range>{} : std::vector<text_range>{{0, piece.size()}};
    size_t taken = 0;
    for (const text_fragment & fragment : specials().split(piece, contents, check_stopped)) {
        if (fragment.token >= 0) {
            out.tokens.push_back(fragment.token);
        } else {
            append(piece.substr(fragment.at.from, fragment.at.to - fragment.at.from), false, out.tokens);
        }
        if (++taken % fragments_per_breath == 0) {
            check_stopped();
            if (out.tokens.size() > what.enough) {
                out.whole = false;
                return false;
            }
        }
    }
    return true;
}

const special_texts & tokenizer::specials() const {
    std::call_once(listed_, [this] { specials_.emplace(vocab()); });
    return *specials_;
}

void tokenizer::append(std::string_view piece, bool parse_special, std::vector<llama_token> & out) const {
    const size_t start = out.size();
    const auto attempt = [&](size_t room) {
        out.resize(start + room);
        return llama_tokenize(vocab(), piece.data(), static_cast<int32_t>(piece.size()), out.data() + start,
                              static_cast<int32_t>(room), false, parse_special);
    };
    const auto work = [&] {
        int32_t n = attempt(piece.size() + 16);
        if (n < 0 && n != std::numeric_limits<int32_t>::min()) {
            n = attempt(static_cast<size_t>(-n));
        }
        if (n < 0) {
            refuse("llama.cpp could not tokenize the text");
        }
        out.resize(start + static_cast<size_t>(n));
    };
    try {
        if (piece.size() > fits_any_stack && llama_vocab_type(vocab()) == LLAMA_VOCAB_TYPE_BPE) {
            run_on_deep_stack(stack_base + piece.size() * stack_per_byte, work);
        } else {
            work();
        }
    } catch (const rast_error &) {
        throw;
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::out_of_range &) {
        // a vocabulary without byte tokens
        refuse("The text holds a character that the model's tokenizer lacks");
    } catch (const std::exception & error) {
        refuse(std::string("The model's tokenizer failed: ") + error.what());
    }
    const int32_t n_vocab = llama_vocab_n_tokens(vocab());
    for (size_t i = start; i < out.size(); ++i) {
        if (out[i] < 0 || out[i] >= n_vocab) {
            refuse("The text holds a character that the model's tokenizer lacks, and it has no token for such");
        }
    }
}

size_t tokenizer::pieces(std::string_view text, size_t piece_bytes) const {
    require_knowledge();
    size_t count = 0;
    for (size_t from = 0; from < text.size(); from = end_of_piece(text, from, piece_bytes)) {
        ++count;
    }
    return count;
}

std::string tokenizer::bytes(const std::vector<llama_token> & tokens, bool show_special, bool continuation) const {
    check(tokens);
    require_knowledge();
    std::string out;
    bool after_special = !continuation;  // the tokenizer puts a space there
    for (const llama_token token : tokens) {
        std::string piece = token_piece(vocab(), token, show_special);
        const bool special = has_attribute(vocab(), token, special_attributes);
        if (prefixes_ && after_special && !special && !piece.empty() && piece[0] == ' ') {
            piece.erase(0, 1);
        }
        out += piece;
        after_special = special && !continuation;
    }
    return out;
}

void tokenizer::check(const std::vector<llama_token> & tokens) const {
    const int32_t n_vocab = llama_vocab_n_tokens(vocab());
    for (const llama_token token : tokens) {
        if (token < 0 || token >= n_vocab) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Token " + std::to_string(token) +
                                                         " is outside the vocabulary of " + std::to_string(n_vocab));
        }
    }
}

}  // namespace rast
