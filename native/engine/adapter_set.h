// The adapters (LoRA) of one context. Their memory belongs to the model that they change, which other contexts may
// share: only a context that they are set on computes with them.
//
// Engine thread only. Freed before the model.
#pragma once

#include "../llama/api.h"
#include "engine_config.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace rast {

class adapter_set {
  public:
    // Reads the files, in front of any context of the model: llama.cpp counts the nodes of a graph by what is loaded.
    // Throws ERR_ADAPTER_LOAD and what inspect_adapter throws; what was loaded before stays.
    void load(llama_model * model, const model_config & config);

    bool empty() const { return adapters_.empty(); }

    // From the next decode on; llama.cpp makes its graphs anew then.
    void set_on(llama_context * ctx) const;

    // What the weights take, wherever they lie.
    uint64_t bytes() const { return bytes_; }

    // Takes a note of the adapters' tensors that a graph computes with.
    void look_at(ggml_cgraph * graph);

    // Throws ERR_ADAPTER_UNSUPPORTED where an adapter changes a tensor that none of the graphs took it for: llama.cpp
    // computes some tensors of some architectures without.
    void require_used() const;

  private:
    struct deleter {
        void operator()(llama_adapter_lora * adapter) const { llama_adapter_lora_free(adapter); }
    };

    struct adapter {
        std::unique_ptr<llama_adapter_lora, deleter> handle;
        std::string path;
        float scale = 1;
        std::vector<std::string> targets;
    };

    std::vector<adapter> adapters_;
    std::set<std::string> used_;  // tensors of the model
    uint64_t bytes_ = 0;
};

}  // namespace rast
