#include "meaning.h"

#include <algorithm>
#include <unordered_set>

namespace rast::schema {

namespace {

constexpr size_t most_alternatives = 4'000;  // of one value: combinations multiply
constexpr size_t most_one_of = 64;           // proven disjoint pair by pair: two thousand proofs
constexpr size_t prune_from = 16;            // forks: from here on alternatives that hold nothing are looked for
// Units of work that a proof of emptiness may take, and a look whether an alternative can be left out.
constexpr size_t proof_effort = 60'000;
constexpr size_t pruning_effort = 2'000;
constexpr int deepest_proof = 8;  // values inside values that a proof follows

using member = json_value::member;

json_value object_of(std::vector<member> members) {
    return json_value::of_members(std::move(members));
}

json_value reference_list(const char * keyword, std::vector<json_value> schemas) {
    return object_of({{keyword, json_value::of_items(std::move(schemas))}});
}

bool says_something_itself(part at) {
    static const std::unordered_set<std::string_view> of_others{"$ref",
                                                                "allOf",
                                                                "anyOf",
                                                                "oneOf",
                                                                "if",
                                                                "then",
                                                                "else",
                                                                "dependencies",
                                                                "dependentSchemas",
                                                                "dependentRequired"};
    for (const auto & keyword : assertions_of(at)) {
        const bool composite_not = keyword == "not" && !limits_reader::is_simple_not(at->find("not"));
        if (of_others.count(keyword) == 0 && !composite_not) {
            return true;
        }
    }
    return false;
}

}  // namespace

struct meaning::open_alternative {
    alternative made;
    std::unordered_set<part> seen;
    std::vector<std::pair<part, part>> todo;  // and who brings it in, or null
    std::vector<std::pair<part, part_list>> forks;
    bool dead = false;
};

// A fork on whether the object has a key: without it, or with it and what then holds.
void meaning::fork_on_presence(part at, const std::string & name, const json_value & then, open_alternative & into) {
    part_list & made = presences_[{&then, name}];
    if (made.empty()) {
        made.push_back(document_.add(object_of({{"properties", object_of({{name, json_value::of_flag(false)}})}}), at));
        json_value names = then.is(json_value::kind::array) ? then : json_value::of_items({});
        names.items.push_back(json_value::of_text(name));
        const json_value with = object_of({{"required", std::move(names)}});
        made.push_back(
            document_.add(then.is(json_value::kind::array) ? with : reference_list("allOf", {with, then}), at));
    }
    into.forks.emplace_back(at, made);
}

part_list meaning::forks_of_one_of(part at) {
    const auto known = one_ofs_.find(at);
    if (known != one_ofs_.end()) {
        return known->second;
    }
    const auto & schemas = at->find("oneOf")->items;
    part_list plain;
    for (const auto & one : schemas) {
        plain.push_back(&one);
    }
    if (schemas.size() > most_one_of) {
        document_.unsupported(at, "oneOf", "more than " + std::to_string(most_one_of) + " alternatives");
        return one_ofs_[at] = plain;
    }
    std::vector<std::vector<size_t>> meets(schemas.size());
    bool disjoint = true;
    for (size_t i = 0; i < schemas.size(); ++i) {
        for (size_t k = 0; k < i; ++k) {
            if (!empty({&schemas[i], &schemas[k]})) {
                disjoint = false;
                meets[i].push_back(k);
                meets[k].push_back(i);
            }
        }
    }
    if (disjoint) {
        return one_ofs_[at] = plain;
    }
    // Each of them, and not those that may hold with it.
    part_list out;
    for (size_t i = 0; i < schemas.size(); ++i) {
        std::vector<json_value> all{schemas[i]};
        for (const size_t other : meets[i]) {
            std::string obstacle;
            const auto not_other = negated(&schemas[other], obstacle);
            if (!not_other) {
                document_.unsupported(at, "oneOf",
                                      "alternatives " + std::to_string(std::min(i, other)) + " and " +
                                          std::to_string(std::max(i, other)) + " may hold together, and \"" + obstacle +
                                          "\" keeps that from being ruled out; use anyOf, or tell them apart by a "
                                          "required property with const values");
                return one_ofs_[at] = plain;
            }
            all.push_back(*not_other);
        }
        out.push_back(meets[i].empty() ? &schemas[i] : document_.add(reference_list("allOf", std::move(all)), at));
    }
    return one_ofs_[at] = out;
}

part_list meaning::forks_of_condition(part at) {
    const auto known = conditions_.find(at);
    if (known != conditions_.end()) {
        return known->second;
    }
    std::string obstacle;
    const auto holds_not = negated(at->find("if"), obstacle);
    if (!holds_not) {
        document_.unsupported(at, "if", "\"" + obstacle + "\" in it has no opposite that can be kept");
        return conditions_[at] = {};
    }
    const auto branch = [&](json_value condition, const char * keyword) {
        std::vector<json_value> all{std::move(condition)};
        if (const json_value * then = at->find(keyword)) {
            all.push_back(*then);
        }
        return document_.add(reference_list("allOf", std::move(all)), at);
    };
    return conditions_[at] = {branch(*at->find("if"), "then"), branch(*holds_not, "else")};
}

part meaning::negation(part of, std::string & obstacle) {
    const auto known = negations_.find(of);
    if (known != negations_.end()) {
        return known->second;
    }
    auto made = negated(of, obstacle);
    return made ? negations_[of] = document_.add(std::move(*made), of) : nullptr;
}

void meaning::take(part next, part from, open_alternative & into) {
    if (from != nullptr) {
        into.made.links.emplace_back(from, next);
    }
    if (!into.seen.insert(next).second) {
        return;
    }
    document_.budget().spend();
    if (next->is(json_value::kind::boolean)) {
        into.dead = into.dead || !next->flag;
        return;
    }
    document_.check(next);
    if (says_something_itself(next)) {
        into.made.parts.push_back(next);
    }
    if (next->find("$ref") != nullptr) {
        into.todo.emplace_back(document_.resolve(next), next);
    }
    if (const json_value * all = next->find("allOf")) {
        for (auto one = all->items.rbegin(); one != all->items.rend(); ++one) {
            into.todo.emplace_back(&*one, next);
        }
    }
    if (const json_value * any = next->find("anyOf")) {
        part_list ways;
        for (const auto & one : any->items) {
            ways.push_back(&one);
        }
        into.forks.emplace_back(next, std::move(ways));
    }
    if (next->find("oneOf") != nullptr) {
        into.forks.emplace_back(next, forks_of_one_of(next));
    }
    if (const json_value * excluded = next->find("not");
        excluded != nullptr && !limits_reader::is_simple_not(excluded)) {
        std::string obstacle;
        if (const part opposite = negation(excluded, obstacle)) {
            into.todo.emplace_back(opposite, nullptr);
        } else {
            document_.unsupported(next, "not", "\"" + obstacle + "\" in it has no opposite that can be kept");
        }
    } else if (excluded != nullptr) {
        // Of values other than numbers and strings only what the types leave can be kept.
        for (const json_value * values : {excluded->find("const"), excluded->find("enum")}) {
            const auto look = [&](const json_value & value) {
                const bool plain = value.is(json_value::kind::number) || value.is(json_value::kind::string);
                const uint8_t type = type_of_value(value);
                if (!plain && (limits_.types(into.made) & type) != 0) {
                    if (value.is(json_value::kind::array) || value.is(json_value::kind::object)) {
                        document_.unsupported(next, "not", "an array or object cannot be excluded");
                    }
                }
            };
            if (values != nullptr && values == excluded->find("enum")) {
                document_.list_of(excluded, "enum");
                std::for_each(values->items.begin(), values->items.end(), look);
            } else if (values != nullptr) {
                look(*values);
            }
        }
    }
    if (next->find("if") != nullptr && (next->find("then") != nullptr || next->find("else") != nullptr)) {
        part_list ways = forks_of_condition(next);
        if (!ways.empty()) {
            into.forks.emplace_back(next, std::move(ways));
        }
    }
    for (const char * keyword : {"dependencies", "dependentRequired", "dependentSchemas"}) {
        if (const json_value * dependent = next->find(keyword)) {
            for (const auto & [name, then] : dependent->members) {
                fork_on_presence(next, name, then, into);
            }
        }
    }
}

bool meaning::fork(open_alternative & from, std::vector<open_alternative> & open) {
    if (from.forks.empty()) {
        return false;
    }
    auto [at, ways] = std::move(from.forks.back());
    from.forks.pop_back();
    for (auto way = ways.rbegin(); way != ways.rend(); ++way) {
        document_.budget().spend(1 + from.seen.size() + from.made.links.size());
        open_alternative one = from;
        one.todo.emplace_back(*way, at);
        open.push_back(std::move(one));
    }
    return true;
}

std::vector<alternative> meaning::alternatives(const part_list & all) {
    std::vector<alternative> out;
    std::vector<open_alternative> open(1);
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        open[0].todo.emplace_back(*one, nullptr);
    }
    size_t forked = 0;
    while (!open.empty()) {
        open_alternative now = std::move(open.back());
        open.pop_back();
        while (!now.todo.empty() && !now.dead) {
            const auto [next, from] = now.todo.back();
            now.todo.pop_back();
            take(next, from, now);
        }
        if (now.dead || limits_.types(now.made) == 0) {
            continue;
        }
        if (!now.forks.empty() && ++forked > prune_from) {
            if (proofs_ == 0) {
                effort_ = pruning_effort;
            }
            if (empty_at(now.made, deepest_proof - 2)) {
                continue;
            }
        }
        if (!fork(now, open)) {
            out.push_back(std::move(now.made));
        }
        if (out.size() + open.size() > most_alternatives) {
            refuse_schema("The schema is too complex: its alternatives multiply to more than " +
                              std::to_string(most_alternatives),
                          {{"reason", std::string("too complex")}});
        }
    }
    return out;
}

bool meaning::empty(const part_list & all) {
    if (proofs_ == 0) {
        effort_ = proof_effort;
    }
    ++proofs_;
    const bool out = empty_at(all, 0);
    --proofs_;
    return out;
}

bool meaning::empty(const alternative & one) {
    if (proofs_ == 0) {
        effort_ = proof_effort;
    }
    ++proofs_;
    const bool out = empty_at(one, 0);
    --proofs_;
    return out;
}

bool meaning::empty_at(const part_list & all, int depth) {
    if (depth > deepest_proof || effort_ < 10) {
        return false;
    }
    effort_ -= 10;
    const auto ways = alternatives(all);
    effort_ -= std::min(effort_, ways.size() * 5);
    return std::all_of(ways.begin(), ways.end(), [&](const alternative & one) { return empty_at(one, depth); });
}

bool meaning::empty_at(const alternative & one, int depth) {
    const uint8_t types = limits_.types(one);
    if (types == 0) {
        return true;
    }
    if (const auto values = limits_.values(one, true)) {
        return values->empty();
    }
    if ((types & (null_bit | boolean_bit)) != 0) {
        return false;
    }
    if ((types & number_bits) != 0 && !limits_.numbers(one, types == integer_bit).empty()) {
        return false;
    }
    if ((types & string_bit) != 0) {
        const string_limits limits = limits_.strings(one);
        if (limits.least <= limits.most) {
            const bool plain = limits.patterns.empty() && limits.excluded.empty();
            const auto machine = plain ? std::nullopt : strings_within(limits, true, document_.budget());
            if (!machine || !machine->empty()) {
                return false;
            }
        }
    }
    if ((types & array_bit) != 0 && !empty_arrays(one, depth)) {
        return false;
    }
    return (types & object_bit) == 0 || empty_objects(one, depth);
}

bool meaning::empty_objects(const alternative & one, int depth) {
    const object_limits limits = limits_.objects(one, true);
    if (limits.least > limits.most) {
        return true;
    }
    uint64_t required = 0;
    for (const auto & key : limits.known) {
        if (key.required) {
            ++required;
            if (empty_at(key.value, depth + 1)) {
                return true;
            }
        }
    }
    return required > limits.most;
}

bool meaning::empty_arrays(const alternative & one, int depth) {
    const array_limits limits = limits_.arrays(one);
    if (limits.least > limits.most) {
        return true;
    }
    for (size_t i = 0; i < std::min<size_t>(limits.least, limits.fixed.size()); ++i) {
        if (empty_at(limits.fixed[i], depth + 1)) {
            return true;
        }
    }
    return limits.least > limits.fixed.size() && empty_at(limits.rest, depth + 1);
}

}  // namespace rast::schema
