#include "present_files.h"

#include "../files/quantize.h"
#include "present_values.h"

namespace rast::napi {

Napi::Value present(Napi::Env env, const model_facts & facts) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("architecture", text(env, facts.architecture));
    out.Set("name", optional_text(env, facts.name));
    out.Set("fileBytes", number(env, static_cast<double>(facts.file_bytes)));
    out.Set("files", texts(env, facts.files));
    out.Set("layers", number(env, facts.layers));
    out.Set("contextLength", number(env, facts.context_length));
    out.Set("embeddingLength", number(env, facts.embedding_length));
    out.Set("headCount", number(env, facts.head_count));
    out.Set("kvHeadCount", number(env, facts.kv_head_count));
    Napi::Object kv = Napi::Object::New(env);
    kv.Set("k", number(env, static_cast<double>(facts.k_elements_per_token)));
    kv.Set("v", number(env, static_cast<double>(facts.v_elements_per_token)));
    out.Set("kvElementsPerToken", kv);
    out.Set("stateBytes", number(env, static_cast<double>(facts.state_bytes)));
    out.Set("vocabularySize", number(env, facts.vocabulary_size));
    out.Set("tokenizerModel", optional_text(env, facts.tokenizer_model));
    out.Set("chatTemplate", optional_text(env, facts.chat_template));
    out.Set("layerBytes", byte_counts(env, facts.layer_bytes));
    out.Set("expertBytes", byte_counts(env, facts.expert_bytes));
    out.Set("outputBytes", number(env, static_cast<double>(facts.output_bytes)));
    out.Set("tiedOutput", Napi::Boolean::New(env, facts.tied_output));
    out.Set("embeddingBytes", number(env, static_cast<double>(facts.embedding_bytes)));
    out.Set("parameterCount", number(env, static_cast<double>(facts.parameter_count)));
    const std::string_view kind = facts.file_type ? quantization_name(*facts.file_type) : std::string_view();
    out.Set("quantization", kind.empty() ? env.Null() : static_cast<Napi::Value>(text(env, std::string(kind))));
    out.Set("fingerprint", text(env, facts.fingerprint));
    out.Set("finetune", optional_text(env, facts.finetune));
    Napi::Array parents = Napi::Array::New(env);
    for (const auto & parent : facts.base_models) {
        parents.Set(parents.Length(), text(env, parent));
    }
    out.Set("baseModels", parents);
    out.Set("feedForwardLength", number(env, facts.feed_forward_length));
    out.Set("mostHeads", number(env, facts.most_heads));
    out.Set("headWidth", number(env, facts.head_width));
    out.Set("experts", number(env, facts.experts));
    out.Set("expertsUsed", number(env, facts.experts_used));
    return out;
}

Napi::Value present(Napi::Env env, const adapter_facts & facts) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("fileBytes", number(env, static_cast<double>(facts.file_bytes)));
    out.Set("tensorBytes", number(env, static_cast<double>(facts.tensor_bytes)));
    out.Set("targets", texts(env, facts.targets));
    out.Set("rank", number(env, facts.rank));
    out.Set("alpha", number(env, facts.alpha));
    out.Set("layerBytes", byte_counts(env, facts.layer_bytes));
    out.Set("outputBytes", number(env, static_cast<double>(facts.output_bytes)));
    out.Set("embeddingBytes", number(env, static_cast<double>(facts.embedding_bytes)));
    out.Set("leftOut", texts(env, facts.left_out));
    out.Set("fingerprint", text(env, facts.fingerprint));
    return out;
}

Napi::Value present(Napi::Env env, const std::vector<model_tensor> & tensors) {
    Napi::Array out = Napi::Array::New(env, tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("name", text(env, tensors[i].name));
        Napi::Array shape = Napi::Array::New(env);
        for (const int64_t n : tensors[i].shape) {
            shape.Set(shape.Length(), number(env, static_cast<double>(n)));
        }
        one.Set("shape", shape);
        one.Set("type", text(env, tensors[i].type));
        out.Set(static_cast<uint32_t>(i), one);
    }
    return out;
}

Napi::Value present(Napi::Env env, const difference & made) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("left", typed<Napi::Float32Array>(env, made.factors.left));
    out.Set("right", typed<Napi::Float32Array>(env, made.factors.right));
    out.Set("values", present_doubles(env, made.factors.values));
    out.Set("differenceEnergy", number(env, made.factors.whole_energy));
    out.Set("keptEnergy", number(env, made.factors.kept_energy));
    out.Set("antiexpertEnergy", number(env, made.antiexpert_energy));
    return out;
}

Napi::Value present(Napi::Env env, const tensor_comparison & comparison) {
    const auto shape_of = [&](const std::array<int64_t, 4> & shape) {
        Napi::Array out = Napi::Array::New(env);
        for (const int64_t n : shape) {
            out.Set(out.Length(), number(env, static_cast<double>(n)));
        }
        return out;
    };
    Napi::Object out = Napi::Object::New(env);
    out.Set("common", number(env, static_cast<double>(comparison.common)));
    out.Set("onlyFirst", number(env, static_cast<double>(comparison.only_first)));
    out.Set("onlySecond", number(env, static_cast<double>(comparison.only_second)));
    out.Set("shapes", number(env, static_cast<double>(comparison.shapes)));
    out.Set("types", number(env, static_cast<double>(comparison.types)));
    Napi::Array examples = Napi::Array::New(env);
    for (const tensor_difference & difference : comparison.examples) {
        Napi::Object one = Napi::Object::New(env);
        one.Set("name", text(env, difference.name));
        one.Set("shape", shape_of(difference.shape));
        one.Set("otherShape", shape_of(difference.other));
        one.Set("type", text(env, difference.type));
        one.Set("otherType", text(env, difference.other_type));
        examples.Set(examples.Length(), one);
    }
    out.Set("examples", examples);
    return out;
}

}  // namespace rast::napi
