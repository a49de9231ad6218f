// Checked reading of JavaScript values: a wrong type or range throws ERR_INVALID_ARGUMENT that names the field.
#pragma once

#include "limits.h"

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rast::napi {

class object_reader {
  public:
    object_reader(const Napi::Value & value, std::string name);

    // Whether there is a value.
    bool has(const char * key) const { return !get(key).IsUndefined() && !get(key).IsNull(); }
    std::string text(const char * key) const;
    bool flag(const char * key) const;
    int64_t integer(const char * key, int64_t low, int64_t high) const;
    int64_t integer(const char * key, const limit & range) const;
    double number(const char * key, const limit & range) const;
    uint64_t unsigned64(const char * key) const;  // a BigInt
    std::vector<std::string> texts(const char * key) const;
    std::vector<int32_t> int32s(const char * key) const;   // an Int32Array
    std::vector<float> float32s(const char * key) const;   // a Float32Array
    std::vector<double> float64s(const char * key) const;  // a Float64Array
    std::vector<float> numbers(const char * key, const limit & range) const;
    std::vector<uint8_t> bytes(const char * key) const;  // a Uint8Array
    object_reader object(const char * key) const;
    std::vector<object_reader> objects(const char * key) const;
    // Index of the text in `choices`.
    size_t choice(const char * key, const std::vector<std::string> & choices) const;

  private:
    Napi::Value get(const char * key) const;
    std::string path(const char * key) const { return name_ + "." + key; }

    Napi::Object object_;
    std::string name_;
};

std::string text_argument(const Napi::CallbackInfo & info, size_t index, const char * name);
uint32_t id_argument(const Napi::CallbackInfo & info, size_t index, const char * name);
bool flag_argument(const Napi::CallbackInfo & info, size_t index, const char * name);
Napi::Function function_argument(const Napi::CallbackInfo & info, size_t index, const char * name);
std::vector<std::string> texts_argument(const Napi::CallbackInfo & info, size_t index, const char * name);
std::vector<int32_t> int32s_argument(const Napi::CallbackInfo & info, size_t index, const char * name);

}  // namespace rast::napi
