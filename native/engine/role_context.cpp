#include "role_context.h"

#include "../error.h"
#include "../llama/libraries.h"
#include "../rpc/traffic.h"
#include "batch_builder.h"
#include "clock.h"

#include <algorithm>
#include <stdexcept>

namespace rast {

namespace {

std::vector<ggml_backend_dev_t> devices_of(const model_config & model) {
    std::vector<ggml_backend_dev_t> devices;
    for (const auto & name : model.devices) {
        ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
        if (device == nullptr) {
            std::string known;
            for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
                known += (known.empty() ? "" : ", ") + std::string(ggml_backend_dev_name(ggml_backend_dev_get(i)));
            }
            throw rast_error("ERR_DEVICE_NOT_FOUND", "No device named " + name + "; there are: " + known,
                             {{"device", name}, {"known", known}});
        }
        if (ggml_backend_dev_type(device) != GGML_BACKEND_DEVICE_TYPE_CPU) {
            devices.push_back(device);
        }
    }
    devices.push_back(nullptr);
    return devices;
}

// A regular expression for the numbers below one above 0, e.g. "(?:|1)[0-9]|2[0-3]" for 24.
std::string below(int32_t end) {
    const int32_t tens = end / 10;
    std::string whole;
    for (int32_t ten = 1; ten < tens; ++ten) {
        whole += "|" + std::to_string(ten);
    }
    std::string out = tens == 0 ? "" : "(?:" + whole + ")[0-9]";
    if (end % 10 > 0) {
        out += (out.empty() ? "" : "|") + (tens == 0 ? std::string() : std::to_string(tens)) + "[0-" +
               std::to_string(end % 10 - 1) + "]";
    }
    return out;
}

// Which tensors are the experts of those layers, as llama.cpp's --n-cpu-moe has it (common.h, LLM_FFN_EXPS_REGEX); in
// one expression, as llama.cpp compiles each of them for every tensor.
std::string experts_below(int32_t layers) {
    return "blk\\.(?:" + below(layers) + ")\\.ffn_(?:up|down|gate|gate_up)_(?:ch|)exps";
}

void add_buffers(const llama::log_capture & log, std::vector<logged_buffer> & out) {
    for (const auto & [place, kind, mib] : log.buffers()) {
        out.push_back({place, kind, static_cast<uint64_t>(mib * 1048576)});
    }
}

}  // namespace

llama_context_params context_params(const engine_config & engine, int32_t threads, const std::atomic<bool> & stopping) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = cache_cells(engine);  // at least a batch, or llama.cpp makes the batch smaller
    params.n_batch = engine.batch_size;
    params.n_ubatch = engine.batch_size;  // one ubatch per decode: rows of the sampler are rows of the batch
    params.n_seq_max = engine.slots;
    params.n_outputs_max = engine.slots;
    params.n_threads = threads;
    params.n_threads_batch = threads;
    params.flash_attn_type = engine.flash_attention;
    params.type_k = engine.kv_type_k;
    params.type_v = engine.kv_type_v;
    params.abort_callback = [](void * flag) { return static_cast<const std::atomic<bool> *>(flag)->load(); };
    params.abort_callback_data = const_cast<std::atomic<bool> *>(&stopping);
    params.no_perf = true;
    params.swa_full = true;
    params.attention_type = LLAMA_ATTENTION_TYPE_CAUSAL;  // prompts are decoded in chunks
    params.kv_unified = true;
    return params;
}

role_context::role_context(role which, const model_config & model, const engine_config & engine,
                           const std::function<bool(float)> & keep_going)
    : role_(which), path_(model.path) {
    const auto start = engine_clock::now();
    const llama::log_capture log;
    std::vector<ggml_backend_dev_t> devices = devices_of(model);

    bool aborted = false;
    std::function<bool(float)> progress = [&](float fraction) {
        aborted = aborted || !keep_going(fraction);
        return !aborted;
    };
    llama_model_params params = llama_model_default_params();
    params.devices = devices.data();
    params.n_gpu_layers = devices.size() > 1 ? model.gpu_layers : 0;
    params.load_mode = engine.mmap ? (engine.mlock ? LLAMA_LOAD_MODE_MMAP_MLOCK : LLAMA_LOAD_MODE_MMAP)
                                   : (engine.mlock ? LLAMA_LOAD_MODE_MLOCK : LLAMA_LOAD_MODE_NONE);
    std::vector<float> split = model.split;
    if (split.size() > 1) {
        split.resize(std::max(split.size(), llama_max_devices()));  // so many are read
        params.tensor_split = split.data();
    }
    const std::string experts = experts_below(std::max(1, model.cpu_moe_layers));
    std::vector<llama_model_tensor_buft_override> overrides;
    if (model.cpu_moe_layers > 0) {
        overrides.push_back({experts.c_str(), ggml_backend_cpu_buffer_type()});
    }
    if (model.output_in_main_memory) {
        // a tied one goes by the embedding's name
        overrides.push_back({"^(?:output|token_embd)", ggml_backend_cpu_buffer_type()});
    }
    overrides.push_back({nullptr, nullptr});
    if (overrides.size() > 1 && params.n_gpu_layers != 0) {
        params.tensor_buft_overrides = overrides.data();
    }
    const int64_t refused = rpc::total_traffic().refused_bytes;
    params.progress_callback = [](float fraction, void * data) {
        return (*static_cast<std::function<bool(float)> *>(data))(fraction);
    };
    params.progress_callback_user_data = &progress;

    const std::string label = std::string(role_name(which)) + " model " + path_;
    try {
        model_.reset(llama_model_load_from_file(path_.c_str(), params), llama_model_deleter());
    } catch (const std::exception & error) {
        throw rast_error("ERR_MODEL_LOAD", "Could not load the " + label + ": " + error.what(),
                         {{"role", role_name(which)}, {"path", path_}});
    }
    if (aborted) {
        throw rast_error("ERR_LOAD_ABORTED", "Loading was aborted", {{"role", role_name(which)}});
    }
    if (!model_ && rpc::total_traffic().refused_bytes > refused) {
        throw rast_error("ERR_INSUFFICIENT_MEMORY", "A worker has too little memory for the " + label + log.because(),
                         {{"role", role_name(which)}, {"path", path_}});
    }
    if (!model_) {
        throw rast_error("ERR_MODEL_LOAD", "Could not load the " + label + log.because(),
                         {{"role", role_name(which)}, {"path", path_}});
    }
    if (llama_vocab_type(vocab()) == LLAMA_VOCAB_TYPE_NONE || n_vocab() <= 0) {
        throw rast_error("ERR_NO_TOKENIZER", "The " + label + " has no tokenizer",
                         {{"role", role_name(which)}, {"path", path_}});
    }
    if (llama_model_has_encoder(model_.get())) {
        throw rast_error("ERR_MODEL_LOAD", "The " + label + " is an encoder-decoder; only decoders can be used",
                         {{"role", role_name(which)}, {"path", path_}});
    }
    char description[256] = {};
    llama_model_desc(model_.get(), description, sizeof description);
    info_.layers = llama_model_n_layer(model_.get());
    info_.gpu_layers = std::min(params.n_gpu_layers < 0 ? info_.layers + 1 : params.n_gpu_layers, info_.layers + 1);
    info_.threads = model.threads;
    info_.n_vocab = n_vocab();
    info_.model_bytes = llama_model_size(model_.get());
    const uint64_t held = log.buffer_bytes("model");
    constexpr uint64_t rounding = 1 << 16;  // of the log's figures
    info_.memory.repacked = held > info_.model_bytes + rounding ? held - info_.model_bytes : 0;
    add_buffers(log, info_.buffers);
    info_.description = description;
    info_.load_ms = ms_since(start);
}

role_context::role_context(role which, const model_config & model, const role_context & loaded)
    : role_(which), path_(model.path), info_(loaded.info_), model_(loaded.model_) {
    info_.threads = model.threads;
    info_.shares_weights = true;
    info_.memory.repacked = 0;  // counted once
    info_.buffers.clear();
    info_.load_ms = 0;
}

void role_context::create(sampler_plan plan, const engine_config & engine, const cpu_threads & threads,
                          const std::atomic<bool> & stopping, draft_memory drafts) {
    const auto start = engine_clock::now();
    const llama::log_capture log;
    sampler_ = std::make_unique<ensemble_sampler>(std::move(plan));
    std::vector<llama_sampler_seq_config> chains;
    for (uint32_t seq = 0; seq < 2 * engine.slots; ++seq) {
        chains.push_back({static_cast<llama_seq_id>(seq), sampler_->make_chain()});
    }

    llama_context_params params = context_params(engine, info_.threads, stopping);
    params.n_outputs_max = engine.rows;
    params.n_outputs_max_per_seq = static_cast<uint32_t>(engine.max_draft) + 1;
    const memory_kind kind = memory_kind_of(model_.get());
    if (sequence_memory::has_states(kind)) {
        params.n_seq_max += drafts.checkpoint ? 1 : 0;
        params.n_rs_seq = drafts.snapshots;
    }
    params.samplers = chains.data();
    params.n_samplers = chains.size();

    const std::string label = "the context of the " + std::string(role_name(role_)) + " model " + path_;
    ctx_.reset(llama_init_from_model(model_.get(), params));
    if (!ctx_ || !sampler_->failure().empty()) {
        const std::string why = sampler_->failure().empty() ? log.because() : ": no memory for " + sampler_->failure();
        throw rast_error("ERR_CONTEXT_CREATE", "Could not create " + label + why,
                         {{"role", role_name(role_)}, {"path", path_}});
    }
    threads.attach(ctx_.get());
    threads_ = info_.threads;
    info_.output_device = sampler_->device_name();
    info_.graph_splits = log.graph_splits();
    info_.memory.cache = log.buffer_bytes("KV") + log.buffer_bytes("RS");
    info_.memory.compute = log.buffer_bytes("compute");
    info_.memory.output = log.buffer_bytes("output");
    add_buffers(log, info_.buffers);
    info_.memory.sampler = sampler_->device_bytes() + sampler_->host_bytes();
    memory_.emplace(ctx_.get(), kind, engine.slots, drafts);
    refuse_unfit(engine);
    use_adapters(stopping);
    info_.can_truncate = memory_->can_cut_back();
    info_.load_ms += ms_since(start);
}

void role_context::load_adapters(const model_config & model) {
    const auto start = engine_clock::now();
    adapters_.load(model_.get(), model);
    info_.adapter_bytes = adapters_.bytes();
    info_.load_ms += ms_since(start);
}

// Sets them on the context and decodes a token, for which llama.cpp makes its graphs anew: want of memory shows here.
void role_context::use_adapters(const std::atomic<bool> & stopping) {
    if (adapters_.empty()) {
        return;
    }
    const rast_error::detail_list details = {{"role", role_name(role_)}, {"path", path_}};
    const std::string label = "Could not use the adapters of the " + std::string(role_name(role_)) + " model " + path_;
    const llama::log_capture log;
    adapters_.set_on(ctx_.get());
    sampler_->watch_graphs([this](ggml_cgraph * graph) { adapters_.look_at(graph); });
    batch_builder batch(1, 1);
    batch.add(std::max(0, llama_vocab_bos(vocab())), 0, 0, false);
    int status = 0;
    try {
        status = llama_decode(ctx_.get(), batch.view());
        llama_synchronize(ctx_.get());
    } catch (const std::exception & error) {
        throw rast_error("ERR_CONTEXT_CREATE", label + ": " + error.what(), details);
    }
    sampler_->watch_graphs({});
    llama_memory_clear(llama_get_memory(ctx_.get()), true);
    if (stopping) {
        return;
    }
    if (status != 0) {
        throw rast_error("ERR_CONTEXT_CREATE", label + log.because(), details);
    }
    adapters_.require_used();
    info_.graph_splits = log.graph_splits();
    info_.memory.compute = log.buffer_bytes("compute");
}

// What no check in llama.cpp refuses, and would give wrong text.
void role_context::refuse_unfit(const engine_config & engine) const {
    const std::string label = "The " + std::string(role_name(role_)) + " model " + path_;
    const rast_error::detail_list details = {{"role", role_name(role_)}, {"path", path_}};
    if (memory_->kind() == memory_kind::none) {
        throw rast_error("ERR_MODEL_LOAD", label + " is no decoder: it does not generate token by token", details);
    }
    if (memory_->kind() == memory_kind::blockwise && engine.slots > 1) {
        throw rast_error("ERR_CONTEXT_CREATE",
                         label +
                             " attends to blocks of tokens, which llama.cpp does for one sequence at a time; load it "
                             "with room for one generation instead of " +
                             std::to_string(engine.slots),
                         details);
    }
}

void role_context::set_threads(int32_t threads) {
    threads_ = std::min(threads, info_.threads);
    llama_set_n_threads(ctx_.get(), threads_, threads_);
}

// llama.cpp reuses a graph, or builds one and with it the sampler's nodes: once per part of a batch.
int32_t role_context::graphs_computed() const {
    return llama_perf_context(ctx_.get()).n_reused + sampler_->graphs_built();
}

int role_context::decode(const llama_batch & batch) {
    const int32_t before = graphs_computed();
    const int status = llama_decode(ctx_.get(), batch);
    llama_synchronize(ctx_.get());
    const int32_t parts = graphs_computed() - before;
    if (status == 0 && parts != 1 &&
        std::any_of(batch.logits, batch.logits + batch.n_tokens, [](int8_t wanted) { return wanted != 0; })) {
        throw rast_error("ERR_INTERNAL", "llama.cpp decoded a batch of the " + std::string(role_name(role_)) +
                                             " model in " + std::to_string(parts) + " parts instead of one");
    }
    return status;
}

}  // namespace rast
