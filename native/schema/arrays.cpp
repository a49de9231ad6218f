// Arrays: fixed places, then as many more as are allowed.
#include "compiler.h"

#include <algorithm>

namespace rast::schema {

namespace {

// Of an array's counts (items times matches of contains): each is a rule, and the grammar may have 1 MiB.
constexpr uint64_t most_item_states = 10'000;
constexpr size_t any_order = 6;  // distinct values of a list: up to here in any order, beyond in the schema's

}  // namespace

compiler::expression compiler::of_array(const alternative & one) {
    array_limits limits = meaning_.limits().arrays(one);
    // Where places are fixed and nothing is said of more items, there are none, unless some are missing.
    if (!limits.fixed.empty() && !limits.rest_stated && limits.least <= limits.fixed.size()) {
        limits.most = std::min<uint64_t>(limits.most, limits.fixed.size());
    }
    const bool no_rest = std::any_of(limits.rest.begin(), limits.rest.end(),
                                     [](part at) { return at->is(json_value::kind::boolean) && !at->flag; });
    if (no_rest) {
        limits.most = std::min<uint64_t>(limits.most, limits.fixed.size());
    }
    if (limits.least > limits.most) {
        return contradiction(one.parts.front(), "minItems", "it is above maxItems");
    }
    if (limits.unique && limits.most > 1 && !distinct(limits)) {
        return unique_array(limits);
    }
    return limits.contains != nullptr ? counted_array(limits) : tuple(limits);
}

// Whether no two items can be equal.
bool compiler::distinct(const array_limits & limits) {
    if (limits.most > limits.fixed.size() || limits.fixed.size() > 32) {
        return false;
    }
    for (size_t i = 0; i < limits.fixed.size(); ++i) {
        for (size_t k = 0; k < i; ++k) {
            part_list both = limits.fixed[i];
            both.insert(both.end(), limits.fixed[k].begin(), limits.fixed[k].end());
            if (!meaning_.empty(both)) {
                return false;
            }
        }
    }
    return true;
}

compiler::expression compiler::tuple(const array_limits & limits) {
    const uint64_t fixed = std::min<uint64_t>(limits.fixed.size(), limits.most);
    const auto rest = [&](uint64_t came) {
        const expression item = value_of(limits.rest);
        const expression next = rules_.sequence({comma(), item});
        const uint64_t least = limits.least > came ? limits.least - came : 0;
        const uint64_t most = limits.most == UINT64_MAX ? UINT64_MAX : limits.most - came;
        if (came > 0 || most == 0) {
            return most == 0 ? rules_.empty() : rules_.repeat(next, least, most);
        }
        const expression some = rules_.sequence(
            {item, rules_.repeat(next, least == 0 ? 0 : least - 1, most == UINT64_MAX ? UINT64_MAX : most - 1)});
        return least == 0 ? rules_.optional(some) : some;
    };
    expression tail = rest(fixed);
    for (uint64_t i = fixed; i-- > 0;) {
        std::vector<expression> row;
        if (i > 0) {
            row.push_back(comma());
        }
        row.push_back(value_of(limits.fixed[i]));
        row.push_back(rules_.refer(rules_.make(tail)));
        tail = rules_.sequence(std::move(row));
        if (i >= limits.least) {
            tail = rules_.optional(tail);
        }
    }
    return brackets("[", tail, "]");
}

// With `contains`: what may follow once k items came, m of them of the kind that is counted.
compiler::expression compiler::counted_array(const array_limits & limits) {
    const part at = limits.contains;
    const part wanted = at->find("contains");
    const uint64_t least = document_.count_of(at, "minContains", 1);
    const uint64_t most = document_.count_of(at, "maxContains", UINT64_MAX);
    if (least > most) {
        return rules_.nothing();
    }
    part others = nullptr;
    if (most != UINT64_MAX) {
        std::string obstacle;
        others = meaning_.negation(wanted, obstacle);
        if (others == nullptr) {
            document_.unsupported(at, "maxContains",
                                  "\"" + obstacle + "\" in contains has no opposite that can be kept");
            return tuple(limits);
        }
    }
    const bool bounded = limits.most != UINT64_MAX;
    const uint64_t last_k = bounded ? limits.most : std::max<uint64_t>({limits.least, limits.fixed.size(), 1});
    const uint64_t last_m = most != UINT64_MAX ? most : least;
    if (last_k > most_item_states || last_m > most_item_states || (last_k + 1) * (last_m + 1) > most_item_states) {
        document_.unsupported(at, "contains", "with such counts it needs too large a grammar");
        return tuple(limits);
    }
    std::map<std::pair<uint64_t, uint64_t>, rule> states;
    std::vector<std::pair<uint64_t, uint64_t>> queue;
    const auto state = [&](uint64_t k, uint64_t m) {
        const auto key =
            std::make_pair(bounded ? k : std::min(k, last_k), most != UINT64_MAX ? m : std::min(m, last_m));
        const auto found = states.find(key);
        if (found != states.end()) {
            return rules_.refer(found->second);
        }
        const rule made = rules_.declare();
        states.emplace(key, made);
        queue.push_back(key);
        return rules_.refer(made);
    };
    const expression start = state(0, 0);
    while (!queue.empty()) {
        const uint64_t k = queue.back().first;  // no binding: clang before 16 does not let lambdas capture one
        const uint64_t m = queue.back().second;
        queue.pop_back();
        const rule made = states.at({k, m});
        std::vector<expression> ways;
        const part_list & parts = k < limits.fixed.size() ? limits.fixed[k] : limits.rest;
        const auto item = [&](part extra, uint64_t counted) {
            part_list all = parts;
            if (extra != nullptr) {
                all.push_back(extra);
            }
            std::vector<expression> row;
            if (k > 0) {
                row.push_back(comma());
            }
            row.push_back(value_of(all));
            row.push_back(state(k + 1, m + counted));
            ways.push_back(rules_.sequence(std::move(row)));
        };
        if (!bounded || k < limits.most) {
            if (m < last_m) {
                item(wanted, 1);
            }
            if (most != UINT64_MAX || !bounded || limits.most - k > (least > m ? least - m : 0)) {
                item(others, 0);
            }
        }
        if (k >= limits.least && m >= least) {
            ways.push_back(rules_.empty());
        }
        rules_.define(made, rules_.choice(std::move(ways)));
    }
    return brackets("[", start, "]");
}

// Of a list of values each at most once: in any order if they are few, else in the order of the schema.
compiler::expression compiler::unique_array(const array_limits & limits) {
    const auto values = limits.fixed.empty() && limits.contains == nullptr ? finite_values(limits.rest) : std::nullopt;
    if (!values || values->size() > most_item_states) {
        document_.unsupported(limits.at, "uniqueItems",
                              "that items differ can be kept for an enum or another short list of values only");
        return limits.contains != nullptr ? counted_array(limits) : tuple(limits);
    }
    const size_t n = values->size();
    const uint64_t most = std::min<uint64_t>(limits.most, n);
    if (limits.least > most) {
        return contradiction(limits.at, "minItems", "there are fewer values that differ");
    }
    std::vector<expression> items;
    for (const part value : *values) {
        std::string text;
        write_json(*value, text);
        items.push_back(rules_.literal(text));
    }
    const bool free = n <= any_order;
    if (!free && n * (most + 1) > 4 * most_item_states) {
        document_.unsupported(limits.at, "uniqueItems", "so many values need too large a grammar");
        return tuple(limits);
    }
    // A state is which values came, or how far in the list and how many.
    std::map<std::pair<uint64_t, uint64_t>, rule> states;
    std::vector<std::pair<uint64_t, uint64_t>> queue;
    const auto state = [&](uint64_t a, uint64_t count) {
        const auto found = states.find({a, count});
        if (found != states.end()) {
            return rules_.refer(found->second);
        }
        const rule made = rules_.declare();
        states.emplace(std::make_pair(a, count), made);
        queue.emplace_back(a, count);
        return rules_.refer(made);
    };
    const expression start = state(0, 0);
    while (!queue.empty()) {
        const uint64_t a = queue.back().first;
        const uint64_t count = queue.back().second;
        queue.pop_back();
        const rule made = states.at({a, count});
        budget_.spend();
        std::vector<expression> ways;
        const auto item = [&](size_t i, uint64_t next) {
            std::vector<expression> row;
            if (count > 0) {
                row.push_back(comma());
            }
            row.push_back(items[i]);
            row.push_back(state(next, count + 1));
            ways.push_back(rules_.sequence(std::move(row)));
        };
        if (free) {
            for (size_t i = 0; i < n && count < most; ++i) {
                if ((a >> i & 1U) == 0) {
                    item(i, a | uint64_t{1} << i);
                }
            }
            if (count >= limits.least) {
                ways.push_back(rules_.empty());
            }
        } else if (a < n) {
            if (count < most) {
                item(a, a + 1);
            }
            ways.push_back(state(a + 1, count));
        } else if (count >= limits.least) {
            ways.push_back(rules_.empty());
        }
        rules_.define(made, rules_.choice(std::move(ways)));
    }
    return brackets("[", start, "]");
}

}  // namespace rast::schema
