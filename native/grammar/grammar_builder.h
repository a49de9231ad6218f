// Makes a grammar's network of states out of its tree: one that is checked (grammar_checks.h).
#pragma once

#include "grammar.h"
#include "grammar_checks.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

namespace rast {

// Fills a grammar that is being made, and is gone afterwards. What it throws leaves no grammar.
class grammar::builder {
  public:
    builder(grammar & out, gbnf_tree && tree, const std::atomic<bool> * cancelled);

    // From the end of each rule to its beginning, so that what ends alike is shared.
    void build();

  private:
    uint32_t intern(const state & wanted);
    uint32_t * place_of(const state & wanted);
    uint32_t make_split(std::vector<uint32_t> targets);
    uint32_t add(uint32_t index, uint32_t next);
    uint32_t add_repeat(uint32_t index, uint32_t next);
    uint32_t add_loop(const gbnf_node & node, uint32_t next);
    std::vector<uint32_t> first_calls(uint32_t r);
    void rank();

    grammar & out_;
    gbnf_tree tree_;
    const std::atomic<bool> * cancelled_;
    tree_property nullable_;
    size_t steps_ = 0;
    std::vector<uint32_t> known_;  // hash table of states
    size_t interned_ = 0;
    std::map<std::vector<uint32_t>, uint32_t> splits_;
    std::map<uint32_t, uint32_t> bodies_;  // start -> rule
    std::vector<uint32_t> seen_in_;        // by state: the last rule that was looked through
};

}  // namespace rast
