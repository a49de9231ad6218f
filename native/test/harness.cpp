#include "harness.h"

#include "../llama/libraries.h"

#include <algorithm>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace rast::test {

arguments::arguments(int argc, char ** argv, int from) {
    for (int i = from; i + 1 < argc; i += 2) {
        values_[std::string(argv[i]).substr(2)] = argv[i + 1];
    }
}

std::string arguments::text(const std::string & name, const std::string & fallback) const {
    const auto at = values_.find(name);
    return at == values_.end() ? fallback : at->second;
}

long arguments::number(const std::string & name, long fallback) const {
    const auto at = values_.find(name);
    return at == values_.end() ? fallback : std::strtol(at->second.c_str(), nullptr, 10);
}

double arguments::real(const std::string & name, double fallback) const {
    const auto at = values_.find(name);
    return at == values_.end() ? fallback : std::strtod(at->second.c_str(), nullptr);
}

std::vector<std::string> arguments::list(const std::string & name) const {
    std::vector<std::string> out;
    std::stringstream all(text(name));
    for (std::string item; std::getline(all, item, ',');) {
        out.push_back(item);
    }
    return out;
}

void fail(const std::string & what) {
    std::printf("FAILED: %s\n", what.c_str());
    std::fflush(stdout);
    std::_Exit(1);
}

void check(bool right, const std::string & what) {
    if (!right) {
        fail(what);
    }
}

void open_from(const arguments & args) {
    llama::library_paths paths;
    paths.cpu_folder = args.text("libraries");
    for (const auto & entry : std::filesystem::directory_iterator(paths.cpu_folder)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind("libggml-base.", 0) == 0) {
            paths.ggml_base = entry.path().string();
        } else if (name.rfind("libggml.", 0) == 0) {
            paths.ggml = entry.path().string();
        } else if (name.rfind("libllama.", 0) == 0) {
            paths.llama = entry.path().string();
        }
    }
    for (const std::string & path : args.list("backend")) {
        const bool is_cuda = path.find("ggml-cuda") != std::string::npos;
        paths.backends.push_back({path, is_cuda ? "cuda" : "vulkan", {}});
    }
    llama::open_libraries(paths);
}

driven_engine::driven_engine(const engine_config & config) {
    engine_callbacks callbacks;
    const auto settle = [this](const std::string & error) {
        const std::lock_guard lock(mutex_);
        load_error_ = error;
        settled_ = true;
        changed_.notify_all();
    };
    callbacks.on_progress = [](const model_place &, float) {};
    callbacks.on_loaded = [this, settle](const engine_info & info) {
        info_ = info;
        settle("");
    };
    callbacks.on_load_failed = [settle](const rast_error & error) { settle(error.code() + ": " + error.what()); };
    callbacks.on_stopped = [] {};
    callbacks.on_steps = [this](std::vector<step_event> events) {
        const std::lock_guard lock(mutex_);
        for (auto & event : events) {
            outcome & out = outcomes_[event.request];
            out.tokens.insert(out.tokens.end(), event.tokens.begin(), event.tokens.end());
            out.draws.insert(out.draws.end(), event.draws.begin(), event.draws.end());
            out.figures.insert(out.figures.end(), event.figures.begin(), event.figures.end());
            out.text += event.text;
            if (event.error) {
                out.error = event.error->code + ": " + event.error->message;
            }
            if (event.result) {
                out.result = *event.result;
            }
            if (event.error || event.result) {
                done_[event.request] = true;
            }
        }
        changed_.notify_all();
    };
    engine_ = std::make_unique<engine>(config, std::move(callbacks));
    engine_->start();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return settled_; });
    if (!load_error_.empty()) {
        fail("load: " + load_error_);
    }
}

driven_engine::~driven_engine() {
    engine_.reset();
}

std::vector<outcome> driven_engine::run(const std::vector<request> & requests) {
    std::vector<uint32_t> ids;
    for (const auto & one : requests) {
        ids.push_back(next_id_++);
        engine_->submit(ids.back(), request(one));
    }
    std::vector<outcome> out;
    for (const uint32_t id : ids) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return done_[id]; });
        out.push_back(outcomes_[id]);
    }
    return out;
}

engine_config config_from(const arguments & args) {
    engine_config config;
    const std::string device = args.text("device", "CPU");
    const auto model = [&](const std::string & path, const char * layers) {
        model_config m;
        m.path = path;
        if (device != "CPU") {
            m.devices = {device};
        }
        m.gpu_layers = static_cast<int32_t>(args.number(layers, args.number("gpu-layers", 999)));
        // more spin at ggml's barriers for each other, ten times as long where other programs use the cores
        m.threads = static_cast<int32_t>(args.number("threads", 1));
        m.snapshots = static_cast<uint32_t>(args.number("max-draft", 0));
        return m;
    };
    config.base = model(args.text("base"), "base-gpu-layers");
    const auto experts = args.list("experts");
    const auto antiexperts = args.list("antiexperts");
    for (size_t i = 0; i < experts.size(); ++i) {
        config.pairs.push_back(
            {model(experts[i], "expert-gpu-layers"), model(antiexperts.at(i), "antiexpert-gpu-layers")});
    }
    config.context_size = static_cast<uint32_t>(args.number("context", 256));
    config.slots = static_cast<uint32_t>(args.number("slots", 1));
    config.batch_size = static_cast<uint32_t>(args.number("batch", 64));
    config.max_draft = static_cast<int32_t>(args.number("max-draft", 0));
    // a prompt that is decoded in other batches rounds differently: off unless asked for
    config.reuse_prefixes = args.number("reuse", 0) != 0;
    config.prefill_chunk = static_cast<uint32_t>(args.number("chunk", 0));
    config.cache_size = static_cast<uint32_t>(args.number("cache", 0));
    config.rows = std::min(config.slots * (static_cast<uint32_t>(config.max_draft) + 1), config.batch_size);
    if (args.text("kv-type") == "f32") {
        config.kv_type_k = config.kv_type_v = GGML_TYPE_F32;
    }
    if (args.text("flash-attention") == "off") {
        config.flash_attention = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    }
    const std::string sampler = args.text("sampler", "auto");
    config.sampler = sampler == "host"     ? sampler_choice::host
                     : sampler == "device" ? sampler_choice::device
                                           : sampler_choice::automatic;
    return config;
}

}  // namespace rast::test
