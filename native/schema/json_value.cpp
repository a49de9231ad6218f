#include "json_value.h"

#include "decimal.h"
#include "refusal.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

namespace rast::schema {

namespace {

constexpr size_t most_bytes = 8U << 20;
constexpr size_t most_values = 500'000;
constexpr size_t deepest = 128;  // what walks over values recurses
constexpr size_t indexed_from = 12;

// Builds a json_value from nlohmann's events, the one interface of it that tells a number's own digits.
class builder {
  public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = std::string;
    using binary_t = nlohmann::json::binary_t;

    json_value take() { return std::move(root_); }

    bool null() { return add({}); }

    bool boolean(bool flag) { return add(json_value::of_flag(flag)); }

    bool number_integer(number_integer_t number) { return add(json_value::of_number(std::to_string(number))); }

    bool number_unsigned(number_unsigned_t number) { return add(json_value::of_number(std::to_string(number))); }

    bool number_float(number_float_t, const string_t & text) { return add(json_value::of_number(text)); }

    bool string(string_t & text) { return add(json_value::of_text(std::move(text))); }

    bool binary(binary_t &) { return false; }

    bool start_object(size_t) { return open(json_value::kind::object); }

    bool start_array(size_t) { return open(json_value::kind::array); }

    bool end_array() { return close(); }

    bool end_object() {
        open_.back().value.index();
        return close();
    }

    bool key(string_t & name) {
        open_.back().name = std::move(name);
        return true;
    }

    bool parse_error(size_t position, const std::string &, const nlohmann::detail::exception & error) {
        std::string what = error.what();
        what = what.substr(what.find("] ") == std::string::npos ? 0 : what.find("] ") + 2);
        refuse_schema("The schema is not valid JSON: " + what, {{"position", static_cast<double>(position)}});
    }

  private:
    struct open_value {
        json_value value;
        std::string name;  // of the member that comes next
    };

    bool open(json_value::kind type) {
        if (open_.size() >= deepest) {
            refuse_schema("The schema is nested more than " + std::to_string(deepest) + " deep");
        }
        open_.emplace_back();
        open_.back().value.type = type;
        return true;
    }

    bool close() {
        json_value done = std::move(open_.back().value);
        open_.pop_back();
        return add(std::move(done));
    }

    bool add(json_value value) {
        if (++count_ > most_values) {
            refuse_schema("The schema has more than " + std::to_string(most_values) + " values");
        }
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (open_.back().value.is(json_value::kind::array)) {
            open_.back().value.items.push_back(std::move(value));
        } else {
            open_.back().value.members.emplace_back(std::move(open_.back().name), std::move(value));
        }
        return true;
    }

    std::vector<open_value> open_;
    json_value root_;
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
    builder events;
    nlohmann::json::sax_parse(text, &events);
    return events.take();
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
