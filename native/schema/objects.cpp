// Objects: keys in the order of the schema, those that need not be there left out at will.
#include "compiler.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr uint64_t most_key_places = 20'000;  // places in the order of keys times how many keys came before

}  // namespace

// The keys of one kind of object. A state (i, c) is what may follow once c keys came and the first i of the list are
// decided on; it becomes a rule. Counting stops where it no longer matters, so that without limits c is only whether a
// comma is due.
class compiler::object_keys {
  public:
    object_keys(compiler & of, const alternative & one)
        : of_(of), at_(one.parts.front()), limits_(of.meaning_.limits().objects(one, false)) {}

    expression write() {
        list_keys();
        if (const auto nothing = impossible()) {
            return *nothing;
        }
        least_ = limits_.least <= required_ ? 0 : limits_.least;
        few_ = limits_.most != UINT64_MAX && (!further_.empty() || limits_.most < entries_.size());
        last_ = few_ ? limits_.most : std::max<uint64_t>(least_, 1);
        if (last_ > most_key_places || (entries_.size() + 1) * (last_ + 1) > most_key_places + 2 * entries_.size()) {
            of_.document_.unsupported(at_, few_ ? "maxProperties" : "minProperties",
                                      "with so many properties it needs too large a grammar");
            return of_.rules_.nothing();
        }
        states_.resize((entries_.size() + 1) * (last_ + 1));
        const expression start = state(0, 0);
        while (!queue_.empty()) {
            const auto [i, c] = queue_.back();
            queue_.pop_back();
            of_.budget_.spend();
            of_.rules_.define(*states_[index(i, c)], what_follows(i, c));
        }
        return of_.brackets("{", start, "}");
    }

  private:
    struct entry {
        expression pair;
        bool required;
    };

    expression pair(expression key, const part_list & value) {
        grammar_rules & rules = of_.rules_;
        return rules.refer(rules.make(rules.sequence({key, rules.literal(":"), of_.space(), of_.value_of(value)})));
    }

    // Those with a place in the order, and those that may come behind them.
    void list_keys() {
        for (const auto & key : limits_.known) {
            const bool never_valid = std::any_of(key.value.begin(), key.value.end(), [](part at) {
                return at->is(json_value::kind::boolean) && !at->flag;
            });
            if (never_valid && !key.required) {
                continue;
            }
            entries_.push_back(
                {never_valid ? of_.contradiction(at_, "required", "\"" + key.name + "\" is required and not allowed")
                             : pair(of_.strings_.literal(key.name), key.value),
                 key.required});
            required_ += key.required ? 1 : 0;
        }
        for (const auto & keys : limits_.more) {
            const expression made =
                pair(keys.keys ? of_.strings_.of_automaton(*keys.keys) : of_.strings_.any(), keys.value);
            if (keys.once) {
                entries_.push_back({made, false});
            } else {
                further_.push_back(made);
            }
        }
    }

    std::optional<expression> impossible() {
        if (limits_.least > limits_.most) {
            return of_.contradiction(at_, "minProperties", "it is above maxProperties");
        }
        if (required_ > limits_.most) {
            return of_.contradiction(at_, "maxProperties", "more properties are required");
        }
        if (limits_.least > entries_.size() && further_.empty()) {
            return of_.contradiction(at_, "minProperties", "so many properties are not allowed");
        }
        return std::nullopt;
    }

    size_t index(size_t i, uint64_t c) const { return i * (last_ + 1) + c; }

    expression state(size_t i, uint64_t c) {
        auto & at = states_[index(i, c)];
        if (!at) {
            at = of_.rules_.declare();
            queue_.emplace_back(i, c);
        }
        return of_.rules_.refer(*at);
    }

    uint64_t next(uint64_t c) const { return few_ ? c + 1 : std::min(c + 1, last_); }

    expression what_follows(size_t i, uint64_t c) {
        std::vector<expression> row;
        // Required keys come one after the other in one rule.
        for (; i < entries_.size() && entries_[i].required; ++i) {
            if (c > 0) {
                row.push_back(of_.comma());
            }
            if (few_ && c >= limits_.most) {
                row.push_back(of_.rules_.nothing());
                return of_.rules_.sequence(std::move(row));
            }
            row.push_back(entries_[i].pair);
            c = next(c);
        }
        row.push_back(i < entries_.size() ? with_or_without(i, c) : further_keys(c));
        return of_.rules_.sequence(std::move(row));
    }

    expression with_or_without(size_t i, uint64_t c) {
        std::vector<expression> ways;
        if (!few_ || c < limits_.most) {
            std::vector<expression> with;
            if (c > 0) {
                with.push_back(of_.comma());
            }
            with.push_back(entries_[i].pair);
            with.push_back(state(i + 1, next(c)));
            ways.push_back(of_.rules_.sequence(std::move(with)));
        }
        ways.push_back(state(i + 1, c));
        return of_.rules_.choice(std::move(ways));
    }

    // Behind all that have a place.
    expression further_keys(uint64_t c) {
        grammar_rules & rules = of_.rules_;
        const uint64_t missing = least_ > c ? least_ - c : 0;
        const uint64_t room = few_ ? limits_.most - c : UINT64_MAX;
        if (missing > 1 && !further_.empty()) {
            return of_.contradiction(at_, "minProperties",
                                     "keys that the schema does not list may repeat, so that one counts at most");
        }
        if (further_.empty() || (c == 0 && room == 0)) {
            return missing == 0 ? rules.empty() : rules.nothing();
        }
        const expression further = rules.choice(further_);
        const expression with_comma = rules.sequence({of_.comma(), further});
        if (c > 0) {
            return rules.repeat(with_comma, missing, room);
        }
        const uint64_t room_behind = room == UINT64_MAX ? UINT64_MAX : room - 1;
        const expression some =
            rules.sequence({further, rules.repeat(with_comma, missing == 0 ? 0 : missing - 1, room_behind)});
        return missing == 0 ? rules.optional(some) : some;
    }

    compiler & of_;
    const part at_;
    const object_limits limits_;
    std::vector<entry> entries_;
    uint64_t required_ = 0;
    std::vector<expression> further_;
    uint64_t least_ = 0;
    bool few_ = false;   // so that keys beyond the most must be counted
    uint64_t last_ = 0;  // the highest count
    std::vector<std::optional<rule>> states_;
    std::vector<std::pair<size_t, uint64_t>> queue_;
};

compiler::expression compiler::of_objects(const alternative & one) {
    return object_keys(*this, one).write();
}

}  // namespace rast::schema
