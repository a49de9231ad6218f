#include "header_checks.h"

#include "../error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_set>

namespace rast {

namespace {

constexpr uint64_t most_experts = 1024;
constexpr uint64_t least_alignment = 32;  // of ggml's CPU buffers, which map the file

[[noreturn]] void refuse(const gguf_file & file, const std::string & why) {
    throw rast_error("ERR_MODEL_INVALID", file.path() + " " + why, {{"path", file.path()}});
}

std::string numbered(const std::string & key, uint64_t value) {
    return key + " is " + std::to_string(value);
}

// Encoders, models that need one, and models of diffusion: llama.cpp loads them, and ends the process at their context.
void check_purpose(const gguf_file & file, const std::string & architecture) {
    constexpr std::array<std::string_view, 20> others = {
        "bert",     "modern-bert",     "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2",     "jina-bert-v3",
        "eurobert", "gemma-embedding", "t5",         "t5encoder",      "clip",     "wavtokenizer-dec", "dream",
        "llada",    "llada-moe",       "rnd1",       "eagle3",         "dflash",   "llama-embed"};
    bool generates = std::find(others.begin(), others.end(), architecture) == others.end();
    const int64_t causal = gguf_find_key(file.get(), (architecture + ".attention.causal").c_str());
    if (causal >= 0 && gguf_get_kv_type(file.get(), causal) == GGUF_TYPE_BOOL) {
        generates = generates && gguf_get_val_bool(file.get(), causal);
    }
    if (!generates) {
        refuse(file, "is not a model that generates text: its architecture is " + architecture);
    }
}

// The largest of a number, or of an array with one entry per layer.
uint64_t largest(const gguf_file & file, const std::string & key, uint32_t layers) {
    uint64_t out = 0;
    for (uint32_t layer = 0; layer < layers; ++layer) {
        out = std::max(out, file.number_of_layer(key, layer).value_or(0));
    }
    return out;
}

void check_experts(const gguf_file & file, const std::string & prefix, uint32_t layers) {
    const uint64_t experts = file.number(prefix + "expert_count").value_or(0);
    const uint64_t used = largest(file, prefix + "expert_used_count", layers);
    const uint64_t groups = file.number(prefix + "expert_group_count").value_or(0);
    const uint64_t groups_used = file.number(prefix + "expert_group_used_count").value_or(0);
    if (experts > most_experts) {
        refuse(file, numbered("has too many experts: " + prefix + "expert_count", experts));
    }
    const bool one_is_none = prefix == "hunyuan-dense." || prefix == "hunyuan_vl.";
    if (used > experts || ((used == 0) != (experts == 0) && !(one_is_none && experts <= 1))) {
        refuse(file, "is damaged: it uses " + std::to_string(used) + " of " + std::to_string(experts) + " experts");
    }
    if (groups > 0 && (groups >= std::max<uint64_t>(1, experts) ||
                       (groups > 1 && (experts % groups != 0 || groups_used == 0 || groups_used >= groups)))) {
        refuse(file, "is damaged: it uses " + std::to_string(groups_used) + " of " + std::to_string(groups) +
                         " groups of " + std::to_string(experts) + " experts");
    }
}

void check_attention(const gguf_file & file, const std::string & prefix, uint32_t layers) {
    for (uint32_t layer = 0; layer < layers; ++layer) {
        const uint64_t heads = file.number_of_layer(prefix + "attention.head_count", layer).value_or(0);
        const uint64_t kv_heads = file.number_of_layer(prefix + "attention.head_count_kv", layer).value_or(heads);
        if (kv_heads > 0 && heads % kv_heads != 0) {
            refuse(file, "is damaged: layer " + std::to_string(layer) + " has " + std::to_string(heads) +
                             " heads, which " + std::to_string(kv_heads) + " of K and V cannot serve");
        }
    }
    const std::string scaling = file.text(prefix + "rope.scaling.type").value_or("linear");
    constexpr std::array<std::string_view, 4> scalings = {"none", "linear", "yarn", "longrope"};
    if (std::find(scalings.begin(), scalings.end(), scaling) == scalings.end()) {
        refuse(file, "is damaged: " + prefix + "rope.scaling.type is \"" + scaling + "\"");
    }
}

// No number of an architecture may be infinite or none, and none may be a negative epsilon.
void check_fractions(const gguf_file & file, const std::string & prefix) {
    for (int64_t i = 0; i < gguf_get_n_kv(file.get()); ++i) {
        const std::string key = gguf_get_key(file.get(), i);
        if (!key.starts_with(prefix) || gguf_get_kv_type(file.get(), i) != GGUF_TYPE_FLOAT32) {
            continue;
        }
        const float value = gguf_get_val_f32(file.get(), i);
        if (!std::isfinite(value) || (key.ends_with("epsilon") && value < 0)) {
            refuse(file, "is damaged: " + key + " is " + std::to_string(value));
        }
    }
}

// llama.cpp keeps tokens by their text, and an empty one under a name of its own.
void check_tokens(const gguf_file & file) {
    const int64_t tokens = file.strings("tokenizer.ggml.tokens");
    if (tokens < 0) {
        return;  // the models without a tokenizer have an error of their own
    }
    std::unordered_set<std::string> seen;
    const size_t count = gguf_get_arr_n(file.get(), tokens);
    seen.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        std::string text = gguf_get_arr_str(file.get(), tokens, i);
        if (text.empty()) {
            text = "[EMPTY_" + std::to_string(i) + "]";
        }
        if (!seen.insert(text).second) {
            refuse(file, "is damaged: token " + std::to_string(i) + " has the text of another, \"" + text + "\"");
        }
    }
}

}  // namespace

void check_header(const gguf_file & first, const std::string & architecture, uint32_t layers) {
    const std::string prefix = architecture + ".";
    check_purpose(first, architecture);
    if (const uint64_t alignment = first.number("general.alignment").value_or(least_alignment);
        alignment < least_alignment) {
        refuse(first, numbered("cannot be mapped: general.alignment", alignment));
    }
    if (const uint64_t extra = first.number(prefix + "nextn_predict_layers").value_or(0); extra >= layers) {
        refuse(
            first,
            numbered("is damaged: of " + std::to_string(layers) + " layers " + prefix + "nextn_predict_layers", extra));
    }
    check_experts(first, prefix, layers);
    check_attention(first, prefix, layers);
    check_fractions(first, prefix);
    check_tokens(first);
}

}  // namespace rast
