#include "json_pointer.h"

#include <algorithm>

namespace rast::schema {

namespace {

std::string escaped(std::string_view name) {
    std::string out;
    for (const char c : name) {
        out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    return out;
}

int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

std::string pointer_decoded(std::string_view token) {
    std::string out;
    for (size_t i = 0; i < token.size(); ++i) {
        const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
        out += escape ? (token[++i] == '0' ? '~' : '/') : token[i];
    }
    return out;
}

}  // namespace

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool find_pointer(const json_value & from, const json_value * wanted, std::string & out) {
    if (&from == wanted) {
        return true;
    }
    const size_t length = out.size();
    for (const auto & [name, value] : from.members) {
        out += '/' + escaped(name);
        if (find_pointer(value, wanted, out)) {
            return true;
        }
        out.resize(length);
    }
    for (size_t i = 0; i < from.items.size(); ++i) {
        out += '/' + std::to_string(i);
        if (find_pointer(from.items[i], wanted, out)) {
            return true;
        }
        out.resize(length);
    }
    return false;
}

const json_value * follow_pointer(const json_value & start, std::string_view pointer) {
    const json_value * from = &start;
    while (!pointer.empty()) {
        if (pointer.front() != '/') {
            return nullptr;
        }
        pointer.remove_prefix(1);
        const size_t length = std::min(pointer.find('/'), pointer.size());
        const std::string token = pointer_decoded(pointer.substr(0, length));
        pointer.remove_prefix(length);
        if (from->is(json_value::kind::object)) {
            from = from->find(token);
        } else if (from->is(json_value::kind::array) && !token.empty() && token.size() < 9 &&
                   token.find_first_not_of("0123456789") == std::string::npos &&
                   std::stoul(token) < from->items.size()) {
            from = &from->items[std::stoul(token)];
        } else {
            return nullptr;
        }
        if (from == nullptr) {
            return nullptr;
        }
    }
    return from;
}

}  // namespace rast::schema
