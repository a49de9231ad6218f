#include "json_value.h"

#include "code_points.h"
#include "decimal.h"
#include "refusal.h"

#include <algorithm>
#include <numeric>

namespace rast::schema {

namespace {

constexpr size_t most_bytes = 8U << 20;
constexpr size_t most_values = 500'000;
constexpr size_t deepest_value = 128;  // what walks over values recurses
constexpr size_t indexed_from = 12;    // members; fewer are looked through as quickly

// RFC 8259. Own code: readers of JSON make doubles of numbers, and refuse or round what no double holds.
class json_reader {
  public:
    explicit json_reader(const std::string & text) : text_(text) {}

    json_value read() {
        json_value out = read_value(0);
        skip_space();
        if (at_ < text_.size()) {
            fail("something behind its end");
        }
        return out;
    }

  private:
    [[noreturn]] void fail(const std::string & what) const {
        refuse_schema("The schema is not valid JSON: " + what + " at position " + std::to_string(at_),
                      {{"position", static_cast<double>(at_)}});
    }

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take(char c) {
        const bool there = at_ < text_.size() && text_[at_] == c;
        at_ += there ? 1 : 0;
        return there;
    }

    void skip_space() {
        while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') {
            ++at_;
        }
    }

    json_value read_value(size_t depth) {
        if (depth > deepest_value) {
            refuse_schema("The schema is nested more than " + std::to_string(deepest_value) + " deep");
        }
        if (++count_ > most_values) {
            refuse_schema("The schema has more than " + std::to_string(most_values) + " values");
        }
        skip_space();
        switch (peek()) {
            case '{': return read_object(depth);
            case '[': return read_array(depth);
            case '"': return json_value::of_text(read_string());
            case 't': expect("true"); return json_value::of_flag(true);
            case 'f': expect("false"); return json_value::of_flag(false);
            case 'n': expect("null"); return {};
            default: return json_value::of_number(read_number());
        }
    }

    void expect(std::string_view word) {
        if (std::string_view(text_).substr(at_, word.size()) != word) {
            fail("an unknown word");
        }
        at_ += word.size();
    }

    json_value read_object(size_t depth) {
        std::vector<json_value::member> members;
        ++at_;
        skip_space();
        if (!take('}')) {
            do {
                skip_space();
                if (peek() != '"') {
                    fail("a key is missing");
                }
                std::string name = read_string();
                skip_space();
                if (!take(':')) {
                    fail("a colon is missing");
                }
                members.emplace_back(std::move(name), read_value(depth + 1));
                skip_space();
            } while (take(','));
            if (!take('}')) {
                fail("an object does not end");
            }
        }
        return json_value::of_members(std::move(members));
    }

    json_value read_array(size_t depth) {
        std::vector<json_value> items;
        ++at_;
        skip_space();
        if (!take(']')) {
            do {
                items.push_back(read_value(depth + 1));
                skip_space();
            } while (take(','));
            if (!take(']')) {
                fail("an array does not end");
            }
        }
        return json_value::of_items(std::move(items));
    }

    std::string read_number() {
        const size_t start = at_;
        const auto digits = [&] {
            const size_t from = at_;
            while (peek() >= '0' && peek() <= '9') {
                ++at_;
            }
            if (at_ == from) {
                fail("a value is missing or no JSON");
            }
        };
        take('-');
        if (!take('0')) {
            digits();
        }
        if (take('.')) {
            digits();
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                take('-');
            }
            digits();
        }
        return text_.substr(start, at_ - start);
    }

    uint32_t read_hex() {
        uint32_t out = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = peek();
            const bool digit = c >= '0' && c <= '9';
            const char low = static_cast<char>(c | 0x20);
            if (!digit && !(low >= 'a' && low <= 'f')) {
                fail("an escape without four digits");
            }
            out = out * 16 + static_cast<uint32_t>(digit ? c - '0' : low - 'a' + 10);
            ++at_;
        }
        return out;
    }

    void read_escape(std::string & out) {
        static constexpr std::string_view letters = "\"\\/bfnrt";
        static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        const char c = peek();
        ++at_;
        if (c == 'u') {
            uint32_t code_point = read_hex();
            if (code_point >= 0xD800 && code_point < 0xDC00 && take('\\') && take('u')) {
                const uint32_t low = read_hex();
                code_point = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((code_point - 0xD800) << 10U) + (low - 0xDC00)
                                                           : code_point;
            }
            if (code_point >= 0xD800 && code_point < 0xE000) {
                fail("half of a surrogate pair");
            }
            append_utf8(code_point, out);
            return;
        }
        const size_t which = letters.find(c);
        if (which == std::string_view::npos || c == '\0') {
            fail("an unknown escape");
        }
        out += meanings[which];
    }

    std::string read_string() {
        std::string out;
        ++at_;
        while (!take('"')) {
            if (at_ >= text_.size()) {
                fail("a string does not end");
            }
            const auto byte = static_cast<unsigned char>(text_[at_]);
            if (byte < 0x20) {
                fail("a control character in a string");
            } else if (byte == '\\') {
                ++at_;
                read_escape(out);
            } else {
                const size_t length = byte < 0x80 ? 1 : utf8_length();
                out.append(text_, at_, length);
                at_ += length;
            }
        }
        return out;
    }

    // Of a character beyond ASCII, which must be well-formed.
    size_t utf8_length() const {
        const auto byte = static_cast<unsigned char>(text_[at_]);
        const size_t length = byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0;
        uint32_t code_point = length == 0 ? 0 : byte & (0x7FU >> length);
        for (size_t i = 1; i < length; ++i) {
            const auto next = at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0U;
            if ((next & 0xC0U) != 0x80U) {
                fail("bytes that are no UTF-8");
            }
            code_point = code_point << 6U | (next & 0x3FU);
        }
        const bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
        if (length == 0 || overlong || code_point > last_code_point || (code_point >= 0xD800 && code_point < 0xE000)) {
            fail("bytes that are no UTF-8");
        }
        return length;
    }

    const std::string & text_;
    size_t at_ = 0;
    size_t count_ = 0;
};

}  // namespace

json_value json_value::of_flag(bool flag) {
    json_value out;
    out.type = kind::boolean;
    out.flag = flag;
    return out;
}

json_value json_value::of_number(std::string text) {
    json_value out;
    out.type = kind::number;
    out.text = std::move(text);
    return out;
}

json_value json_value::of_text(std::string text) {
    json_value out;
    out.type = kind::string;
    out.text = std::move(text);
    return out;
}

json_value json_value::of_items(std::vector<json_value> items) {
    json_value out;
    out.type = kind::array;
    out.items = std::move(items);
    return out;
}

json_value json_value::of_members(std::vector<member> members) {
    json_value out;
    out.type = kind::object;
    out.members = std::move(members);
    out.index();
    return out;
}

void json_value::index() {
    by_name_.resize(members.size());
    std::iota(by_name_.begin(), by_name_.end(), 0U);
    std::sort(by_name_.begin(), by_name_.end(), [&](auto a, auto b) { return members[a].first < members[b].first; });
    for (size_t i = 1; i < by_name_.size(); ++i) {
        const std::string & name = members[by_name_[i]].first;
        if (name == members[by_name_[i - 1]].first) {
            refuse_schema("An object in the schema has \"" + name + "\" twice", {{"key", name}});
        }
    }
    if (members.size() < indexed_from) {
        by_name_.clear();
    }
}

const json_value * json_value::find(std::string_view name) const {
    if (by_name_.empty()) {
        for (const auto & [key, value] : members) {
            if (key == name) {
                return &value;
            }
        }
        return nullptr;
    }
    const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                     [&](uint32_t i, std::string_view wanted) { return members[i].first < wanted; });
    return at != by_name_.end() && members[*at].first == name ? &members[*at].second : nullptr;
}

json_value parse_json(const std::string & text) {
    if (text.size() > most_bytes) {
        refuse_schema("The schema has more than " + std::to_string(most_bytes >> 20) + " MiB");
    }
    return json_reader(text).read();
}

void write_json_string(std::string_view text, std::string & out) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default: {
                const auto byte = static_cast<unsigned char>(c);
                if (byte < 0x20 || byte == 0x7F) {
                    out += "\\u00";
                    out += hex[byte >> 4U];
                    out += hex[byte & 15U];
                } else {
                    out += c;
                }
            }
        }
    }
    out += '"';
}

void write_json(const json_value & value, std::string & out) {
    bool first = true;
    const auto separate = [&] {
        if (!first) {
            out += ',';
        }
        first = false;
    };
    switch (value.type) {
        case json_value::kind::null: out += "null"; break;
        case json_value::kind::boolean: out += value.flag ? "true" : "false"; break;
        case json_value::kind::number: out += value.text; break;
        case json_value::kind::string: write_json_string(value.text, out); break;
        case json_value::kind::array:
            out += '[';
            for (const auto & item : value.items) {
                separate();
                write_json(item, out);
            }
            out += ']';
            break;
        case json_value::kind::object:
            out += '{';
            for (const auto & [name, member] : value.members) {
                separate();
                write_json_string(name, out);
                out += ':';
                write_json(member, out);
            }
            out += '}';
            break;
    }
}

bool equal(const json_value & a, const json_value & b) {
    if (a.type != b.type) {
        return false;
    }
    switch (a.type) {
        case json_value::kind::null: return true;
        case json_value::kind::boolean: return a.flag == b.flag;
        case json_value::kind::number: return decimal(a.text).compare(decimal(b.text)) == 0;
        case json_value::kind::string: return a.text == b.text;
        case json_value::kind::array:
            return a.items.size() == b.items.size() &&
                   std::equal(a.items.begin(), a.items.end(), b.items.begin(), equal);
        case json_value::kind::object:
            return a.members.size() == b.members.size() &&
                   std::all_of(a.members.begin(), a.members.end(), [&](const auto & one) {
                       const json_value * other = b.find(one.first);
                       return other != nullptr && equal(one.second, *other);
                   });
    }
    return false;
}

}  // namespace rast::schema
