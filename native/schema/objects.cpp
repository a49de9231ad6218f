// Objects: keys in the order of the schema, those that need not be there left out at will.
#include "compiler.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr uint64_t most_states = 20'000;  // places in the order of keys times how many keys came before

}  // namespace

// `state(i, c)`: what may follow once c keys came and the first i of the list are decided on. Counting stops where it
// no longer matters, so that without limits c is only whether a comma is due.
compiler::expression compiler::of_objects(const alternative & one) {
    object_limits limits = meaning_.limits().objects(one, false);
    struct entry {
        expression pair;
        bool required;
    };
    const auto pair = [&](expression key, const part_list & value) {
        return rules_.refer(rules_.make(rules_.sequence({key, rules_.literal(":"), space(), value_of(value)})));
    };
    std::vector<entry> entries;
    uint64_t required = 0;
    for (const auto & key : limits.known) {
        const bool never_valid = std::any_of(key.value.begin(), key.value.end(),
                                             [](part at) { return at->is(json_value::kind::boolean) && !at->flag; });
        if (never_valid && !key.required) {
            continue;
        }
        entries.push_back({never_valid ? contradiction(one.parts.front(), "required",
                                                       "\"" + key.name + "\" is required and not allowed")
                                       : pair(strings_.literal(key.name), key.value),
                           key.required});
        required += key.required ? 1 : 0;
    }
    std::vector<expression> more;
    for (const auto & keys : limits.more) {
        const expression made = pair(keys.keys ? strings_.of_automaton(*keys.keys) : strings_.any(), keys.value);
        if (keys.once) {
            entries.push_back({made, false});
        } else {
            more.push_back(made);
        }
    }
    if (limits.least > limits.most) {
        return contradiction(one.parts.front(), "minProperties", "it is above maxProperties");
    }
    if (required > limits.most) {
        return contradiction(one.parts.front(), "maxProperties", "more properties are required");
    }
    if (limits.least > entries.size() && more.empty()) {
        return contradiction(one.parts.front(), "minProperties", "so many properties are not allowed");
    }
    const uint64_t least = limits.least <= required ? 0 : limits.least;
    const bool few = limits.most != UINT64_MAX && (!more.empty() || limits.most < entries.size());
    const uint64_t last = few ? limits.most : std::max<uint64_t>(least, 1);
    if (last > most_states || (entries.size() + 1) * (last + 1) > most_states + 2 * entries.size()) {
        document_.unsupported(one.parts.front(), few ? "maxProperties" : "minProperties",
                              "with so many properties it needs too large a grammar");
        return rules_.nothing();
    }
    const uint64_t counted = last + 1;
    std::vector<std::optional<rule>> states((entries.size() + 1) * counted);
    std::vector<std::pair<size_t, uint64_t>> queue;
    const auto state = [&](size_t i, uint64_t c) {
        auto & at = states[i * counted + c];
        if (!at) {
            at = rules_.declare();
            queue.emplace_back(i, c);
        }
        return rules_.refer(*at);
    };
    const auto next = [&](uint64_t c) { return few ? c + 1 : std::min(c + 1, last); };
    const expression start = state(0, 0);
    while (!queue.empty()) {
        auto [i, c] = queue.back();
        queue.pop_back();
        const rule made = *states[i * counted + c];
        budget_.spend();
        std::vector<expression> row;
        // Required keys come one after the other in one rule.
        bool over = false;
        while (i < entries.size() && entries[i].required && !over) {
            over = few && c >= limits.most;
            if (c > 0) {
                row.push_back(comma());
            }
            row.push_back(over ? rules_.nothing() : entries[i].pair);
            c = over ? c : next(c);
            ++i;
        }
        if (!over && i < entries.size()) {
            std::vector<expression> ways;
            if (!few || c < limits.most) {
                std::vector<expression> with;
                if (c > 0) {
                    with.push_back(comma());
                }
                with.push_back(entries[i].pair);
                with.push_back(state(i + 1, next(c)));
                ways.push_back(rules_.sequence(std::move(with)));
            }
            ways.push_back(state(i + 1, c));
            row.push_back(rules_.choice(std::move(ways)));
        } else if (!over) {
            const uint64_t missing = least > c ? least - c : 0;
            if (missing > 1 && !more.empty()) {
                row.push_back(
                    contradiction(one.parts.front(), "minProperties",
                                  "keys that the schema does not list may repeat, so that one counts at most"));
            } else if (more.empty()) {
                row.push_back(missing == 0 ? rules_.empty() : rules_.nothing());
            } else {
                const uint64_t room = few ? limits.most - c : UINT64_MAX;
                const expression further = rules_.choice(more);
                const expression with_comma = rules_.sequence({comma(), further});
                if (c > 0) {
                    row.push_back(rules_.repeat(with_comma, missing, room));
                } else if (room == 0) {
                    row.push_back(missing == 0 ? rules_.empty() : rules_.nothing());
                } else {
                    const expression some =
                        rules_.sequence({further, rules_.repeat(with_comma, missing == 0 ? 0 : missing - 1,
                                                                room == UINT64_MAX ? UINT64_MAX : room - 1)});
                    row.push_back(missing == 0 ? rules_.optional(some) : some);
                }
            }
        }
        rules_.define(made, rules_.sequence(std::move(row)));
    }
    return brackets("{", start, "}");
}

}  // namespace rast::schema
