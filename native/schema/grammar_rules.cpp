#include "grammar_rules.h"

#include <algorithm>

namespace rast::schema {

namespace {

constexpr uint32_t undefined = UINT32_MAX;
// llama.cpp's reader of GBNF takes counts up to 2,000; larger ones are made of blocks.
constexpr uint64_t block = 1000;

void append_escaped(uint32_t c, bool in_class, std::string & out) {
    static constexpr char hex[] = "0123456789ABCDEF";
    const auto digits = [&](int count) {
        for (int shift = 4 * (count - 1); shift >= 0; shift -= 4) {
            out += hex[c >> static_cast<unsigned>(shift) & 15U];
        }
    };
    if (c == '\n') {
        out += "\\n";
    } else if (c == '\r') {
        out += "\\r";
    } else if (c == '\t') {
        out += "\\t";
    } else if (c == '\\' || (c == '"' && !in_class) || (in_class && (c == '[' || c == ']' || c == '-'))) {
        out += '\\';
        out += static_cast<char>(c);
    } else if (c >= 0x20 && c < 0x7F && !(in_class && c == '^')) {
        out += static_cast<char>(c);
    } else if (c < 0x100) {
        out += "\\x";
        digits(2);
    } else if (c < 0x10000) {
        out += "\\u";
        digits(4);
    } else {
        out += "\\U";
        digits(8);
    }
}

}  // namespace

grammar_rules::expression grammar_rules::add(node made) {
    budget_.spend(1 + made.parts.size());
    expressions_.push_back(std::move(made));
    return static_cast<expression>(expressions_.size() - 1);
}

grammar_rules::expression grammar_rules::literal(const std::string & utf8) {
    return utf8.empty() ? empty() : add({kind::literal, utf8, {}, {}, 0, 0});
}

grammar_rules::expression grammar_rules::one_of(const code_point_set & set) {
    return set.empty() ? nothing() : add({kind::set, "", set, {}, 0, 0});
}

grammar_rules::expression grammar_rules::sequence(std::vector<expression> parts) {
    return parts.size() == 1 ? parts.front() : add({kind::sequence, "", {}, std::move(parts), 0, 0});
}

grammar_rules::expression grammar_rules::choice(std::vector<expression> parts) {
    return parts.size() == 1 ? parts.front() : add({kind::choice, "", {}, std::move(parts), 0, 0});
}

grammar_rules::expression grammar_rules::repeat(expression part, uint64_t least, uint64_t most) {
    if (most == 0) {
        return empty();
    }
    if ((least == 1 && most == 1) || (expressions_[part].type == kind::sequence && expressions_[part].parts.empty())) {
        return part;
    }
    const bool bounded = most != UINT64_MAX;
    if (least < 2 * block && (!bounded || most < 2 * block)) {
        return add({kind::repeat, "", {}, {part}, least, most});
    }
    const expression shared = refer(make(part));
    std::vector<expression> parts;
    if (least > 0) {
        // exactly `least`: whole blocks, and the rest
        const expression whole = refer(make(repeat(shared, block, block)));
        parts.push_back(repeat(whole, least / block, least / block));
        parts.push_back(repeat(shared, least % block, least % block));
    }
    if (!bounded) {
        parts.push_back(repeat(shared, 0, UINT64_MAX));
    } else if (const uint64_t more = most - least; more < 2 * block) {
        parts.push_back(repeat(shared, 0, more));
    } else {
        // up to `more`: fewer whole blocks than fit and less than one block, or all of them and the rest
        const expression whole = refer(make(repeat(shared, block, block)));
        parts.push_back(
            choice({sequence({repeat(whole, 0, more / block - 1), repeat(shared, 0, block - 1)}),
                    sequence({repeat(whole, more / block, more / block), repeat(shared, 0, more % block)})}));
    }
    return sequence(std::move(parts));
}

grammar_rules::expression grammar_rules::refer(rule target) {
    return add({kind::refer, "", {}, {target}, 0, 0});
}

grammar_rules::rule grammar_rules::declare() {
    bodies_.push_back(undefined);
    return static_cast<rule>(bodies_.size() - 1);
}

void grammar_rules::define(rule target, expression body) {
    bodies_[target] = body;
}

grammar_rules::rule grammar_rules::make(expression body) {
    const rule made = declare();
    define(made, body);
    return made;
}

bool grammar_rules::ends(expression at) const {
    const node & one = expressions_[at];
    const auto part_ends = [&](expression part) { return ends(part); };
    switch (one.type) {
        case kind::literal: return true;
        case kind::set: return true;
        case kind::sequence: return std::all_of(one.parts.begin(), one.parts.end(), part_ends);
        case kind::choice: return std::any_of(one.parts.begin(), one.parts.end(), part_ends);
        case kind::repeat: return one.least == 0 || ends(one.parts.front());
        case kind::refer: return ends_[one.parts.front()];
    }
    return false;
}

void grammar_rules::find_ends() {
    if (known_ == expressions_.size()) {
        return;
    }
    ends_.assign(bodies_.size(), false);
    std::vector<std::vector<rule>> users(bodies_.size());
    for (rule user = 0; user < bodies_.size(); ++user) {
        std::vector<expression> open;
        if (bodies_[user] != undefined) {
            open.push_back(bodies_[user]);
        }
        while (!open.empty()) {
            const node & one = expressions_[open.back()];
            open.pop_back();
            if (one.type == kind::refer) {
                users[one.parts.front()].push_back(user);
            } else {
                open.insert(open.end(), one.parts.begin(), one.parts.end());
            }
        }
    }
    std::vector<rule> queue;
    const auto look = [&](rule at) {
        budget_.spend();
        if (!ends_[at] && bodies_[at] != undefined && ends(bodies_[at])) {
            ends_[at] = true;
            queue.push_back(at);
        }
    };
    for (rule at = 0; at < bodies_.size(); ++at) {
        look(at);
    }
    while (!queue.empty()) {
        const rule done = queue.back();
        queue.pop_back();
        for (const rule user : users[done]) {
            look(user);
        }
    }
    known_ = expressions_.size();
}

bool grammar_rules::can_end(rule target) {
    find_ends();
    return ends_[target];
}

bool grammar_rules::is_empty(expression at) const {
    const node & one = expressions_[at];
    return (one.type == kind::sequence && one.parts.empty()) || (one.type == kind::repeat && !ends(one.parts.front()));
}

void grammar_rules::write_parts(const node & from, const char * between, std::string & out) {
    bool first = true;
    for (const expression part : from.parts) {
        const bool choice = from.type == kind::choice;
        if ((choice && !ends(part)) || (!choice && is_empty(part))) {
            continue;
        }
        out += first ? "" : between;
        first = false;
        write_expression(part, !choice, out);
    }
    if (first && from.type == kind::sequence) {
        out += "\"\"";
    }
}

void grammar_rules::write_expression(expression at, bool tight, std::string & out) {
    const node & one = expressions_[at];
    switch (one.type) {
        case kind::literal:
            out += '"';
            for (const uint32_t c : decode_utf8(one.text)) {
                append_escaped(c, false, out);
            }
            out += '"';
            break;
        case kind::set:
            out += '[';
            for (const auto & [from, to] : one.set.ranges()) {
                append_escaped(from, true, out);
                if (to > from) {
                    out += to > from + 1 ? "-" : "";
                    append_escaped(to, true, out);
                }
            }
            out += ']';
            break;
        case kind::sequence:
        case kind::choice: {
            const bool several = one.parts.size() > 1;
            out += tight && several ? "(" : "";
            write_parts(one, one.type == kind::choice ? " | " : " ", out);
            out += tight && several ? ")" : "";
            break;
        }
        case kind::repeat: {
            if (!ends(one.parts.front())) {
                out += "\"\"";
                break;
            }
            const bool twice = expressions_[one.parts.front()].type == kind::repeat;
            out += twice ? "(" : "";
            write_expression(one.parts.front(), true, out);
            out += twice ? ")" : "";
            if (one.least == 0 && one.most == 1) {
                out += '?';
            } else if (one.most == UINT64_MAX && one.least <= 1) {
                out += one.least == 0 ? '*' : '+';
            } else {
                out += '{' + std::to_string(one.least);
                if (one.most != one.least) {
                    out += ',' + (one.most == UINT64_MAX ? "" : std::to_string(one.most));
                }
                out += '}';
            }
            break;
        }
        case kind::refer: {
            const rule target = followed(one.parts.front());
            const auto [at_name, added] = names_.emplace(target, static_cast<uint32_t>(names_.size()));
            if (added) {
                queue_.push_back(target);
            }
            out += at_name->second == 0 ? "root" : "r" + std::to_string(at_name->second);
        }
    }
}

// A rule that is another one is written as that.
grammar_rules::rule grammar_rules::followed(rule target) const {
    for (size_t steps = 0; steps < bodies_.size(); ++steps) {
        const node * body = &expressions_[bodies_[target]];
        while (body->type == kind::choice && std::count_if(body->parts.begin(), body->parts.end(),
                                                           [&](expression part) { return ends(part); }) == 1) {
            body = &expressions_[*std::find_if(body->parts.begin(), body->parts.end(),
                                               [&](expression part) { return ends(part); })];
        }
        if (body->type != kind::refer) {
            return target;
        }
        target = body->parts.front();
    }
    return target;
}

std::string grammar_rules::write(rule root, size_t most_bytes) {
    find_ends();
    std::string out;
    root = followed(root);
    names_ = {{root, 0}};
    queue_ = {root};
    for (size_t i = 0; i < queue_.size(); ++i) {
        out += i == 0 ? "root" : "r" + std::to_string(names_.at(queue_[i]));
        out += " ::= ";
        write_expression(bodies_[queue_[i]], false, out);
        out += '\n';
        if (out.size() > most_bytes) {
            refuse_schema("The schema is too large: its grammar has more than " + std::to_string(most_bytes) + " bytes",
                          {{"reason", std::string("too complex")}});
        }
    }
    return out;
}

}  // namespace rast::schema
