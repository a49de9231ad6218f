#include "exports.h"

#include "../files/model_facts.h"
#include "../files/model_probe.h"
#include "../files/quantize.h"
#include "../files/tensor_comparison.h"
#include "../files/tokenizer_comparison.h"
#include "../text/text_stream.h"
#include "arguments.h"
#include "errors.h"
#include "present_files.h"
#include "present_tokenizers.h"
#include "promise_worker.h"

namespace rast::napi {

namespace {

Napi::Value inspect(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    return promise_worker<model_facts>::run(
        info.Env(), jobs_of(info), [path] { return inspect_model(path); },
        [](Napi::Env env, const model_facts & facts) { return present(env, facts); });
}

constexpr int64_t most_bytes = int64_t{1} << 53;

Napi::Value inspect_distant(const Napi::CallbackInfo & info) {
    require_libraries();
    if (!info[0].IsArray()) {
        throw rast_error("ERR_INVALID_ARGUMENT", "Expected an array of parts");
    }
    std::vector<distant_file> parts;
    const auto given = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < given.Length(); ++i) {
        const object_reader part(given.Get(i), "parts[" + std::to_string(i) + "]");
        parts.push_back(
            {part.text("name"), part.bytes("start"), static_cast<uint64_t>(part.integer("fileBytes", 0, most_bytes))});
    }
    using found = std::optional<model_facts>;
    return promise_worker<found>::run(
        info.Env(), jobs_of(info), [parts = std::move(parts)] { return inspect_headers(parts); },
        [](Napi::Env env, const found & facts) { return facts ? present(env, *facts) : env.Null(); });
}

special_token_rule rule_argument(const Napi::CallbackInfo & info) {
    const object_reader given(info[1], "rule");
    special_token_rule rule;
    rule.how = given.flag("byRole") ? special_token_rule::kind::by_role : special_token_rule::kind::same;
    for (const auto & entry : given.objects("map")) {
        const std::string own = entry.text("own");
        rule.map.emplace_back(entry.text("base"), own.empty() ? std::nullopt : std::optional(own));
    }
    return rule;
}

Napi::Value match(const Napi::CallbackInfo & info) {
    require_libraries();
    const auto paths = texts_argument(info, 0, "paths");
    const special_token_rule rule = rule_argument(info);
    using found = std::vector<tokenizer_match>;
    return promise_worker<found>::run(
        info.Env(), jobs_of(info), [paths, rule] { return match_tokenizers(paths, rule); },
        [](Napi::Env env, const found & models) {
            Napi::Array out = Napi::Array::New(env);
            for (const auto & one : models) {
                out.Set(out.Length(), present(env, one));
            }
            return out;
        });
}

Napi::Value compare_shapes(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string first = text_argument(info, 0, "first");
    const std::string second = text_argument(info, 1, "second");
    return promise_worker<tensor_comparison>::run(
        info.Env(), jobs_of(info), [first, second] { return compare_tensors(first, second); },
        [](Napi::Env env, const tensor_comparison & comparison) { return present(env, comparison); });
}

Napi::Value compare(const Napi::CallbackInfo & info) {
    require_libraries();
    const auto paths = texts_argument(info, 0, "paths");
    const special_token_rule rule = rule_argument(info);
    using found = std::vector<std::vector<special_token_match>>;
    return promise_worker<found>::run(
        info.Env(), jobs_of(info), [paths, rule] { return compare_tokenizers(paths, rule); },
        [](Napi::Env env, const found & models) {
            Napi::Array out = Napi::Array::New(env);
            for (const auto & matches : models) {
                out.Set(out.Length(), present(env, matches));
            }
            return out;
        });
}

Napi::Value list_quantizations(const Napi::CallbackInfo & info) {
    Napi::Array out = Napi::Array::New(info.Env());
    for (const auto & one : quantizations()) {
        if (one.how == quantizer::none) {
            continue;
        }
        Napi::Object entry = Napi::Object::New(info.Env());
        entry.Set("name", std::string(one.name));
        entry.Set("needsImportanceMatrix", one.how == quantizer::weighted);
        out.Set(out.Length(), entry);
    }
    return out;
}

Napi::Value quantize(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string input = text_argument(info, 0, "input");
    const std::string output = text_argument(info, 1, "output");
    const object_reader given(info[2], "options");
    quantize_options options;
    options.type = given.text("type");
    options.threads = static_cast<int32_t>(given.integer("threads", limits::threads));
    options.importance_matrix = given.text("importanceMatrix");
    for (const auto & entry : given.objects("tensorTypes")) {
        options.tensor_types.emplace_back(entry.text("pattern"), entry.text("type"));
    }
    return promise_worker<bool>::run(
        info.Env(), jobs_of(info),
        [=] {
            quantize_model(input, output, options);
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

Napi::Value probe(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    return promise_worker<bool>::run(
        info.Env(), jobs_of(info),
        [path] {
            probe_model(path);
            return true;
        },
        [](Napi::Env env, const bool &) { return env.Undefined(); });
}

}  // namespace

void add_model_exports(const export_adder & add) {
    add("inspectModel", guarded<inspect>);
    add("inspectHeaders", guarded<inspect_distant>);
    add("compareTokenizers", guarded<compare>);
    add("matchTokenizers", guarded<match>);
    add("compareTensors", guarded<compare_shapes>);
    add("quantizations", guarded<list_quantizations>);
    add("quantizeModel", guarded<quantize>);
    add("probeModel", guarded<probe>);
}

}  // namespace rast::napi
