#include "arguments.h"

#include "../error.h"

#include <cmath>

namespace rast::napi {

namespace {

[[noreturn]] void refuse(const std::string & expected, const std::string & where) {
    throw rast_error("ERR_INVALID_ARGUMENT", "Expected " + expected + " for " + where, {{"argument", where}});
}

std::string to_text(const Napi::Value & value, const std::string & where) {
    if (!value.IsString()) {
        refuse("a string", where);
    }
    return value.As<Napi::String>().Utf8Value();
}

std::vector<std::string> to_texts(const Napi::Value & value, const std::string & where) {
    if (!value.IsArray()) {
        refuse("an array of strings", where);
    }
    const auto array = value.As<Napi::Array>();
    std::vector<std::string> out;
    for (uint32_t i = 0; i < array.Length(); ++i) {
        out.push_back(to_text(array.Get(i), where));
    }
    return out;
}

template <class Array, class T>
std::vector<T> to_typed(const Napi::Value & value, napi_typedarray_type type, const char * kind,
                        const std::string & where) {
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
        refuse(kind, where);
    }
    const auto array = value.As<Array>();
    return std::vector<T>(array.Data(), array.Data() + array.ElementLength());
}

double to_number(const Napi::Value & value, const limit & range, const std::string & where) {
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    if (!(number >= range.min && number <= range.max) || (range.above_min && number == range.min)) {
        refuse(std::string("a number ") + (range.above_min ? "above " : "from ") + std::to_string(range.min) + " to " +
                   std::to_string(range.max),
               where);
    }
    return number;
}

int64_t to_integer(const Napi::Value & value, int64_t low, int64_t high, const std::string & where) {
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) || number != std::floor(number)) {
        refuse("an integer from " + std::to_string(low) + " to " + std::to_string(high), where);
    }
    return static_cast<int64_t>(number);
}

}  // namespace

object_reader::object_reader(const Napi::Value & value, std::string name) : name_(std::move(name)) {
    if (!value.IsObject() || value.IsFunction() || value.IsArray()) {
        refuse("an object", name_);
    }
    object_ = value.As<Napi::Object>();
}

Napi::Value object_reader::get(const char * key) const {
    return object_.Get(key);
}

std::string object_reader::text(const char * key) const {
    return to_text(get(key), path(key));
}

bool object_reader::flag(const char * key) const {
    const Napi::Value value = get(key);
    if (!value.IsBoolean()) {
        refuse("a boolean", path(key));
    }
    return value.As<Napi::Boolean>().Value();
}

int64_t object_reader::integer(const char * key, int64_t low, int64_t high) const {
    return to_integer(get(key), low, high, path(key));
}

int64_t object_reader::integer(const char * key, const limit & range) const {
    return integer(key, static_cast<int64_t>(range.min), static_cast<int64_t>(range.max));
}

double object_reader::number(const char * key, const limit & range) const {
    return to_number(get(key), range, path(key));
}

uint64_t object_reader::unsigned64(const char * key) const {
    const Napi::Value value = get(key);
    bool lossless = false;
    const uint64_t number = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
    if (!lossless) {
        refuse("a BigInt of 64 bits, not negative,", path(key));
    }
    return number;
}

std::vector<std::string> object_reader::texts(const char * key) const {
    return to_texts(get(key), path(key));
}

std::vector<int32_t> object_reader::int32s(const char * key) const {
    return to_typed<Napi::Int32Array, int32_t>(get(key), napi_int32_array, "an Int32Array", path(key));
}

std::vector<float> object_reader::float32s(const char * key) const {
    return to_typed<Napi::Float32Array, float>(get(key), napi_float32_array, "a Float32Array", path(key));
}

std::vector<double> object_reader::float64s(const char * key) const {
    return to_typed<Napi::Float64Array, double>(get(key), napi_float64_array, "a Float64Array", path(key));
}

std::vector<uint8_t> object_reader::bytes(const char * key) const {
    return to_typed<Napi::Uint8Array, uint8_t>(get(key), napi_uint8_array, "a Uint8Array", path(key));
}

std::vector<float> object_reader::numbers(const char * key, const limit & range) const {
    const Napi::Value value = get(key);
    if (!value.IsArray()) {
        refuse("an array of numbers", path(key));
    }
    const auto array = value.As<Napi::Array>();
    std::vector<float> out;
    for (uint32_t i = 0; i < array.Length(); ++i) {
        out.push_back(static_cast<float>(to_number(array.Get(i), range, path(key))));
    }
    return out;
}

object_reader object_reader::object(const char * key) const {
    return object_reader(get(key), path(key));
}

std::vector<object_reader> object_reader::objects(const char * key) const {
    const Napi::Value value = get(key);
    if (!value.IsArray()) {
        refuse("an array of objects", path(key));
    }
    const auto array = value.As<Napi::Array>();
    std::vector<object_reader> out;
    for (uint32_t i = 0; i < array.Length(); ++i) {
        out.emplace_back(array.Get(i), path(key) + "[" + std::to_string(i) + "]");
    }
    return out;
}

size_t object_reader::choice(const char * key, const std::vector<std::string> & choices) const {
    const std::string value = text(key);
    std::string all;
    for (size_t i = 0; i < choices.size(); ++i) {
        if (choices[i] == value) {
            return i;
        }
        all += (i == 0 ? "" : ", ") + choices[i];
    }
    refuse("one of " + all, path(key));
}

std::string text_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    return to_text(info[index], name);
}

uint32_t id_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    return static_cast<uint32_t>(to_integer(info[index], 0, UINT32_MAX, name));
}

bool flag_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    if (!info[index].IsBoolean()) {
        refuse("a boolean", name);
    }
    return info[index].As<Napi::Boolean>().Value();
}

Napi::Function function_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    if (!info[index].IsFunction()) {
        refuse("a function", name);
    }
    return info[index].As<Napi::Function>();
}

std::vector<std::string> texts_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    return to_texts(info[index], name);
}

std::vector<int32_t> int32s_argument(const Napi::CallbackInfo & info, size_t index, const char * name) {
    return to_typed<Napi::Int32Array, int32_t>(info[index], napi_int32_array, "an Int32Array", name);
}

}  // namespace rast::napi
