#include "exports.h"

#include "../files/adapter_file.h"
#include "../files/model_facts.h"
#include "../files/weight_difference.h"
#include "../threads/work_turns.h"
#include "arguments.h"
#include "errors.h"
#include "present_files.h"
#include "promise_worker.h"

#include <utility>

namespace rast::napi {

namespace {

Napi::Value inspect_lora(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    const std::string model = text_argument(info, 1, "model");
    return promise_worker<adapter_facts>::run(
        info.Env(), jobs_of(info), [path, model] { return inspect_adapter(path, model); },
        [](Napi::Env env, const adapter_facts & facts) { return present(env, facts); });
}

Napi::Value list_tensors(const Napi::CallbackInfo & info) {
    require_libraries();
    const std::string path = text_argument(info, 0, "path");
    return promise_worker<std::vector<model_tensor>>::run(
        info.Env(), jobs_of(info), [path] { return model_tensors(path); },
        [](Napi::Env env, const std::vector<model_tensor> & tensors) { return present(env, tensors); });
}

Napi::Value take(const Napi::CallbackInfo & info) {
    require_libraries();
    const object_reader in(info[0], "what");
    difference_request wanted;
    wanted.expert = in.text("expert");
    wanted.antiexpert = in.text("antiexpert");
    wanted.tensor = in.text("tensor");
    wanted.slice = in.integer("slice", 0, INT32_MAX);
    wanted.rank = in.integer("rank", limits::lora_rank);
    const uint32_t id = id_argument(info, 1, "id");
    addon_state & state = state_of(info.Env());
    const auto stopped = std::make_shared<std::atomic<bool>>(false);
    if (!state.differences.emplace(id, stopped).second) {
        throw rast_error("ERR_INVALID_ARGUMENT", "There is a difference at work under the id " + std::to_string(id));
    }
    const auto forget = [&state, id] { state.differences.erase(id); };
    try {
        return promise_worker<difference>::run(
            info.Env(), jobs_of(info), [wanted] { return take_difference(wanted); },
            [](Napi::Env env, const difference & made) { return present(env, made); }, forget, stopped);
    } catch (...) {
        forget();
        throw;
    }
}

Napi::Value stop_taking(const Napi::CallbackInfo & info) {
    const auto & differences = state_of(info.Env()).differences;
    if (const auto at = differences.find(id_argument(info, 0, "id")); at != differences.end()) {
        *at->second = true;
        wake_work_turns();
    }
    return info.Env().Undefined();
}

}  // namespace

void add_lora_exports(const export_adder & add) {
    add("inspectAdapter", guarded<inspect_lora>);
    add("modelTensors", guarded<list_tensors>);
    add("takeDifference", guarded<take>);
    add("stopDifference", guarded<stop_taking>);
}

}  // namespace rast::napi
