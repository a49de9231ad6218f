#include "schema.h"

#include "compiler.h"
#include "schema_document.h"

namespace rast {

namespace {

constexpr size_t most_work = 20'000'000;  // units of work_budget: a second or two
constexpr size_t most_grammar_bytes = size_t{1} << 20;

}  // namespace

std::string grammar_of_schema(const std::string & json, bool ignore_unsupported) {
    schema::work_budget budget(most_work);
    const auto policy =
        ignore_unsupported ? schema::unsupported_keywords::ignore : schema::unsupported_keywords::refuse;
    schema::json_value root = schema::parse_json(json);
    if (!root.is(schema::json_value::kind::object) && !root.is(schema::json_value::kind::boolean)) {
        schema::refuse_schema("A schema must be an object or a boolean");
    }
    schema::schema_document document(std::move(root), policy, budget);
    return schema::compiler(document).compile(most_grammar_bytes);
}

}  // namespace rast
