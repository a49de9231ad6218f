#include "grammar_matcher.h"

#include "next_characters.h"

#include <algorithm>
#include <stdexcept>

namespace rast {

namespace {

// A memory that is larger is left behind when a token is accepted. Every request with a grammar has one: 64 of them at
// once are 3 GiB at most.
constexpr size_t largest_memory_bytes = size_t{48} << 20;
// Of a vocabulary's tree, against units of work of some 20 ns, as a step to a known letter is far quicker than a new
// one.
constexpr uint32_t nodes_per_unit = 4;

}  // namespace

grammar_matcher::grammar_matcher(std::shared_ptr<const grammar> rules, uint64_t work,
                                 const std::atomic<bool> * cancelled)
    : memory_(std::make_shared<match_memory>(std::move(rules))) {
    memory_->watch(cancelled);
    memory_->allow(work);
    at_.config = memory_->start();
}

bool grammar_matcher::advance(match_memory & memory, place & at, uint8_t byte) {
    part_of_character & part = at.part;
    if (part.lacking == 0) {
        if (byte < 0x80) {
            at.config = memory.step(at.config, memory.rules().letter_of(byte));
            return at.config != match_memory::dead;
        }
        if (byte < 0xC2 || byte > 0xF4) {
            return false;
        }
        part.lacking = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
        part.value = byte & (0x3FU >> part.lacking);
        part.low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
        part.high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
        return true;
    }
    if (byte < part.low || byte > part.high) {
        return false;
    }
    const uint32_t value = part.value << 6 | (byte & 0x3FU);
    if (part.lacking > 1) {
        part = {value, static_cast<uint8_t>(part.lacking - 1), 0x80, 0xBF};
        return true;
    }
    at.config = memory.step(at.config, memory.rules().letter_of(value));
    part = {};
    return at.config != match_memory::dead;
}

bool grammar_matcher::can_rest(match_memory & memory, const place & at) {
    const part_of_character & part = at.part;
    if (part.lacking == 0) {
        return true;
    }
    const int behind = 6 * (part.lacking - 1);
    const uint32_t low = (part.value << 6 | (part.low & 0x3FU)) << behind;
    const uint32_t high = (part.value << 6 | (part.high & 0x3FU)) << behind | ((1U << behind) - 1);
    return memory.takes_any(at.config, low, high);
}

bool grammar_matcher::accept_text(std::string_view bytes) {
    place next = at_;
    for (const char byte : bytes) {
        if (!advance(*memory_, next, static_cast<uint8_t>(byte))) {
            return false;
        }
    }
    if (!can_rest(*memory_, next)) {
        return false;
    }
    at_ = next;
    return true;
}

bool grammar_matcher::may_end() const {
    return at_.part.lacking == 0 && memory_->complete(at_.config);
}

bool grammar_matcher::must_end() const {
    return may_end() && !memory_->goes_on(at_.config);
}

std::string grammar_matcher::next_characters() {
    if (at_.part.lacking != 0) {
        return "the rest of a character";
    }
    try {
        return describe_next_characters(
            [&](uint32_t low, uint32_t high) { return memory_->takes_any(at_.config, low, high); });
    } catch (const out_of_work &) {
        return "";
    }
}

// Where a token leads, by its text and as such; its configuration is dead if nowhere.
grammar_matcher::place grammar_matcher::after(const token_trie & tokens, int32_t token) const {
    place next = at_;
    const std::string_view text = tokens.text(token);
    bool by_text = !text.empty();
    for (size_t i = 0; by_text && i < text.size(); ++i) {
        by_text = advance(*memory_, next, static_cast<uint8_t>(text[i]));
    }
    if (!by_text || !can_rest(*memory_, next)) {
        next = {match_memory::dead, {}};
    }
    if (at_.part.lacking == 0 && memory_->names_tokens(at_.config)) {
        // a token without text may only come where it is named
        const uint32_t named = memory_->step_token(at_.config, static_cast<uint32_t>(token), text.empty());
        if (next.part.lacking == 0) {
            next.config = memory_->merge(next.config, named);
        }
    }
    return next;
}

bool grammar_matcher::allows(const token_trie & tokens, int32_t token) {
    if (token < 0 || token >= tokens.size()) {
        return false;
    }
    return tokens.ends_text(token) ? may_end() : after(tokens, token).config != match_memory::dead;
}

void grammar_matcher::accept(const token_trie & tokens, int32_t token) {
    const place next = after(tokens, token);
    if (next.config == match_memory::dead) {
        throw std::logic_error("a token that the grammar does not allow was accepted");
    }
    at_ = next;
    if (memory_->bytes() > largest_memory_bytes) {
        auto next = std::make_shared<match_memory>(memory_->shared_rules());
        at_.config = memory_->copy_into(*next, at_.config);
        next->allow(memory_->work_left());
        next->watch(memory_->watched());
        memory_ = std::move(next);
    }
}

// ---- a look at the vocabulary

grammar_matcher::look::look(const grammar_matcher & of, const token_trie & tokens)
    : memory_(of.memory_),
      tokens_(&tokens),
      from_(of.at_),
      bits_(static_cast<size_t>(tokens.size()) / 64 + 1),
      places_(tokens.depth() + 1) {
    places_[0] = from_;
}

bool grammar_matcher::look::go_on() {
    if (done_) {
        return true;
    }
    const auto & nodes = tokens_->nodes();
    const auto & tokens = tokens_->tokens();
    const uint32_t end = nodes[0].end;
    try {
        while (node_ < end) {
            const token_trie::node & node = nodes[node_];
            place next = places_[node.depth - 1];
            if (node_ % nodes_per_unit == 0) {
                memory_->spend_one();
            }
            if (!advance(*memory_, next, node.byte)) {
                node_ = node.end;
                continue;
            }
            const uint32_t last = nodes[node_ + 1].first_token;
            if (node.first_token < last && can_rest(*memory_, next)) {
                for (uint32_t i = node.first_token; i < last; ++i) {
                    set(tokens[i]);
                }
            }
            places_[node.depth] = next;
            ++node_;
        }
        add_whole_tokens();
    } catch (const out_of_work &) {
        return false;
    }
    done_ = true;
    return true;
}

// Tokens that the grammar names, and those that end the text.
void grammar_matcher::look::add_whole_tokens() {
    if (from_.part.lacking != 0) {
        return;
    }
    memory_->tokens(from_.config, [&](int32_t id, bool negated) {
        const bool known = id < tokens_->size();
        if (!negated) {
            if (known) {
                set(id);
            }
            return;
        }
        const bool had = known && may_come(id);
        for (const int32_t token : tokens_->tokens()) {
            set(token);
        }
        if (known && !had) {
            unset(id);
        }
    });
    if (memory_->complete(from_.config)) {
        for (const int32_t token : tokens_->end_tokens()) {
            set(token);
        }
    }
}

}  // namespace rast
