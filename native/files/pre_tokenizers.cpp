#include "pre_tokenizers.h"

namespace rast {

namespace {

// The first of each line is the rule's name here.
constexpr std::string_view rules[][19] = {
    {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
    {"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum", "modern-bert",
     "jina-v1-en", "jina-v2-code", "roberta-bpe", "exaone4", "mpt", "olmo", "jais", "trillion", "granite-docling"},
    {"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open"},
    {"dbrx", "smaug-bpe"},
    {"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
    {"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"},
    {"poro-chat", "bloom", "gpt3-finnish"},
    {"glm4", "chatglm-bpe"},
    {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"},
    {"tiny_aya", "cohere2moe"},
    {"bailingmoe", "bailingmoe2", "llada-moe"},
    {"gemma4", "granite-embed-multi-311m"},
};

}  // namespace

std::string_view pre_tokenizer_rule(std::string_view name) {
    for (const auto & rule : rules) {
        for (const std::string_view alias : rule) {
            if (!alias.empty() && alias == name) {
                return rule[0];
            }
        }
    }
    return name;
}

}  // namespace rast
