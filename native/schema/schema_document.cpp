#include "schema_document.h"

#include "decimal.h"
#include "json_pointer.h"
#include "keywords.h"

#include <algorithm>
#include <unordered_set>

namespace rast::schema {

namespace {

// Counts above it mean as much: no text has so many characters, items or members.
constexpr uint64_t most_count = 1'000'000'000'000;

}  // namespace

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
            invalid(from, "$ref",
                    "\"" + ref +
                        "\" is not in this schema, and nothing is fetched: \"#...\" and what an $id in it names "
                        "can be followed");
        }
        resource = found->second;
    }
    const std::string fragment = hash == std::string::npos ? "" : percent_decoded(ref.substr(hash + 1));
    part target = nullptr;
    if (fragment.empty() || fragment.front() == '/') {
        target = follow_pointer(*resource, fragment);
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
        } else if (!is_annotation(keyword) && !is_assertion(keyword)) {
            unsupported(at, keyword, "no such keyword is known");
        }
        check_value(at, keyword, value);
        const auto holds = schemas_in(keyword);
        const bool list = holds == keyword_value::list;
        if (holds == keyword_value::schema || (keyword == "items" && !value.is(json_value::kind::array))) {
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
        } else if (holds == keyword_value::members) {
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
                if (applies_in_place(keyword)) {
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
