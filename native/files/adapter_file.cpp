#include "adapter_file.h"

#include "../error.h"
#include "gguf_file.h"
#include "model_facts.h"
#include "model_fingerprint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

namespace rast {

namespace {

using shape = std::array<int64_t, 4>;

struct tensor_facts {
    shape ne{};
    ggml_type type = GGML_TYPE_F32;
    uint64_t bytes = 0;
};

struct factors {
    std::optional<tensor_facts> a;
    std::optional<tensor_facts> b;
};

constexpr std::string_view suffix_a = ".lora_a";
constexpr std::string_view suffix_b = ".lora_b";
constexpr int64_t most_rank = 65536;

tensor_facts facts_of(const gguf_context * header, int64_t index) {
    tensor_facts out;
    const int64_t * ne = gguf_get_tensor_ne(header, index);
    std::copy(ne, ne + out.ne.size(), out.ne.begin());
    out.type = gguf_get_tensor_type(header, index);
    out.bytes = gguf_get_tensor_size(header, index);
    return out;
}

std::string text_of(const shape & ne) {
    size_t dimensions = ne.size();
    while (dimensions > 1 && ne[dimensions - 1] == 1) {
        --dimensions;
    }
    std::string out;
    for (size_t i = 0; i < dimensions; ++i) {
        out += (i == 0 ? "" : " x ") + std::to_string(ne[i]);
    }
    return out;
}

// Errors with the file's name, and the tensor's.
class complaint {
  public:
    complaint(std::string path, std::string model) : path_(std::move(path)), model_(std::move(model)) {}

    [[noreturn]] void invalid(const std::string & why, const std::string & tensor = {}) const {
        fail("ERR_ADAPTER_INVALID", why, tensor);
    }

    [[noreturn]] void mismatch(const std::string & why, const std::string & tensor = {}) const {
        fail("ERR_ADAPTER_MISMATCH", why + " (the model is " + model_ + ")", tensor);
    }

    [[noreturn]] void unsupported(const std::string & why, const std::string & tensor = {}) const {
        fail("ERR_ADAPTER_UNSUPPORTED", why, tensor);
    }

  private:
    [[noreturn]] void fail(const char * code, const std::string & why, const std::string & tensor) const {
        rast_error::detail_list details = {{"path", path_}, {"model", model_}};
        if (!tensor.empty()) {
            details.emplace_back("tensor", tensor);
        }
        throw rast_error(code, "The adapter " + path_ + " " + why, std::move(details));
    }

    std::string path_;
    std::string model_;
};

// llama.cpp asks for these without looking at their type.
void check_keys(const gguf_file & file, const std::string & architecture, const complaint & no) {
    const auto want = [&](const char * key, const std::string & expected) {
        const auto found = file.text(key);
        if (!found) {
            no.invalid("is no adapter: it has no text under the key " + std::string(key));
        }
        return *found == expected ? std::nullopt : found;
    };
    if (const auto kind = want("general.type", "adapter")) {
        no.invalid("is no adapter: general.type is \"" + *kind + "\", and not \"adapter\"");
    }
    if (const auto kind = want("adapter.type", "lora")) {
        no.unsupported("is no LoRA: adapter.type is \"" + *kind + "\"");
    }
    if (const auto other = want("general.architecture", architecture)) {
        no.mismatch("is made for the architecture \"" + *other + "\", and the model's is \"" + architecture + "\"");
    }
    if (gguf_find_key(file.get(), "adapter.alora.invocation_tokens") >= 0) {
        no.unsupported("is an activated LoRA (aLoRA), which begins to count in the middle of a text");
    }
}

float alpha_of(const gguf_file & file, const complaint & no) {
    const int64_t key = gguf_find_key(file.get(), "adapter.lora.alpha");
    if (key < 0) {
        return 0;
    }
    if (gguf_get_kv_type(file.get(), key) != GGUF_TYPE_FLOAT32) {
        no.invalid("is damaged: adapter.lora.alpha is not of the type f32");
    }
    const float alpha = gguf_get_val_f32(file.get(), key);
    if (!std::isfinite(alpha)) {
        no.invalid("is damaged: adapter.lora.alpha is " + std::to_string(alpha));
    }
    return alpha;
}

bool is_factor_type(ggml_type type) {
    return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || type == GGML_TYPE_Q8_0;
}

// The pairs by the tensor that they change. Norms are put aside.
std::map<std::string, factors> pair_up(const gguf_file & file, adapter_facts & facts, const complaint & no) {
    std::map<std::string, factors> pairs;
    for (int64_t i = 0; i < gguf_get_n_tensors(file.get()); ++i) {
        const std::string name = gguf_get_tensor_name(file.get(), i);
        const bool is_a = name.ends_with(suffix_a);
        if (!is_a && !name.ends_with(suffix_b)) {
            if (name.ends_with("_norm.weight")) {
                facts.left_out.push_back(name);
                continue;
            }
            no.invalid("has a tensor " + name + ", whose name ends neither in .lora_a nor in .lora_b", name);
        }
        const std::string target = name.substr(0, name.size() - suffix_a.size());
        // llama.cpp takes them out of all of a name
        if (target.empty() || target.find(suffix_a) != std::string::npos ||
            target.find(suffix_b) != std::string::npos) {
            no.invalid("has a tensor with the odd name " + name, name);
        }
        const tensor_facts found = facts_of(file.get(), i);
        if (!is_factor_type(found.type)) {
            no.unsupported("has a tensor " + name + " of the type " + ggml_type_name(found.type) +
                               "; expected f32, f16, bf16 or q8_0",
                           name);
        }
        (is_a ? pairs[target].a : pairs[target].b) = found;
        facts.tensor_bytes += found.bytes;
    }
    if (pairs.empty()) {
        no.invalid("has no pair of tensors that end in .lora_a and .lora_b");
    }
    return pairs;
}

std::map<std::string, tensor_facts> tensors_of(const std::vector<const gguf_file *> & parts) {
    std::map<std::string, tensor_facts> out;
    for (const gguf_file * part : parts) {
        for (int64_t i = 0; i < gguf_get_n_tensors(part->get()); ++i) {
            out.emplace(gguf_get_tensor_name(part->get(), i), facts_of(part->get(), i));
        }
    }
    return out;
}

bool is_embedding(const std::string & name) {
    return name == "token_embd.weight";
}

void check_target(const std::string & name, const tensor_facts & target, bool tied, const complaint & no) {
    if (!name.ends_with(".weight") || target.ne[1] == 1) {
        no.unsupported("changes " + name + ", which is no matrix: llama.cpp would leave it as it is", name);
    }
    if (is_embedding(name) && tied) {
        no.unsupported("changes " + name + ", which is the model's output layer, too: llama.cpp has no means for both",
                       name);
    }
    if (target.type == GGML_TYPE_NVFP4) {
        no.unsupported("changes " + name + ", which is of the type nvfp4: llama.cpp has no adapters for it", name);
    }
}

// ne as ggml counts: what a row is wide comes first.
void check_shapes(const std::string & name, const tensor_facts & target, const tensor_facts & a, const tensor_facts & b,
                  const complaint & no) {
    const auto wrong = [&](std::string_view suffix, const tensor_facts & found, const std::string & expected) {
        const std::string tensor = name + std::string(suffix);
        no.mismatch("has a tensor " + tensor + " of " + text_of(found.ne) + " where " + expected + " is expected for " +
                        text_of(target.ne),
                    tensor);
    };
    const int64_t rank = b.ne[0];
    if (rank < 1 || rank > most_rank) {
        no.invalid("has a tensor " + name + ".lora_b of rank " + std::to_string(rank), name + std::string(suffix_b));
    }
    const std::string r = std::to_string(rank);
    shape want_a = {target.ne[0], rank, target.ne[2], target.ne[3]};
    shape want_b = {rank, target.ne[1], target.ne[2], target.ne[3]};
    if (is_embedding(name)) {
        want_a = {rank, target.ne[1], 1, 1};
        want_b = {rank, target.ne[0], 1, 1};
    }
    if (b.ne != want_b) {
        wrong(suffix_b, b, text_of(want_b));
    }
    if (a.ne != want_a) {
        wrong(suffix_a, a, text_of(want_a));
    }
}

void count_bytes(const std::string & name, uint64_t bytes, adapter_facts & facts) {
    if (name.starts_with("blk.")) {
        const unsigned long layer = std::strtoul(name.c_str() + 4, nullptr, 10);
        if (layer < facts.layer_bytes.size()) {
            facts.layer_bytes[layer] += bytes;
            return;
        }
    }
    (is_embedding(name) ? facts.embedding_bytes : facts.output_bytes) += bytes;
}

}  // namespace

adapter_facts inspect_adapter(const std::string & path, const std::string & model, bool fingerprinted) {
    const gguf_file file(path);
    const gguf_file first(model);
    const complaint no(path, model);
    const std::string architecture = first.text("general.architecture").value_or("");
    check_keys(file, architecture, no);
    adapter_facts facts;
    facts.file_bytes = file.bytes();
    facts.alpha = alpha_of(file, no);
    facts.layer_bytes.resize(std::min<uint64_t>(first.number(architecture + ".block_count").value_or(0), 512), 0);

    std::vector<gguf_file> others;
    const std::vector<std::string> files = model_files(first);
    others.reserve(files.size());
    std::vector<const gguf_file *> parts = {&first};
    for (size_t i = 1; i < files.size(); ++i) {
        parts.push_back(&others.emplace_back(files[i]));
    }
    const auto targets = tensors_of(parts);
    const bool tied = !targets.contains("output.weight");

    for (const auto & [name, pair] : pair_up(file, facts, no)) {
        if (!pair.a || !pair.b) {
            const std::string there = name + std::string(pair.a ? suffix_a : suffix_b);
            const std::string missing = name + std::string(pair.a ? suffix_b : suffix_a);
            no.invalid("has a tensor " + there + " and no " + missing, missing);
        }
        const auto target = targets.find(name);
        if (target == targets.end()) {
            const bool head = name == "output.weight";
            no.mismatch("changes " + name + ", which the model does not have" +
                            (head ? ": its output layer is its embedding" : ""),
                        name);
        }
        check_target(name, target->second, tied, no);
        check_shapes(name, target->second, *pair.a, *pair.b, no);
        facts.targets.push_back(name);
        facts.rank = std::max(facts.rank, static_cast<uint32_t>(pair.b->ne[0]));
        count_bytes(name, pair.a->bytes + pair.b->bytes, facts);
    }
    if (fingerprinted) {
        facts.fingerprint = model_fingerprint({&file});
    }
    return facts;
}

}  // namespace rast
