#include "exports.h"

#include "../files/gguf_layout.h"
#include "../files/row_conversion.h"
#include "../files/text_list_comparison.h"
#include "arguments.h"
#include "errors.h"
#include "promise_worker.h"

namespace rast::napi {

namespace {

// A copy, so that whoever gave it may do with it what they like.
std::vector<uint8_t> bytes_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
        throw rast_error("ERR_INVALID_ARGUMENT", std::string("Expected a Uint8Array for ") + name);
    }
    const auto array = info[index].As<Napi::Uint8Array>();
    return {array.Data(), array.Data() + array.ByteLength()};
}

Napi::Value present_value(Napi::Env env, const gguf_key & key) {
    if (const auto * number = std::get_if<double>(&key.value)) {
        return Napi::Number::New(env, *number);
    }
    if (const auto * flag = std::get_if<bool>(&key.value)) {
        return Napi::Boolean::New(env, *flag);
    }
    if (const auto * text = std::get_if<std::string>(&key.value)) {
        return Napi::String::New(env, *text);
    }
    return env.Null();
}

Napi::Value present_layout(Napi::Env env, const gguf_layout & layout) {
    Napi::Object out = Napi::Object::New(env);
    out.Set("fileBytes", static_cast<double>(layout.file_bytes));
    out.Set("version", layout.version);
    out.Set("alignment", static_cast<double>(layout.alignment));
    out.Set("dataOffset", static_cast<double>(layout.data_offset));
    out.Set("vocabularySize", layout.vocabulary);
    out.Set("textVocabularySize", layout.text_vocabulary);
    Napi::Array keys = Napi::Array::New(env, layout.keys.size());
    for (uint32_t i = 0; i < layout.keys.size(); ++i) {
        const gguf_key & key = layout.keys[i];
        Napi::Object entry = Napi::Object::New(env);
        entry.Set("name", key.name);
        entry.Set("offset", static_cast<double>(key.offset));
        entry.Set("bytes", static_cast<double>(key.bytes));
        entry.Set("type", key.type);
        entry.Set("count", static_cast<double>(key.count));
        entry.Set("value", present_value(env, key));
        keys.Set(i, entry);
    }
    out.Set("keys", keys);
    Napi::Array tensors = Napi::Array::New(env, layout.tensors.size());
    for (uint32_t i = 0; i < layout.tensors.size(); ++i) {
        const gguf_tensor_place & tensor = layout.tensors[i];
        Napi::Object entry = Napi::Object::New(env);
        entry.Set("name", tensor.name);
        entry.Set("type", std::string(ggml_type_name(tensor.type)));
        Napi::Array shape = Napi::Array::New(env, tensor.shape.size());
        for (uint32_t d = 0; d < tensor.shape.size(); ++d) {
            shape.Set(d, static_cast<double>(tensor.shape[d]));
        }
        entry.Set("shape", shape);
        entry.Set("offset", static_cast<double>(tensor.offset));
        entry.Set("bytes", static_cast<double>(tensor.bytes));
        tensors.Set(i, entry);
    }
    out.Set("tensors", tensors);
    return out;
}

Napi::Value layout_of(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    return promise_worker<gguf_layout>::run(
        info.Env(), jobs_of(info), [path] { return read_layout(path); }, present_layout);
}

Napi::Value list_tensor_types(const Napi::CallbackInfo & info) {
    require_libraries();
    Napi::Array out = Napi::Array::New(info.Env());
    for (int id = 0; id < GGML_TYPE_COUNT; ++id) {
        const auto type = static_cast<ggml_type>(id);
        const int64_t block = ggml_blck_size(type);
        if (block <= 0 || ggml_type_name(type) == nullptr) {
            continue;
        }
        Napi::Object entry = Napi::Object::New(info.Env());
        entry.Set("name", std::string(ggml_type_name(type)));
        entry.Set("id", id);
        entry.Set("blockSize", static_cast<double>(block));
        entry.Set("blockBytes", static_cast<double>(ggml_type_size(type)));
        entry.Set("isWritable", is_writable_type(type));
        out.Set(out.Length(), entry);
    }
    return out;
}

ggml_type known_type(const std::string & name) {
    const auto type = tensor_type_named(name);
    if (!type) {
        throw rast_error("ERR_INVALID_ARGUMENT", "There is no tensor type " + name);
    }
    return *type;
}

Napi::Value convert(const Napi::CallbackInfo & info) {
    require_libraries();
    const object_reader given(info[1], "how");
    row_conversion how;
    how.from = known_type(given.text("from"));
    how.to = known_type(given.text("to"));
    how.row = static_cast<uint64_t>(given.integer("rowLength", 1, INT32_MAX));
    how.add = given.flag("addOne") ? 1.0F : 0.0F;
    how.head_rows = static_cast<uint64_t>(given.integer("headRows", 0, INT32_MAX));
    auto source = std::make_shared<const std::vector<uint8_t>>(bytes_argument(info, 0, "source"));
    using rows = std::vector<uint8_t>;
    return promise_worker<rows>::run(
        info.Env(), jobs_of(info), [source, how] { return convert_rows(*source, how); },
        [](Napi::Env env, const rows & made) -> Napi::Value {
            return Napi::Buffer<uint8_t>::Copy(env, made.data(), made.size());
        });
}

Napi::Value compare_texts(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    const std::string key = text_argument(info, 1, "key");
    auto entries = std::make_shared<const std::vector<uint8_t>>(bytes_argument(info, 2, "entries"));
    return promise_worker<text_list_comparison>::run(
        info.Env(), jobs_of(info), [=] { return compare_text_list(path, key, *entries); },
        [](Napi::Env env, const text_list_comparison & found) -> Napi::Value {
            Napi::Object out = Napi::Object::New(env);
            out.Set("size", static_cast<double>(found.size));
            out.Set("compared", static_cast<double>(found.compared));
            out.Set("differing", static_cast<double>(found.differing));
            out.Set("beyond", static_cast<double>(found.beyond));
            out.Set("first", static_cast<double>(found.first));
            out.Set("own", found.own);
            out.Set("given", found.given);
            return out;
        });
}

}  // namespace

void add_checkpoint_exports(const export_adder & add) {
    add("layoutOf", guarded<layout_of>);
    add("tensorTypes", guarded<list_tensor_types>);
    add("convertRows", guarded<convert>);
    add("compareTexts", guarded<compare_texts>);
}

}  // namespace rast::napi
