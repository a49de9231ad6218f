#include "adapter_set.h"

#include "../error.h"
#include "../files/adapter_file.h"
#include "../llama/libraries.h"

#include <string_view>

namespace rast {

void adapter_set::load(llama_model * model, const model_config & config) {
    for (const adapter_config & one : config.adapters) {
        // once more, as the file may have changed: what does not fit ends the process
        adapter_facts facts = inspect_adapter(one.path, config.path, false);
        const llama::log_capture log;
        adapter next;
        next.handle.reset(llama_adapter_lora_init(model, one.path.c_str()));
        if (!next.handle) {
            throw rast_error("ERR_ADAPTER_LOAD", "llama.cpp could not load the adapter " + one.path + log.because(),
                             {{"path", one.path}, {"model", config.path}});
        }
        next.path = one.path;
        next.scale = one.scale;
        next.targets = std::move(facts.targets);
        bytes_ += facts.tensor_bytes;
        adapters_.push_back(std::move(next));
    }
}

void adapter_set::set_on(llama_context * ctx) const {
    std::vector<llama_adapter_lora *> handles;
    std::vector<float> scales;
    for (const adapter & one : adapters_) {
        handles.push_back(one.handle.get());
        scales.push_back(one.scale);
    }
    llama_set_adapters_lora(ctx, handles.data(), handles.size(), scales.data());
}

void adapter_set::look_at(ggml_cgraph * graph) {
    constexpr std::string_view suffix = ".lora_b";
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        for (const ggml_tensor * source : ggml_graph_node(graph, i)->src) {
            if (source == nullptr) {
                continue;
            }
            const std::string_view name = source->name;
            if (name.ends_with(suffix)) {
                used_.emplace(name.substr(0, name.size() - suffix.size()));
            }
        }
    }
}

void adapter_set::require_used() const {
    for (const adapter & one : adapters_) {
        for (const std::string & target : one.targets) {
            if (one.scale != 0 && !used_.contains(target)) {
                throw rast_error("ERR_ADAPTER_UNSUPPORTED",
                                 "The adapter " + one.path + " changes " + target +
                                     ", which llama.cpp computes without adapters in this architecture",
                                 {{"path", one.path}, {"tensor", target}});
            }
        }
    }
}

}  // namespace rast
