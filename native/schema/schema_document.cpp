#include "schema_document.h"

#include "decimal.h"

#include <algorithm>
#include <unordered_set>

namespace rast::schema {

namespace {

constexpr uint64_t most_count = 1'000'000'000'000;

const std::unordered_set<std::string_view> annotations{
    "$schema",
    "$id",
    "id",
    "$comment",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "readOnly",
    "writeOnly",
    "nullable",
    "deprecated",
    "contentMediaType",
    "contentSchema",
    "contentEncoding",
    "components",
    "$recursiveAnchor",
    "discriminator",
    "xml",
    "externalDocs",
    "enumNames",
    "enumDescriptions",
    "markdownDescription",
};

const std::unordered_set<std::string_view> assertions{
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "multipleOf",
    "minLength",
    "maxLength",
    "exclusiveMaximum",
    "pattern",
    "format",
    "items",
    "prefixItems",
    "contains",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "dependentRequired",
    "unevaluatedProperties",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
};

constexpr std::string_view of_schema[] = {
    "additionalProperties", "propertyNames",         "contains",       "not", "if", "then", "else",
    "unevaluatedItems",     "unevaluatedProperties", "additionalItems"};
constexpr std::string_view of_list[] = {"allOf", "anyOf", "oneOf", "prefixItems"};
constexpr std::string_view of_members[] = {"properties", "patternProperties", "dependentSchemas",
                                           "$defs",      "definitions",       "dependencies"};
constexpr std::string_view in_place[] = {
    "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"};

template <class List>
bool is_in(const List & list, std::string_view wanted) {
    return std::find(std::begin(list), std::end(list), wanted) != std::end(list);
}

bool is_schema(const json_value & value) {
    return value.is(json_value::kind::object) || value.is(json_value::kind::boolean);
}

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

std::string pointer_decoded(std::string_view token) {
    std::string out;
    for (size_t i = 0; i < token.size(); ++i) {
        const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
        out += escape ? (token[++i] == '0' ? '~' : '/') : token[i];
    }
    return out;
}

bool find_pointer(const json_value & from, part wanted, std::string & out) {
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

}  // namespace

void for_each_schema(part at, const std::function<void(const std::string &, part)> & found) {
    for (const auto & [keyword, value] : at->members) {
        if (is_in(of_schema, keyword) && is_schema(value)) {
            found(keyword, &value);
        } else if (keyword == "items" && is_schema(value)) {
            found(keyword, &value);
        } else if (is_in(of_list, keyword) || keyword == "items") {
            for (const auto & item : value.items) {
                if (is_schema(item)) {
                    found(keyword, &item);
                }
            }
        } else if (is_in(of_members, keyword)) {
            for (const auto & [name, member] : value.members) {
                if (is_schema(member)) {
                    found(keyword, &member);
                }
            }
        }
    }
}

bool is_annotation(std::string_view keyword) {
    return annotations.count(keyword) > 0 || keyword.substr(0, 2) == "x-";
}

std::vector<std::string_view> assertions_of(part at) {
    std::vector<std::string_view> out;
    for (const auto & [keyword, value] : at->members) {
        if (!is_annotation(keyword)) {
            out.push_back(keyword);
        }
    }
    return out;
}

schema_document::schema_document(json_value root, unsupported_keywords policy, work_budget & budget)
    : root_(std::move(root)), policy_(policy), budget_(budget) {
    collect(&root_, &root_);
}

void schema_document::collect(part at, part resource) {
    const auto text_of = [&](const char * keyword) -> const std::string * {
        const json_value * value = at->find(keyword);
        return value != nullptr && value->is(json_value::kind::string) ? &value->text : nullptr;
    };
    budget_.spend();
    for (const char * keyword : {"$id", "id"}) {
        if (const std::string * id = text_of(keyword)) {
            if (!id->empty() && id->front() == '#') {
                anchors_.emplace(std::make_pair(resource, id->substr(1)), at);
            } else if (keyword[0] == '$') {
                const std::string name = id->substr(0, id->find('#'));
                if (!name.empty()) {
                    resource = at;
                    ids_.emplace(name, at);
                }
            }
        }
    }
    for (const char * keyword : {"$anchor", "$dynamicAnchor"}) {
        if (const std::string * anchor = text_of(keyword)) {
            anchors_.emplace(std::make_pair(resource, *anchor), at);
        }
    }
    if (resource != &root_) {
        resources_.emplace(at, resource);
    }
    for_each_schema(at, [&](const std::string &, part child) { collect(child, resource); });
}

part schema_document::follow(part from, std::string_view pointer) const {
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

part schema_document::resolve(part from) {
    const json_value * value = from->find("$ref");
    if (!value->is(json_value::kind::string)) {
        invalid(from, "$ref", "it must be a string");
    }
    const std::string & ref = value->text;
    part resource = &root_;
    for (part at = from; at != nullptr && !resources_.empty();) {
        const auto found = resources_.find(at);
        if (found != resources_.end()) {
            resource = found->second;
            break;
        }
        const synthetic * one = made_at(at);
        at = one == nullptr ? nullptr : one->origin;
    }
    const size_t hash = ref.find('#');
    const std::string name = ref.substr(0, hash);
    if (!name.empty()) {
        const auto found = ids_.find(name);
        if (found == ids_.end()) {
            invalid(from, "$ref", "\"" + ref + "\" is not in this schema, and nothing is fetched");
        }
        resource = found->second;
    }
    const std::string fragment = hash == std::string::npos ? "" : percent_decoded(ref.substr(hash + 1));
    part target = nullptr;
    if (fragment.empty() || fragment.front() == '/') {
        target = follow(resource, fragment);
    } else {
        const auto found = anchors_.find({resource, fragment});
        target = found == anchors_.end() ? nullptr : found->second;
    }
    if (target == nullptr) {
        invalid(from, "$ref", "\"" + ref + "\" leads nowhere");
    }
    if (!is_schema(*target)) {
        invalid(from, "$ref", "\"" + ref + "\" is no schema");
    }
    return target;
}

part schema_document::add(json_value made, part origin) {
    made_.push_back({std::move(made), origin});
    return &made_.back().value;
}

const schema_document::synthetic * schema_document::made_at(part at) const {
    std::string ignored;
    if (find_pointer(root_, at, ignored)) {
        return nullptr;
    }
    for (const auto & one : made_) {
        ignored.clear();
        if (find_pointer(one.value, at, ignored)) {
            return &one;
        }
    }
    return nullptr;
}

std::string schema_document::pointer_of(part at) const {
    for (const synthetic * one = made_at(at); one != nullptr; one = made_at(at)) {
        at = one->origin;
    }
    std::string out;
    find_pointer(root_, at, out);
    return out;
}

void schema_document::unsupported(part at, const std::string & keyword, const std::string & why) const {
    if (policy_ == unsupported_keywords::ignore) {
        return;
    }
    const std::string pointer = pointer_of(at);
    refuse_schema("The schema's \"" + keyword + "\" at " + (pointer.empty() ? "the root" : pointer) +
                      " cannot be kept: " + why + " ({ schema, unsupported: \"ignore\" } leaves it out)",
                  {{"keyword", keyword}, {"pointer", pointer}, {"reason", std::string("unsupported")}});
}

void schema_document::invalid(part at, const std::string & keyword, const std::string & why) const {
    const std::string pointer = pointer_of(at);
    refuse_schema(
        "The schema's \"" + keyword + "\" at " + (pointer.empty() ? "the root" : pointer) + " is not valid: " + why,
        {{"keyword", keyword}, {"pointer", pointer}, {"reason", std::string("invalid")}});
}

void schema_document::check(part at) {
    if (!checked_.emplace(at, true).second) {
        return;
    }
    for (const auto & [keyword, value] : at->members) {
        if (keyword == "$dynamicRef" || keyword == "$recursiveRef") {
            unsupported(at, keyword, "references that depend on where they are followed from are not supported");
        } else if (!is_annotation(keyword) && assertions.count(keyword) == 0) {
            unsupported(at, keyword, "no such keyword is known");
        }
        check_value(at, keyword, value);
        const bool list = is_in(of_list, keyword);
        if (is_in(of_schema, keyword) || (keyword == "items" && !value.is(json_value::kind::array))) {
            schema_of(at, keyword.c_str());
        } else if (list || keyword == "items") {
            for (const auto & item : list_of(at, keyword.c_str())->items) {
                if (!is_schema(item)) {
                    invalid(at, keyword, "each of it must be an object or a boolean");
                }
            }
            if (list && value.items.empty()) {
                invalid(at, keyword, "it must not be empty");
            }
        } else if (is_in(of_members, keyword)) {
            for (const auto & [name, member] : members_of(at, keyword.c_str())->members) {
                if (!is_schema(member) && !(keyword == "dependencies" && member.is(json_value::kind::array))) {
                    invalid(at, keyword, "\"" + name + "\" must be an object or a boolean");
                }
            }
        }
    }
}

void schema_document::check_value(part at, const std::string & keyword, const json_value & value) const {
    const auto names = [&](const json_value & list) {
        const bool texts = std::all_of(list.items.begin(), list.items.end(),
                                       [](const auto & one) { return one.is(json_value::kind::string); });
        if (!list.is(json_value::kind::array) || !texts) {
            invalid(at, keyword, "it must be an array of strings");
        }
    };
    const bool exclusive = keyword == "exclusiveMinimum" || keyword == "exclusiveMaximum";
    if (keyword == "minimum" || keyword == "maximum" || keyword == "multipleOf" || exclusive) {
        const bool draft4 = exclusive && value.is(json_value::kind::boolean);
        if (!value.is(json_value::kind::number) && !draft4) {
            invalid(at, keyword, "it must be a number");
        }
        if (keyword == "multipleOf" && (decimal(value.text).zero() || decimal(value.text).negative())) {
            invalid(at, keyword, "it must be above zero");
        }
    } else if (keyword == "pattern" || keyword == "format") {
        if (!value.is(json_value::kind::string)) {
            invalid(at, keyword, "it must be a string");
        }
    } else if (keyword == "required") {
        names(value);
    } else if (keyword == "dependentRequired" || keyword == "dependencies") {
        for (const auto & [name, list] : members_of(at, keyword.c_str())->members) {
            if (keyword == "dependentRequired" || list.is(json_value::kind::array)) {
                names(list);
            }
        }
    } else if (keyword == "enum") {
        list_of(at, "enum");
    } else if (keyword == "uniqueItems") {
        flag_of(at, "uniqueItems");
    } else if (keyword.substr(0, 3) == "min" || keyword.substr(0, 3) == "max") {
        count_of(at, keyword.c_str(), 0);
    }
}

void schema_document::check_circles() {
    // Depth first without recursion: references may form chains of any length.
    enum class colour : uint8_t { open, done };
    std::unordered_map<part, colour> seen;
    std::vector<std::pair<part, bool>> stack{{&root_, false}};
    std::unordered_set<part> roots{&root_};
    std::vector<part> later{&root_};
    while (!later.empty()) {
        const part start = later.back();
        later.pop_back();
        stack.assign(1, {start, false});
        while (!stack.empty()) {
            const auto [at, leave] = stack.back();
            stack.pop_back();
            if (leave) {
                seen[at] = colour::done;
                continue;
            }
            const auto [known, fresh] = seen.emplace(at, colour::open);
            if (!fresh) {
                if (known->second == colour::open) {
                    invalid(at, at->find("$ref") != nullptr ? "$ref" : "allOf",
                            "it leads back to itself with no value in between");
                }
                continue;
            }
            budget_.spend();
            check(at);
            stack.emplace_back(at, true);
            if (at->find("$ref") != nullptr) {
                stack.emplace_back(resolve(at), false);
            }
            for_each_schema(at, [&](const std::string & keyword, part child) {
                if (is_in(in_place, keyword)) {
                    stack.emplace_back(child, false);
                } else if (keyword != "$defs" && keyword != "definitions" && roots.insert(child).second) {
                    later.push_back(child);
                }
            });
        }
    }
}

uint64_t schema_document::count_of(part at, const char * keyword, uint64_t otherwise) const {
    const json_value * value = at->find(keyword);
    if (value == nullptr) {
        return otherwise;
    }
    if (!value->is(json_value::kind::number)) {
        invalid(at, keyword, "it must be a whole number");
    }
    const decimal number(value->text);
    if (number.negative() || !number.integer()) {
        invalid(at, keyword, "it must be a whole number, not below zero");
    }
    return number.compare(decimal(std::to_string(most_count))) >= 0 ? most_count : std::stoull(number.whole());
}

part schema_document::list_of(part at, const char * keyword) const {
    const json_value * value = at->find(keyword);
    if (value != nullptr && !value->is(json_value::kind::array)) {
        invalid(at, keyword, "it must be an array");
    }
    return value;
}

part schema_document::members_of(part at, const char * keyword) const {
    const json_value * value = at->find(keyword);
    if (value != nullptr && !value->is(json_value::kind::object)) {
        invalid(at, keyword, "it must be an object");
    }
    return value;
}

part schema_document::schema_of(part at, const char * keyword) const {
    const json_value * value = at->find(keyword);
    if (value != nullptr && !is_schema(*value)) {
        invalid(at, keyword, "it must be an object or a boolean");
    }
    return value;
}

bool schema_document::flag_of(part at, const char * keyword) const {
    const json_value * value = at->find(keyword);
    if (value != nullptr && !value->is(json_value::kind::boolean)) {
        invalid(at, keyword, "it must be true or false");
    }
    return value != nullptr && value->flag;
}

}  // namespace rast::schema
