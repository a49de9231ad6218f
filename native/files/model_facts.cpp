#include "model_facts.h"

#include "../error.h"
#include "gguf_file.h"
#include "header_checks.h"
#include "model_fingerprint.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rast {

namespace {

constexpr uint32_t most_layers = 512;  // llama.cpp ends the process at a header that claims more
constexpr uint32_t most_splits = 512;

// Of all experts of a layer, as llama.cpp's tools know them ("blk.3.ffn_up_exps.weight"); shared ones serve every
// token.
bool is_of_experts(const char * name) {
    return std::strstr(name, "_exps") != nullptr || std::strstr(name, "_chexps") != nullptr;
}

void add_tensors(const gguf_file & file, model_facts & facts) {
    for (int64_t i = 0; i < gguf_get_n_tensors(file.get()); ++i) {
        const char * name = gguf_get_tensor_name(file.get(), i);
        const uint64_t bytes = gguf_get_tensor_size(file.get(), i);
        const int64_t * ne = gguf_get_tensor_ne(file.get(), i);
        facts.parameter_count += static_cast<uint64_t>(ne[0]) * static_cast<uint64_t>(ne[1]) *
                                 static_cast<uint64_t>(ne[2]) * static_cast<uint64_t>(ne[3]);
        if (std::strncmp(name, "blk.", 4) == 0) {
            const unsigned long layer = std::strtoul(name + 4, nullptr, 10);
            if (layer < facts.layer_bytes.size()) {
                facts.layer_bytes[layer] += bytes;
                facts.expert_bytes[layer] += is_of_experts(name) ? bytes : 0;
                continue;
            }
        }
        if (std::strncmp(name, "token_embd", 10) == 0) {
            facts.embedding_bytes += bytes;
            if (facts.vocabulary_size == 0) {
                facts.vocabulary_size = static_cast<uint32_t>(ne[1]);
            }
        } else {
            facts.output_bytes += bytes;
        }
    }
}

// Layers whose memory is a state. Those that keep nothing may count, too: which do is every family's own.
uint32_t layers_with_states(const gguf_file & file, const std::string & prefix, uint32_t layers) {
    uint32_t attending = 0;
    for (uint32_t layer = 0; layer < layers; ++layer) {
        attending += file.number_of_layer(prefix + "attention.head_count_kv", layer).value_or(0) > 0 ? 1 : 0;
    }
    if (attending > 0 && attending < layers) {
        return layers - attending;
    }
    const uint64_t interval = file.number(prefix + "full_attention_interval").value_or(0);
    return interval == 0 ? layers : layers - static_cast<uint32_t>(layers / interval);
}

// Of one sequence, in F32, as llama.cpp lays them out (llama_hparams::n_embd_r, n_embd_s).
uint64_t state_bytes(const gguf_file & file, const std::string & prefix, const model_facts & facts) {
    constexpr uint64_t most = 1 << 16;  // whatever a header claims: products of three fit
    const auto key = [&](const char * name) { return std::min(file.number(prefix + name).value_or(0), most); };
    const uint64_t width = std::min<uint64_t>(facts.embedding_length, most);
    const uint64_t kernel = key("ssm.conv_kernel");
    uint64_t elements = 0;
    if (const uint64_t head = key("wkv.head_size")) {
        elements = 2 * width + width * head;
    } else if (const uint64_t short_kernel = key("shortconv.l_cache")) {
        elements = width * (short_kernel - 1);
    } else if (const uint64_t head_width = key("kda.head_dim")) {
        const uint64_t heads = key("attention.head_count");
        elements = heads * head_width * (3 * std::max<uint64_t>(kernel, 4) + head_width);
    } else {
        const uint64_t inner = key("ssm.inner_size");
        const uint64_t state = key("ssm.state_size");
        elements = kernel * (inner + 2 * key("ssm.group_count") * state) + inner * state;
    }
    return elements == 0 ? 0 : layers_with_states(file, prefix, facts.layers) * elements * sizeof(float);
}

// Layers differ in some families: caches are sums over them, widths the largest.
void read_widths(const gguf_file & first, const std::string & prefix, model_facts & facts) {
    const auto narrow = [](uint64_t value) { return static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX)); };
    for (uint32_t layer = 0; layer < facts.layers; ++layer) {
        const uint64_t heads = first.number_of_layer(prefix + "attention.head_count", layer).value_or(0);
        const uint64_t kv_heads = first.number_of_layer(prefix + "attention.head_count_kv", layer).value_or(heads);
        const uint64_t width = heads > 0 ? facts.embedding_length / heads : 0;
        const uint64_t key_width = first.number(prefix + "attention.key_length").value_or(width);
        facts.k_elements_per_token += kv_heads * key_width;
        facts.v_elements_per_token += kv_heads * first.number(prefix + "attention.value_length").value_or(width);
        facts.most_heads = std::max(facts.most_heads, narrow(heads));
        facts.head_width = std::max(facts.head_width, narrow(key_width));
        facts.feed_forward_length =
            std::max(facts.feed_forward_length,
                     narrow(first.number_of_layer(prefix + "feed_forward_length", layer).value_or(0)));
    }
    facts.head_count = narrow(first.number_of_layer(prefix + "attention.head_count", 0).value_or(0));
    facts.kv_head_count =
        narrow(first.number_of_layer(prefix + "attention.head_count_kv", 0).value_or(facts.head_count));
    facts.experts = narrow(first.number(prefix + "expert_count").value_or(0));
    facts.experts_used = narrow(first.number(prefix + "expert_used_count").value_or(0));
    if (const auto width = first.number(prefix + "expert_feed_forward_length"); width && facts.experts > 0) {
        facts.feed_forward_length = narrow(*width);
    }
}

// "general.base_model.0.name" and its kin, as llama.cpp's conversion writes them.
void read_origin(const gguf_file & first, model_facts & facts) {
    constexpr uint64_t most_parents = 16;
    facts.finetune = first.text("general.finetune");
    const uint64_t parents = std::min(first.number("general.base_model.count").value_or(0), most_parents);
    for (uint64_t i = 0; i < parents; ++i) {
        for (const char * what : {"name", "repo_url"}) {
            const std::string key = "general.base_model." + std::to_string(i) + "." + what;
            if (auto said = first.text(key)) {
                facts.base_models.push_back(std::move(*said));
            }
        }
    }
}

// All but its tensors. @param first part of the model, which holds the metadata
model_facts facts_of(const gguf_file & first) {
    const std::string & path = first.path();
    model_facts facts;
    const auto architecture = first.text("general.architecture");
    if (!architecture) {
        throw rast_error("ERR_MODEL_INVALID", path + " names no architecture (general.architecture)", {{"path", path}});
    }
    const std::string prefix = *architecture + ".";
    const uint64_t layers = first.number(prefix + "block_count").value_or(0);
    if (layers == 0 || layers > most_layers) {
        throw rast_error("ERR_MODEL_INVALID",
                         path + " holds no language model: it names " + std::to_string(layers) + " layers",
                         {{"path", path}});
    }
    check_header(first, *architecture, static_cast<uint32_t>(layers));
    facts.architecture = *architecture;
    facts.name = first.text("general.name");
    facts.layers = static_cast<uint32_t>(layers);
    facts.layer_bytes.resize(layers, 0);
    facts.expert_bytes.resize(layers, 0);
    facts.context_length = static_cast<uint32_t>(first.number(prefix + "context_length").value_or(0));
    facts.embedding_length = static_cast<uint32_t>(first.number(prefix + "embedding_length").value_or(0));
    read_widths(first, prefix, facts);
    facts.state_bytes = state_bytes(first, prefix, facts);
    const int64_t tokens = first.strings("tokenizer.ggml.tokens");
    facts.vocabulary_size = tokens < 0 ? 0 : static_cast<uint32_t>(gguf_get_arr_n(first.get(), tokens));
    facts.tokenizer_model = first.text("tokenizer.ggml.model");
    if (tokens < 0 || facts.tokenizer_model == "no_vocab") {
        facts.tokenizer_model = std::nullopt;
    }
    facts.chat_template = first.text("tokenizer.chat_template");
    if (const auto type = first.number("general.file_type")) {
        facts.file_type = static_cast<uint32_t>(*type);
    }
    read_origin(first, facts);
    facts.files = model_files(first);
    return facts;
}

// Tied: the embedding serves as the output layer, too.
void count_tied_output(model_facts & facts) {
    if (facts.output_bytes < facts.embedding_bytes / 2) {
        facts.output_bytes += facts.embedding_bytes;
        facts.tied_output = true;
    }
}

}  // namespace

std::vector<std::string> model_files(const gguf_file & first) {
    const uint64_t count = first.number("split.count").value_or(1);
    if (count <= 1) {
        return {first.path()};
    }
    // ".../name-00001-of-00003.gguf"
    const std::string suffix = "-00001-of-";
    const size_t at = first.path().rfind(suffix);
    if (at == std::string::npos || count > most_splits) {
        throw rast_error("ERR_MODEL_INVALID",
                         first.path() + " is one of " + std::to_string(count) +
                             " parts; give the first, whose name holds -00001-of-",
                         {{"path", first.path()}});
    }
    std::vector<std::string> files;
    for (uint64_t i = 1; i <= count; ++i) {
        char part[64];
        std::snprintf(part, sizeof part, "-%05d-of-%05d.gguf", static_cast<int>(i), static_cast<int>(count));
        files.push_back(first.path().substr(0, at) + part);
    }
    return files;
}

std::vector<model_tensor> model_tensors(const std::string & path) {
    const gguf_file first(path);
    const std::vector<std::string> files = model_files(first);
    std::vector<model_tensor> out;
    for (size_t i = 0; i < files.size(); ++i) {
        const std::optional<gguf_file> other =
            i == 0 ? std::nullopt : std::optional<gguf_file>(std::in_place, files[i]);
        const gguf_context * header = (other ? *other : first).get();
        for (int64_t t = 0; t < gguf_get_n_tensors(header); ++t) {
            const int64_t * ne = gguf_get_tensor_ne(header, t);
            size_t dimensions = 4;
            while (dimensions > 1 && ne[dimensions - 1] == 1) {
                --dimensions;
            }
            out.push_back({gguf_get_tensor_name(header, t),
                           {ne, ne + dimensions},
                           ggml_type_name(gguf_get_tensor_type(header, t))});
        }
    }
    return out;
}

model_facts inspect_model(const std::string & path) {
    const gguf_file first(path);
    model_facts facts = facts_of(first);
    facts.file_bytes = first.bytes();
    add_tensors(first, facts);
    std::vector<gguf_file> others;
    others.reserve(facts.files.size() - 1);
    std::vector<const gguf_file *> parts = {&first};
    for (size_t i = 1; i < facts.files.size(); ++i) {
        const gguf_file & part = others.emplace_back(facts.files[i]);
        parts.push_back(&part);
        facts.file_bytes += part.bytes();
        add_tensors(part, facts);
    }
    facts.fingerprint = model_fingerprint(parts);
    count_tied_output(facts);
    return facts;
}

std::optional<model_facts> inspect_headers(const std::vector<distant_file> & parts) {
    std::optional<model_facts> facts;
    for (const distant_file & part : parts) {
        const std::optional<gguf_file> file = gguf_file::of_start(part.name, part.start, part.bytes);
        if (!file) {
            return std::nullopt;
        }
        if (!facts) {
            facts = facts_of(*file);
        }
        facts->file_bytes += part.bytes;
        add_tensors(*file, *facts);
    }
    if (facts) {
        count_tied_output(*facts);
    }
    return facts;
}

}  // namespace rast
