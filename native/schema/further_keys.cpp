#include "further_keys.h"

#include <algorithm>
#include <utility>

namespace rast::schema {

namespace {

// Of known keys together: where there are more, further keys may not begin like any of them, which is a set of
// characters instead of an automaton as large as the names.
constexpr size_t most_excluded_characters = 3'000;
constexpr size_t states_of_first_character = 100;  // far more than "begins with one of these" takes

}  // namespace

limits_reader::further_keys::further_keys(limits_reader & reader, const alternative & one, object_limits & out)
    : reader_(reader), one_(one), out_(out), budget_(reader.document_.budget()) {}

void limits_reader::further_keys::read() {
    collect();
    if (!open_ && patterns_.empty()) {
        return;
    }
    allowed_ = reader_.key_names(one_);
    leave_out_known_keys();
    for (size_t i = 0; i < patterns_.size(); ++i) {
        add_keys_of(i);
    }
    if (open_) {
        add_others();
    }
}

void limits_reader::further_keys::collect() {
    bool named = false;
    for (const part at : one_.parts) {
        const json_value * rest = at->find("additionalProperties");
        const json_value * unevaluated = at->find("unevaluatedProperties");
        named = named || at->find("properties") != nullptr;
        open_ = open_ || rest != nullptr || unevaluated != nullptr;
        if (rest != nullptr) {
            add_part(value_, rest);
        }
        if (unevaluated != nullptr && !reader_.evaluates(reader_.scope_of(one_, at), at, nullptr)) {
            add_part(value_, unevaluated);
        }
        if (const json_value * by_pattern = at->find("patternProperties")) {
            for (const auto & [source, schema] : by_pattern->members) {
                if (const known_pattern * known = reader_.patterns_.find(source, at, "patternProperties")) {
                    patterns_.push_back({at, known, &schema});
                }
            }
        }
    }
    // Where properties are listed and nothing is said of others, there are none, unless some are missing.
    open_ = open_ || (!named && patterns_.empty()) || out_.least > out_.known.size();
}

void limits_reader::further_keys::leave_out_known_keys() {
    if (out_.known.empty()) {
        return;
    }
    std::vector<std::string_view> known;
    size_t characters = 0;
    for (const auto & key : out_.known) {
        known.emplace_back(key.name);
        characters += key.name.size();
    }
    const automaton strangers = characters > most_excluded_characters
                                    ? strangers_by_first_character(known)
                                    : automaton::of_texts(known, budget_).complement().minimal(budget_);
    allowed_ = allowed_ ? allowed_->intersect(strangers, budget_) : strangers;
}

automaton limits_reader::further_keys::strangers_by_first_character(const std::vector<std::string_view> & known) const {
    std::vector<code_point_set::range> starts;
    for (const auto & key : known) {
        if (!key.empty()) {
            const uint32_t c = decode_utf8(key).front();
            starts.emplace_back(c, c);
        }
    }
    pattern_node root;
    pattern_node begin;
    begin.type = pattern_node::kind::begin;
    pattern_node other;
    other.type = pattern_node::kind::set;
    other.set = code_point_set(std::move(starts)).complement();
    root.parts = {begin, other};
    return *automaton::of_pattern(root, states_of_first_character, budget_);
}

// Keys of this pattern and of no other.
void limits_reader::further_keys::add_keys_of(size_t i) {
    if (!patterns_[i].pattern->machine) {
        reader_.document_.unsupported(patterns_[i].at, "patternProperties", "a pattern needs too large a grammar");
        return;
    }
    part_list parts;
    std::optional<automaton> keys = only_of(i, parts);
    add_rest_for(i, parts);
    const bool seen_before = std::any_of(patterns_.begin(), patterns_.begin() + static_cast<std::ptrdiff_t>(i),
                                         [&](const auto & other) { return other.pattern == patterns_[i].pattern; });
    if (!seen_before) {
        add_more(std::move(keys), std::move(parts));
    }
}

// The keys, and what parts say of this very pattern about their values.
std::optional<automaton> limits_reader::further_keys::only_of(size_t i, part_list & parts) {
    const automaton & own = *patterns_[i].pattern->machine;
    automaton keys = allowed_ ? allowed_->intersect(own, budget_) : own;
    add_part(parts, patterns_[i].schema);
    for (size_t k = 0; k < patterns_.size(); ++k) {
        const known_pattern & other = *patterns_[k].pattern;
        if (&other == patterns_[i].pattern) {
            if (k != i) {
                add_part(parts, patterns_[k].schema);
            }
        } else if (!other.machine || !other.tree.exact) {
            reader_.document_.unsupported(patterns_[k].at, "patternProperties",
                                          "what a pattern does not match is not known");
        } else {
            keys = keys.intersect(other.machine->complement(), budget_);
        }
    }
    return keys;
}

// What parts without this pattern say of keys that they do not know.
void limits_reader::further_keys::add_rest_for(size_t i, part_list & parts) {
    const known_pattern * pattern = patterns_[i].pattern;
    for (const part at : one_.parts) {
        const json_value * rest = at->find("additionalProperties");
        const bool covered = std::any_of(patterns_.begin(), patterns_.end(), [&](const auto & other) {
            return other.at == at && other.pattern == pattern;
        });
        if (rest != nullptr && !covered) {
            add_part(parts, rest);
        }
        if (const json_value * unevaluated = at->find("unevaluatedProperties")) {
            const part_list scope = reader_.scope_of(one_, at);
            const bool seen =
                reader_.evaluates(scope, at, nullptr) ||
                std::any_of(patterns_.begin(), patterns_.end(), [&](const auto & other) {
                    return other.pattern == pattern && std::find(scope.begin(), scope.end(), other.at) != scope.end();
                });
            if (!seen) {
                add_part(parts, unevaluated);
            }
        }
    }
}

// Keys of no pattern. Nothing where that cannot be told.
void limits_reader::further_keys::add_others() {
    bool exact = true;
    for (const auto & one : patterns_) {
        if (!one.pattern->machine || !one.pattern->tree.exact) {
            exact = false;
            continue;
        }
        const automaton others = one.pattern->machine->complement();
        allowed_ = allowed_ ? allowed_->intersect(others, budget_) : others.minimal(budget_);
    }
    if (exact) {
        add_more(std::move(allowed_), std::move(value_));
    }
}

void limits_reader::further_keys::add_more(std::optional<automaton> keys, part_list parts) {
    const bool forbidden =
        std::any_of(parts.begin(), parts.end(), [](part at) { return at->is(json_value::kind::boolean) && !at->flag; });
    if (!forbidden && !(keys && keys->empty())) {
        const bool once = keys && !keys->always_extends();
        out_.more.push_back({std::move(keys), std::move(parts), once});
    }
}

}  // namespace rast::schema
