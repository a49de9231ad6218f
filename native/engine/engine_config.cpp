#include "engine_config.h"

#include "../error.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace rast {

const char * role_name(role which) {
    switch (which) {
        case role::base: return "base";
        case role::expert: return "expert";
        default: return "antiexpert";
    }
}

uint64_t cache_tokens(const engine_config & engine) {
    return engine.cache_size != 0 ? engine.cache_size : uint64_t{engine.context_size} * engine.slots;
}

uint32_t cache_cells(const engine_config & engine) {
    constexpr uint64_t padding = 256;
    const uint64_t tokens = cache_tokens(engine);
    const uint64_t most = std::numeric_limits<uint32_t>::max() / padding * padding;
    return static_cast<uint32_t>(std::min((tokens + padding - 1) / padding * padding, most));
}

engine_config fitted(engine_config engine) {
    const uint32_t fewest = std::max<uint32_t>(2, engine.slots);
    engine.batch_size = std::max(std::min(engine.batch_size, cache_cells(engine)), fewest);
    engine.rows = std::clamp(engine.rows, engine.slots, engine.batch_size);
    engine.max_draft = std::clamp(engine.max_draft, 0, static_cast<int32_t>(engine.rows) - 1);
    return engine;
}

void require_valid(const engine_config & engine) {
    const auto refuse = [](const std::string & what) { throw rast_error("ERR_INVALID_ARGUMENT", what); };
    if (engine.pairs.size() > max_pairs) {
        refuse("At most 3 pairs of expert and antiexpert");
    }
    if (engine.slots < 1 || engine.slots > 64) {
        refuse("Expected 1 to 64 slots");
    }
    if (engine.cache_size != 0 && engine.cache_size < engine.context_size) {
        refuse("Expected the cache to hold the context of one sequence at least");
    }
    if (engine.context_size < 1) {
        refuse("Expected a context of at least 1 token");
    }
}

std::string identity_of(const model_config & model) {
    std::string out = model.fingerprint;
    for (const adapter_config & adapter : model.adapters) {
        char scale[32];
        std::snprintf(scale, sizeof scale, "%.9g", static_cast<double>(adapter.scale));
        out += " + " + adapter.fingerprint + " * " + scale;
    }
    return out;
}

const model_config & model_at(const engine_config & engine, const model_place & place) {
    switch (place.which) {
        case role::base: return engine.base;
        case role::expert: return engine.pairs.at(place.pair).expert;
        default: return engine.pairs.at(place.pair).antiexpert;
    }
}

}  // namespace rast
