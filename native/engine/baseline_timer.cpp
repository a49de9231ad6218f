#include "baseline_timer.h"

#include "../error.h"

namespace rast {

baseline_timer::baseline_timer(const engine_config & config, const role_contexts & contexts, inbox & inbox)
    : config_(config), contexts_(contexts), inbox_(inbox) {}

void baseline_timer::require_valid(const bare_decodes & wanted) const {
    if (wanted.model.which != role::base && wanted.model.pair >= config_.pairs.size()) {
        throw rast_error("ERR_INVALID_ARGUMENT", "There is no pair " + std::to_string(wanted.model.pair) +
                                                     " of expert and antiexpert in this engine");
    }
    const uint64_t needed = static_cast<uint64_t>(wanted.sequences) * (wanted.depth + wanted.tokens);
    const uint64_t cache = cache_tokens(config_);
    if (wanted.sequences < 1 || wanted.sequences > config_.slots || wanted.tokens < 1 || needed > cache) {
        throw rast_error("ERR_INVALID_ARGUMENT", std::to_string(wanted.sequences) + " sequences of " +
                                                     std::to_string(wanted.depth + wanted.tokens) +
                                                     " tokens are asked for; the engine has " +
                                                     std::to_string(config_.slots) + " slots and a cache of " +
                                                     std::to_string(cache) + " tokens");
    }
}

// A device that runs out of memory in the middle of a decode ends the process: look before a second context is made.
void baseline_timer::require_memory(size_t context) const {
    constexpr uint64_t margin = uint64_t{256} << 20;  // of what drivers take beside what llama.cpp logs
    const context_info & info = contexts_[context].info();
    const uint64_t needed = info.memory.cache + info.memory.compute + info.memory.output + margin;
    for (const auto & name : model_at(config_, role_contexts::place_of(context)).devices) {
        ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
        size_t free = 0;
        size_t total = 0;
        ggml_backend_dev_memory(device, &free, &total);
        if (total > 0 && info.gpu_layers > 0 && free < needed) {
            throw rast_error("ERR_INSUFFICIENT_MEMORY",
                             "A second context of the " + std::string(role_name(contexts_[context].which())) +
                                 " model may need " + std::to_string(needed >> 20) + " MiB on " + name + ", and " +
                                 std::to_string(free >> 20) + " MiB are free");
        }
    }
}

std::vector<double> baseline_timer::measure(const bare_decodes & wanted) {
    require_valid(wanted);
    const size_t context = role_contexts::index_of(wanted.model);
    std::vector<double> ms;
    inbox_.perform([&] {
        decoders_.resize(contexts_.size());
        auto & decoder = decoders_[context];
        if (!decoder) {
            require_memory(context);
            decoder =
                std::make_unique<bare_decoder>(contexts_[context], config_, contexts_.threads(), inbox_.stopping());
        }
        decoder->set_threads(contexts_[context].threads());
        if (wanted.prompt) {
            ms = {decoder->prompt(wanted.sequences, wanted.depth, wanted.tokens)};
        } else {
            ms = decoder->steps(wanted.sequences, wanted.depth, wanted.tokens);
        }
    });
    return ms;
}

}  // namespace rast
