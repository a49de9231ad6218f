// Owners of llama.cpp's objects.
#pragma once

#include "api.h"

#include <memory>

namespace rast {

struct llama_model_deleter {
    void operator()(llama_model * model) const { llama_model_free(model); }
};

struct llama_context_deleter {
    void operator()(llama_context * ctx) const { llama_free(ctx); }
};

// Shared with tokenizing workers, which may outlive the engine.
using shared_model = std::shared_ptr<llama_model>;

}  // namespace rast
