// The addon's exports, a file for each of its subjects; their types are src/native/addon-types.ts.
#pragma once

#include "engine_binding.h"

#include <napi.h>

#include <functional>
#include <memory>

namespace rast::napi {

// Puts a function that turns native errors into JavaScript's under a name.
using export_adder = std::function<void(const char * name, Napi::Value (*function)(const Napi::CallbackInfo &))>;

void add_library_exports(const export_adder & add);     // libraries, devices, limits
void add_worker_exports(const export_adder & add);      // other machines, as a client and as a worker
void add_model_exports(const export_adder & add);       // files: inspected, compared, quantized, probed
void add_lora_exports(const export_adder & add);        // adapters, and what they are made of
void add_checkpoint_exports(const export_adder & add);  // headers of GGUF files, and numbers of other ones
void add_engine_exports(const export_adder & add);      // engines and their requests, states and timings
void add_text_exports(const export_adder & add);        // tokens of an engine's vocabulary
void add_constraint_exports(const export_adder & add);  // grammars and schemas

addon_state & state_of(Napi::Env env);

// Where promises of this environment are worked on.
job_threads & jobs_of(const Napi::CallbackInfo & info);

// Throws ERR_LIBRARIES before openLibraries.
void require_libraries();

// The first argument's. Throws ERR_DISPOSED, ERR_INVALID_ARGUMENT.
std::shared_ptr<engine_binding> engine_argument(const Napi::CallbackInfo & info);

}  // namespace rast::napi
