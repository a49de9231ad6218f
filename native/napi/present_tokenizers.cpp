#include "present_tokenizers.h"

#include "present_values.h"

namespace rast::napi {

Napi::Value present(Napi::Env env, const tokenizer_match & match) {
    constexpr const char * kinds[] = {"model",         "preTokenizer", "tokens", "merges",
                                      "specialTokens", "tokenTypes",   "scores"};
    Napi::Array differences = Napi::Array::New(env);
    for (const tokenizer_difference & difference : match.differences) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("kind", Napi::String::New(env, kinds[static_cast<size_t>(difference.of)]));
        one.Set("keepsApart", Napi::Boolean::New(env, difference.keeps_apart()));
        one.Set("what", text(env, difference.what));
        one.Set("count", number(env, static_cast<double>(difference.count)));
        Napi::Array examples = Napi::Array::New(env);
        for (const auto & example : difference.examples) {
            Napi::Object token = Napi::Object::New(env);
            token.Set("token", number(env, example.token));
            token.Set("reference", text(env, example.reference));
            token.Set("other", text(env, example.other));
            examples.Set(examples.Length(), token);
        }
        one.Set("examples", examples);
        differences.Set(differences.Length(), one);
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("differences", differences);
    out.Set("specialTokens", present(env, match.specials));
    return out;
}

Napi::Value present(Napi::Env env, const std::vector<special_token_match> & matches) {
    Napi::Array out = Napi::Array::New(env);
    for (const auto & match : matches) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("token", number(env, match.token));
        one.Set("text", text(env, match.text));
        one.Set("own", number(env, match.other));
        one.Set("ownText", text(env, match.other_text));
        one.Set("back", Napi::Boolean::New(env, match.back));
        out.Set(out.Length(), one);
    }
    return out;
}

Napi::Value present(Napi::Env env, const tokenized & made) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("tokens", present_tokens(env, made.tokens));
    out.Set("whole", made.whole);
    return out;
}

}  // namespace rast::napi
