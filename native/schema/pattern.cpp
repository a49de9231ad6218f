#include "pattern.h"

#include "letters.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr size_t most_characters = 20'000;  // of a pattern
constexpr int deepest_groups = 60;          // reading recurses
constexpr uint32_t most_repetitions = 1'000'000;

code_point_set digits() {
    return code_point_set({{'0', '9'}});
}

code_point_set word_characters() {
    return code_point_set({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
}

// ECMAScript's WhiteSpace and LineTerminator.
code_point_set white_space() {
    return code_point_set({{9, 13},
                           {' ', ' '},
                           {0xA0, 0xA0},
                           {0x1680, 0x1680},
                           {0x2000, 0x200A},
                           {0x2028, 0x2029},
                           {0x202F, 0x202F},
                           {0x205F, 0x205F},
                           {0x3000, 0x3000},
                           {0xFEFF, 0xFEFF}});
}

code_point_set line_terminators() {
    return code_point_set({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
}

std::string shown(uint32_t code_point) {
    std::string out;
    append_utf8(code_point, out);
    return out;
}

class pattern_reader {
  public:
    explicit pattern_reader(const std::string & source) : text_(decode_utf8(source)) {
        if (text_.size() > most_characters) {
            throw pattern_error("is longer than " + std::to_string(most_characters) + " characters");
        }
    }

    pattern read() {
        pattern out;
        out.root = read_choice(0);
        if (!at_end()) {
            invalid("an unmatched )");
        }
        out.exact = exact_;
        return out;
    }

  private:
    [[noreturn]] static void invalid(const std::string & what) {
        throw pattern_error("is no regular expression (u flag): " + what);
    }

    [[noreturn]] static void unsupported(const std::string & what) { throw pattern_error("uses " + what); }

    bool at_end() const { return at_ >= text_.size(); }

    uint32_t peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : 0; }

    bool ahead(std::string_view wanted) const {
        for (size_t i = 0; i < wanted.size(); ++i) {
            if (at_ + i >= text_.size() || text_[at_ + i] != static_cast<uint32_t>(wanted[i])) {
                return false;
            }
        }
        return true;
    }

    bool take(std::string_view wanted) {
        if (!ahead(wanted)) {
            return false;
        }
        at_ += wanted.size();
        return true;
    }

    pattern_node read_choice(int depth) {
        if (depth > deepest_groups) {
            unsupported("more than " + std::to_string(deepest_groups) + " groups inside each other");
        }
        pattern_node out;
        out.type = pattern_node::kind::choice;
        do {
            out.parts.push_back(read_sequence(depth));
        } while (take("|"));
        return out.parts.size() == 1 ? std::move(out.parts.front()) : out;
    }

    pattern_node read_sequence(int depth) {
        pattern_node out;
        while (!at_end() && peek() != '|' && peek() != ')') {
            out.parts.push_back(read_term(depth));
        }
        return out;
    }

    static pattern_node of_set(code_point_set set) {
        pattern_node out;
        out.type = pattern_node::kind::set;
        out.set = std::move(set);
        return out;
    }

    pattern_node read_term(int depth) {
        pattern_node out;
        const uint32_t c = text_[at_++];
        switch (c) {
            case '^': out.type = pattern_node::kind::begin; return out;
            case '$': out.type = pattern_node::kind::end; return out;
            case '(': out = read_group(depth); break;
            case '.': out = of_set(line_terminators().complement()); break;
            case '[': out = of_set(read_class()); break;
            case '\\': out = of_set(read_escape(false)); break;
            case '*':
            case '+':
            case '?': invalid("nothing to repeat before " + shown(c));
            case '{':
            case '}':
            case ']': invalid("a lone " + shown(c));
            default: out = of_set(code_point_set::single(c));
        }
        return read_quantifier(std::move(out));
    }

    pattern_node read_group(int depth) {
        if (take("?:")) {
            // no capture
        } else if (ahead("?=") || ahead("?!")) {
            unsupported("a lookahead, (?= or (?!");
        } else if (ahead("?<=") || ahead("?<!")) {
            unsupported("a lookbehind, (?<= or (?<!");
        } else if (take("?<")) {
            const auto end = std::find(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.end(), '>');
            if (end == text_.end() || static_cast<size_t>(end - text_.begin()) == at_) {
                invalid("a group's name");
            }
            at_ = static_cast<size_t>(end - text_.begin()) + 1;
        } else if (ahead("?")) {
            unsupported("a group with flags, (?" + shown(peek(1)));
        }
        pattern_node out = read_choice(depth + 1);
        if (!take(")")) {
            invalid("an unmatched (");
        }
        return out;
    }

    uint32_t read_number() {
        uint32_t out = 0;
        while (peek() >= '0' && peek() <= '9') {
            out = std::min(most_repetitions + 1, out * 10 + (text_[at_++] - '0'));
        }
        return out;
    }

    pattern_node read_quantifier(pattern_node inner) {
        uint32_t least = 0;
        uint32_t most = unlimited;
        if (take("*")) {
        } else if (take("+")) {
            least = 1;
        } else if (take("?")) {
            most = 1;
        } else if (take("{")) {
            const auto digit = [&] { return peek() >= '0' && peek() <= '9'; };
            if (!digit()) {
                invalid("a { without a count");
            }
            least = most = read_number();
            if (take(",")) {
                most = digit() ? read_number() : unlimited;
            }
            if (!take("}")) {
                invalid("a { without }");
            }
            if (least > most) {
                invalid("a count {m,n} with m above n");
            }
            if (least > most_repetitions || (most != unlimited && most > most_repetitions)) {
                unsupported("a count above " + std::to_string(most_repetitions));
            }
        } else {
            return inner;
        }
        take("?");  // lazy: the same texts
        pattern_node out;
        out.type = pattern_node::kind::repeat;
        out.parts.push_back(std::move(inner));
        out.least = least;
        out.most = most;
        return out;
    }

    uint32_t read_hex(size_t count) {
        uint32_t out = 0;
        for (size_t i = 0; i < count; ++i) {
            const uint32_t c = at_end() ? 0 : text_[at_++];
            const int digit = c >= '0' && c <= '9'   ? static_cast<int>(c - '0')
                              : c >= 'a' && c <= 'f' ? static_cast<int>(c - 'a') + 10
                              : c >= 'A' && c <= 'F' ? static_cast<int>(c - 'A') + 10
                                                     : -1;
            if (digit < 0) {
                invalid("an escape without its hexadecimal digits");
            }
            out = out * 16 + static_cast<uint32_t>(digit);
        }
        return out;
    }

    uint32_t read_unicode_escape() {
        if (take("{")) {
            uint32_t out = 0;
            size_t count = 0;
            while (peek() != '}' && !at_end()) {
                out = out * 16 + read_hex(1);
                ++count;
                if (out > last_code_point) {
                    invalid("an escape beyond 10FFFF");
                }
            }
            if (count == 0 || !take("}")) {
                invalid("an escape \\u{ without digits or }");
            }
            return out;
        }
        const uint32_t high = read_hex(4);
        if (high >= 0xD800 && high < 0xDC00 && ahead("\\u")) {
            const size_t before = at_;
            at_ += 2;
            const uint32_t low = read_hex(4);
            if (low >= 0xDC00 && low < 0xE000) {
                return 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00);
            }
            at_ = before;
        }
        return high;
    }

    code_point_set read_property(bool negated) {
        if (!take("{")) {
            invalid("\\p without {");
        }
        std::string name;
        while (!at_end() && peek() != '}') {
            append_utf8(text_[at_++], name);
        }
        if (!take("}")) {
            invalid("\\p{ without }");
        }
        for (const char * key : {"General_Category=", "gc="}) {
            if (name.rfind(key, 0) == 0) {
                name = name.substr(std::string(key).size());
            }
        }
        if (name == "Any") {
            return negated ? code_point_set() : code_point_set::all();
        }
        if (name == "ASCII") {
            const code_point_set ascii({{0, 0x7F}});
            return negated ? ascii.complement() : ascii;
        }
        const code_point_set * known = known_property(name);
        if (known == nullptr) {
            unsupported("\\p{" + name + "}");
        }
        if (negated) {
            unsupported("\\P{" + name + "}, or [^\\p{...}]");
        }
        exact_ = false;
        inexact_class_ = true;
        return *known;
    }

    // After a backslash.
    code_point_set read_escape(bool in_class) {
        if (at_end()) {
            invalid("a backslash at the end");
        }
        const uint32_t c = text_[at_++];
        const auto one = [](uint32_t code_point) { return code_point_set::single(code_point); };
        switch (c) {
            case 'd': return digits();
            case 'D': return digits().complement();
            case 'w': return word_characters();
            case 'W': return word_characters().complement();
            case 's': return white_space();
            case 'S': return white_space().complement();
            case 'p': return read_property(false);
            case 'P': return read_property(true);
            case 't': return one('\t');
            case 'n': return one('\n');
            case 'v': return one('\v');
            case 'f': return one('\f');
            case 'r': return one('\r');
            case 'x': return one(read_hex(2));
            case 'u': return one(read_unicode_escape());
            case 'b':
                if (in_class) {
                    return one('\b');
                }
                unsupported("\\b");
            case 'B': unsupported("\\B");
            case 'k': unsupported("a backreference, \\k");
            case 'c':
                if ((peek() >= 'a' && peek() <= 'z') || (peek() >= 'A' && peek() <= 'Z')) {
                    return one(text_[at_++] % 32);
                }
                invalid("\\c without a letter");
            case '-':
                if (in_class) {
                    return one('-');
                }
                break;
            case '0':
                if (peek() < '0' || peek() > '9') {
                    return one(0);
                }
                invalid("an octal escape");
            default:
                if (c >= '1' && c <= '9') {
                    unsupported("a backreference, \\" + shown(c));
                }
                for (const char known : std::string_view("^$\\.*+?()[]{}|/")) {
                    if (c == static_cast<uint32_t>(known)) {
                        return one(c);
                    }
                }
        }
        invalid("\\" + shown(c) + " is no escape" + (c == '-' ? " outside [...]" : ""));
    }

    code_point_set read_class() {
        const bool negated = take("^");
        inexact_class_ = false;
        std::vector<code_point_set::range> ranges;
        const auto add = [&](const code_point_set & set) {
            ranges.insert(ranges.end(), set.ranges().begin(), set.ranges().end());
        };
        // One code point, or a set that a class escape stands for.
        const auto read_atom = [&](code_point_set & set) -> int64_t {
            if (at_end()) {
                invalid("an unmatched [");
            }
            const uint32_t c = text_[at_++];
            if (c != '\\') {
                set = code_point_set::single(c);
                return c;
            }
            const bool several = std::string_view("dDwWsSpP").find(static_cast<char>(peek())) != std::string_view::npos;
            // A lone surrogate is a valid end of a range, though in no set.
            if (!several && peek() == 'u') {
                ++at_;
                const uint32_t code_point = read_unicode_escape();
                set = code_point_set::single(code_point);
                return code_point;
            }
            set = read_escape(true);
            return several ? -1 : static_cast<int64_t>(set.ranges().front().first);
        };
        while (!take("]")) {
            code_point_set first;
            const int64_t from = read_atom(first);
            if (peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size()) {
                ++at_;
                code_point_set second;
                const int64_t to = read_atom(second);
                if (from < 0 || to < 0) {
                    invalid("a range that begins or ends with a class");
                }
                if (from > to) {
                    invalid("a range out of order");
                }
                ranges.emplace_back(static_cast<uint32_t>(from), static_cast<uint32_t>(to));
            } else {
                add(first);
            }
        }
        if (negated && inexact_class_) {
            unsupported("\\P{...}, or [^\\p{...}]");
        }
        const code_point_set set(std::move(ranges));
        return negated ? set.complement() : set;
    }

    std::vector<uint32_t> text_;
    size_t at_ = 0;
    bool exact_ = true;
    bool inexact_class_ = false;
};

}  // namespace

pattern parse_pattern(const std::string & source) {
    return pattern_reader(source).read();
}

}  // namespace rast::schema
