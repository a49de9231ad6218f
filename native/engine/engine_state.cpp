// What is done between steps on behalf of other threads: states of sequences, saved and loaded; bare decodes.
#include "engine.h"
#include "error.h"
#include "sha256.h"

#include <algorithm>
#include <future>

namespace rast {

namespace {

rast_error disposed() {
    return {"ERR_DISPOSED", "The engine is not loaded, or disposed of"};
}

}  // namespace

struct engine::task {
    std::function<void()> work;
    std::promise<void> done;
};

void engine::perform(std::function<void()> work) {
    auto one = std::make_shared<task>();
    one->work = std::move(work);
    auto done = one->done.get_future();
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || !loaded_) {
            throw disposed();
        }
        tasks_.push_back(std::move(one));
    }
    wake_.notify_all();
    done.get();
}

// On the engine thread. Once the engine stops, tasks are refused.
void engine::run_tasks() {
    std::deque<std::shared_ptr<task>> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(tasks_);
    }
    for (const auto & one : tasks) {
        try {
            if (stopping_) {
                throw disposed();
            }
            one->work();
            one->done.set_value();
        } catch (...) {
            // a decode that the stop cut short fails like any other
            one->done.set_exception(stopping_ ? std::make_exception_ptr(disposed()) : std::current_exception());
        }
    }
}

// A device that runs out of memory in the middle of a decode ends the process: look before a second context is made.
void engine::require_room_for_another(size_t context) const {
    const context_info & info = contexts_[context]->info();
    const auto & pair = context == 0 ? pair_config{} : config_.pairs[(context - 1) / 2];
    const model_config & model = context == 0 ? config_.base : context % 2 == 1 ? pair.expert : pair.antiexpert;
    constexpr uint64_t margin = uint64_t{256} << 20;
    const uint64_t needed = info.memory.cache + info.memory.compute + info.memory.output + margin;
    for (const auto & name : model.devices) {
        ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
        size_t free = 0;
        size_t total = 0;
        ggml_backend_dev_memory(device, &free, &total);
        if (total > 0 && info.gpu_layers > 0 && free < needed) {
            throw rast_error("ERR_INSUFFICIENT_MEMORY",
                             "A second context of the " + std::string(role_name(contexts_[context]->which())) +
                                 " model may need " + std::to_string(needed >> 20) + " MiB on " + name + ", and " +
                                 std::to_string(free >> 20) + " MiB are free");
        }
    }
}

std::vector<double> engine::measure_decodes(const bare_decodes & wanted) {
    const uint64_t needed = static_cast<uint64_t>(wanted.sequences) * (wanted.depth + wanted.tokens);
    const uint64_t cache =
        config_.cache_size != 0 ? config_.cache_size : uint64_t{config_.context_size} * config_.slots;
    if (wanted.context > 2 * config_.pairs.size() || wanted.sequences < 1 || wanted.sequences > config_.slots ||
        wanted.tokens < 1 || needed > cache) {
        throw rast_error("ERR_INVALID_ARGUMENT", std::to_string(wanted.sequences) + " sequences of " +
                                                     std::to_string(wanted.depth + wanted.tokens) +
                                                     " tokens are asked for; the engine has " +
                                                     std::to_string(config_.slots) + " slots and a cache of " +
                                                     std::to_string(cache) + " tokens");
    }
    std::vector<double> ms;
    perform([&] {
        bare_.resize(contexts_.size());
        auto & decoder = bare_[wanted.context];
        if (!decoder) {
            require_room_for_another(wanted.context);
            decoder = std::make_unique<bare_decoder>(*contexts_[wanted.context], config_, *threads_, stopping_);
        }
        if (wanted.prompt) {
            ms = {decoder->prompt(wanted.sequences, wanted.depth, wanted.tokens)};
        } else {
            ms = decoder->steps(wanted.sequences, wanted.depth, wanted.tokens);
        }
    });
    return ms;
}

// What a state of each context must be like. Engine thread.
state_expectations engine::expectations() const {
    std::vector<const model_config *> models = {&config_.base};
    for (const auto & pair : config_.pairs) {
        models.push_back(&pair.expert);
        models.push_back(&pair.antiexpert);
    }
    // llama.cpp may lay states out anew in any version
    const std::string settings = std::string(" ") + ggml_type_name(config_.kv_type_k) + " " +
                                 ggml_type_name(config_.kv_type_v) + " " + ggml_commit();
    state_expectations out;
    out.context_size = config_.context_size;
    out.n_vocab = n_vocab_;
    for (size_t c = 0; c < models.size(); ++c) {
        const std::string text = models[c]->fingerprint + settings;
        sha256 hash;
        hash.add(text.data(), text.size());
        out.contexts.push_back({hash.hex(), layouts_[c], llama_model_n_swa(contexts_[c]->model().get()) > 0});
    }
    return out;
}

// Decodes two tokens in a slot without a request and looks at the state that llama.cpp gives for them. Once.
void engine::learn_layouts() {
    layouts_.resize(contexts_.size());
    if (std::all_of(layouts_.begin(), layouts_.end(), [](const auto & one) { return one.has_value(); })) {
        return;
    }
    const size_t slot = caches_.idle_slot(shared_prefix::nowhere);
    caches_.forget(slot);
    for (size_t c = 0; c < contexts_.size(); ++c) {
        llama_context * ctx = contexts_[c]->get();
        const llama_seq_id seq = caches_.id(slot, c);
        const llama_token token = std::max(0, llama_vocab_bos(contexts_[c]->vocab()));
        batch_.clear();
        batch_.add(token, 0, seq, false);
        batch_.add(token, 1, seq, false);
        int status = llama_decode(ctx, batch_.view());
        while (status == 1 && caches_.give_up_oldest()) {
            status = llama_decode(ctx, batch_.view());
        }
        if (status != 0) {
            caches_.forget(slot);
            throw rast_error("ERR_STATE_FILE", "States cannot be loaded now: the caches are full");
        }
        llama_synchronize(ctx);
        std::vector<uint8_t> bytes(llama_state_seq_get_size(ctx, seq));
        if (llama_state_seq_get_data(ctx, bytes.data(), bytes.size(), seq) == bytes.size()) {
            layouts_[c] = state_layout::learn(bytes, 2);
        }
    }
    caches_.forget(slot);
}

uint32_t engine::save_state(const std::string & path, const std::vector<llama_token> & tokens) {
    sequence_state state;
    state_expectations expected;
    perform([&] {
        state = caches_.snapshot(tokens);
        layouts_.resize(contexts_.size());
        expected = expectations();
    });
    write_state(path, state, expected);
    return static_cast<uint32_t>(state.tokens.size());
}

std::vector<llama_token> engine::load_state(const std::string & path) {
    state_expectations expected;
    perform([&] {
        caches_.require_room_for_state();
        learn_layouts();
        expected = expectations();
    });
    const sequence_state state = read_state(path, expected);
    perform([&] { caches_.restore(state); });
    return state.tokens;
}

}  // namespace rast
