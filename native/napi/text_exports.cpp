#include "exports.h"

#include "../error.h"
#include "../text/text_stream.h"
#include "arguments.h"
#include "errors.h"
#include "present_tokenizers.h"
#include "present_values.h"
#include "promise_worker.h"

namespace rast::napi {

namespace {

// The UTF-8 of a string, or of a Uint8Array, which is not copied and nobody may change. JavaScript thread, but for
// view().
class text_to_read {
  public:
    explicit text_to_read(const Napi::CallbackInfo & info, size_t index, const char * name) {
        if (info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
            const auto bytes = info[index].As<Napi::Uint8Array>();
            array_ = Napi::Persistent(bytes);
            view_ = {reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength()};
        } else {
            copy_ = text_argument(info, index, name);
            view_ = copy_;
        }
    }

    std::string_view view() const { return view_; }

  private:
    std::string copy_;
    Napi::Reference<Napi::Uint8Array> array_;
    std::string_view view_;
};

// i32[n, 2], bytes of a text: from, and behind the last.
std::vector<text_range> ranges_in(std::string_view text, const std::vector<int32_t> & flat) {
    std::vector<text_range> ranges;
    size_t end = 0;
    for (size_t i = 0; i + 1 < flat.size(); i += 2) {
        const auto from = static_cast<size_t>(flat[i]);
        const auto to = static_cast<size_t>(flat[i + 1]);
        if (flat[i] < 0 || flat[i + 1] < flat[i] || from < end || to > text.size()) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Expected stretches of the text, in order, for what.contents");
        }
        ranges.push_back({from, to});
        end = to;
    }
    return ranges;
}

Napi::Value tokenize(const Napi::CallbackInfo & info) {
    const auto binding = engine_argument(info);
    const auto with = binding->tokenizer();
    const auto text = std::make_shared<const text_to_read>(info, 1, "text");
    const object_reader in(info[2], "what");
    tokenizing what;
    what.parse_special = in.flag("parseSpecial");
    what.enough = static_cast<size_t>(in.integer("enough", 0, UINT32_MAX));
    what.goes_on = in.flag("goesOn");
    what.contents = ranges_in(text->view(), in.int32s("contents"));
    const uint32_t id = id_argument(info, 3, "id");
    const auto stopped = binding->begin_tokenizing(id);
    try {
        return promise_worker<tokenized>::run(
            info.Env(), jobs_of(info),
            [=] { return with->tokens(text->view(), what, [=] { return stopped->load(); }); },
            [](Napi::Env env, const tokenized & made) { return present(env, made); },
            [=] { binding->end_tokenizing(id); }, stopped);
    } catch (...) {
        binding->end_tokenizing(id);
        throw;
    }
}

Napi::Value stop_tokenizing(const Napi::CallbackInfo & info) {
    engine_argument(info)->stop_tokenizing(id_argument(info, 1, "id"));
    return info.Env().Undefined();
}

Napi::Value detokenize(const Napi::CallbackInfo & info) {
    const auto with = engine_argument(info)->tokenizer();
    const auto tokens = int32s_argument(info, 1, "tokens");
    const bool special = flag_argument(info, 2, "showSpecial");
    const bool continuation = flag_argument(info, 3, "continuation");
    with->check(tokens);
    return promise_worker<std::string>::run(
        info.Env(), jobs_of(info), [=] { return valid_utf8(with->bytes(tokens, special, continuation)); },
        [](Napi::Env env, const std::string & text) { return Napi::String::New(env, text); });
}

Napi::Value token_bytes(const Napi::CallbackInfo & info) {
    const auto with = engine_argument(info)->tokenizer();
    const auto tokens = int32s_argument(info, 1, "tokens");
    with->check(tokens);
    return promise_worker<std::vector<std::string>>::run(
        info.Env(), jobs_of(info),
        [=] {
            std::vector<std::string> all;
            all.reserve(tokens.size());
            for (const int32_t token : tokens) {
                all.push_back(with->bytes({token}, true, true));
            }
            return all;
        },
        [](Napi::Env env, const std::vector<std::string> & all) { return present_bytes(env, all); });
}

}  // namespace

void add_text_exports(const export_adder & add) {
    add("tokenize", guarded<tokenize>);
    add("stopTokenizing", guarded<stop_tokenizing>);
    add("detokenize", guarded<detokenize>);
    add("tokenBytes", guarded<token_bytes>);
}

}  // namespace rast::napi
