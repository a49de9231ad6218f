// A schema's parts: references, places, and what is not supported. A part is the JSON value that states it.
#pragma once

#include "json_value.h"
#include "keywords.h"
#include "refusal.h"

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace rast::schema {

enum class unsupported_keywords : uint8_t { refuse, ignore };

class schema_document {
  public:
    // Reads it, finds ids and anchors. Throws ERR_JSON_SCHEMA.
    schema_document(json_value root, unsupported_keywords policy, work_budget & budget);
    schema_document(const schema_document &) = delete;
    schema_document & operator=(const schema_document &) = delete;

    part root() const { return &root_; }

    work_budget & budget() { return budget_; }

    // What a $ref names. Throws when there is nothing, or nothing here.
    part resolve(part from);

    // A part that the document did not have: it lives as long as the document. Messages name the place of `origin`.
    part add(json_value made, part origin);

    bool made(part at) const { return made_at(at) != nullptr; }

    // "" for the root, "/properties/a".
    std::string pointer_of(part at) const;

    // Throws, unless unsupported keywords are to be ignored.
    void unsupported(part at, const std::string & keyword, const std::string & why) const;

    // Always throws: the keyword's own value is wrong, or contradicts.
    [[noreturn]] void invalid(part at, const std::string & keyword, const std::string & why) const;

    // Throws if the part is neither an object nor a boolean, or has a keyword that is not known. Once for each part.
    void check(part at);

    // Throws if the root's references lead in a circle without a value in between.
    void check_circles();

    // Values of keywords, checked.
    uint64_t count_of(part at, const char * keyword, uint64_t otherwise) const;
    part list_of(part at, const char * keyword) const;     // an array, or null
    part members_of(part at, const char * keyword) const;  // an object, or null
    part schema_of(part at, const char * keyword) const;   // an object or a boolean, or null
    bool flag_of(part at, const char * keyword) const;

  private:
    struct synthetic {
        json_value value;
        part origin;
    };

    void collect(part at, part resource);
    void check_value(part at, const std::string & keyword, const json_value & value) const;
    const synthetic * made_at(part at) const;

    json_value root_;
    unsupported_keywords policy_;
    work_budget & budget_;
    std::deque<synthetic> made_;
    std::unordered_map<std::string, part> ids_;
    std::map<std::pair<part, std::string>, part> anchors_;  // by resource
    std::unordered_map<part, part> resources_;              // of parts with a $ref in a resource of its own
    std::unordered_map<part, bool> checked_;
};

}  // namespace rast::schema
