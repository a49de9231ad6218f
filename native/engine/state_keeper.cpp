#include "state_keeper.h"

#include "../error.h"
#include "../files/sha256.h"

#include <algorithm>

namespace rast {

state_keeper::state_keeper(const engine_config & config, const role_contexts & contexts, slot_caches & caches,
                           batch_decoder & decoder, inbox & inbox)
    : config_(config), contexts_(contexts), caches_(caches), decoder_(decoder), inbox_(inbox) {}

// What a state of each context must be like. Engine thread.
state_expectations state_keeper::expectations() const {
    // llama.cpp may lay states out anew in any version
    const std::string settings = std::string(" ") + ggml_type_name(config_.kv_type_k) + " " +
                                 ggml_type_name(config_.kv_type_v) + " " + ggml_commit();
    state_expectations out;
    out.context_size = config_.context_size;
    out.n_vocab = contexts_.base().n_vocab();
    for (size_t c = 0; c < contexts_.size(); ++c) {
        const std::string text =
            identity_of(model_at(config_, role_contexts::place_of(c))) + settings + contexts_[c].tokens().text();
        sha256 hash;
        hash.add(text.data(), text.size());
        out.contexts.push_back({hash.hex(), layouts_[c], llama_model_n_swa(contexts_[c].model().get()) > 0});
    }
    return out;
}

// Engine thread. Once per engine.
void state_keeper::learn_layouts() {
    layouts_.resize(contexts_.size());
    if (std::all_of(layouts_.begin(), layouts_.end(), [](const auto & one) { return one.has_value(); })) {
        return;
    }
    const size_t slot = caches_.idle_slot(shared_prefix::nowhere);
    caches_.forget(slot);
    for (size_t c = 0; c < contexts_.size(); ++c) {
        layouts_[c] = learn_layout(c, slot);
    }
    caches_.forget(slot);
}

// Decodes two tokens in a slot without a request and looks at the state that llama.cpp gives for them.
std::optional<state_layout> state_keeper::learn_layout(size_t context, size_t slot) {
    constexpr size_t tokens = 2;
    llama_context * ctx = contexts_[context].get();
    const llama_seq_id seq = caches_.id(slot, context);
    const llama_token token = std::max(0, llama_vocab_bos(contexts_[context].vocab()));
    batch_builder & batch = decoder_.scratch_batch();
    batch.clear();
    for (size_t i = 0; i < tokens; ++i) {
        batch.add(token, static_cast<llama_pos>(i), seq, false);
    }
    int status = llama_decode(ctx, batch.view());
    while (status == 1 && caches_.evict_oldest()) {
        status = llama_decode(ctx, batch.view());
    }
    if (status != 0) {
        caches_.forget(slot);
        throw rast_error("ERR_STATE_FILE", "States cannot be loaded now: the caches are full");
    }
    llama_synchronize(ctx);
    std::vector<uint8_t> bytes(llama_state_seq_get_size(ctx, seq));
    if (llama_state_seq_get_data(ctx, bytes.data(), bytes.size(), seq) != bytes.size()) {
        return std::nullopt;
    }
    return state_layout::learn(bytes, tokens);
}

uint32_t state_keeper::save(const std::string & path, const std::vector<llama_token> & tokens) {
    sequence_state state;
    state_expectations expected;
    inbox_.perform([&] {
        state = caches_.snapshot(tokens);
        layouts_.resize(contexts_.size());
        expected = expectations();
    });
    write_state(path, state, expected);
    return static_cast<uint32_t>(state.tokens.size());
}

std::vector<llama_token> state_keeper::load(const std::string & path) {
    state_expectations expected;
    inbox_.perform([&] {
        caches_.require_room_for_state();
        learn_layouts();
        expected = expectations();
    });
    const sequence_state state = read_state(path, expected);
    inbox_.perform([&] { caches_.restore(state); });
    return state.tokens;
}

}  // namespace rast
