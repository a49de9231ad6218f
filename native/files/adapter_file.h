// An adapter (LoRA) as a GGUF file, looked at before llama.cpp opens it: its reader asks for keys and tensors without
// looking at their kind, and ends the process over products that do not fit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rast {

// What an adapter does to a model.
struct adapter_facts {
    uint64_t file_bytes = 0;
    uint64_t tensor_bytes = 0;
    std::vector<std::string> targets;   // tensors of the model that it changes
    uint32_t rank = 0;                  // the largest
    float alpha = 0;                    // a pair counts alpha / its rank times; 0: once
    std::vector<uint64_t> layer_bytes;  // of each layer of the model
    uint64_t output_bytes = 0;          // of the output layer
    uint64_t embedding_bytes = 0;       // of the embedding
    std::vector<std::string> left_out;  // norms, which llama.cpp does not change
    std::string fingerprint;            // see model_fingerprint.h
};

// Throws ERR_ADAPTER_INVALID for a file that is no adapter or is damaged, ERR_ADAPTER_MISMATCH for one of another
// model, ERR_ADAPTER_UNSUPPORTED for what llama.cpp or this engine has no use for, each naming file and tensor; and
// what inspect_model throws for either file. Any thread.
// @param fingerprinted without, the weights are not read
adapter_facts inspect_adapter(const std::string & path, const std::string & model, bool fingerprinted = true);

}  // namespace rast
