// What a model's header must say, or llama.cpp ends the process: the preconditions of its loader, for all
// architectures.
#pragma once

#include "gguf_file.h"

#include <string>

namespace rast {

// Not complete, and cannot be: what passes is tried in a child process before it is loaded for the first time.
// Throws ERR_MODEL_INVALID. @param first part of the model, which holds the metadata
void check_header(const gguf_file & first, const std::string & architecture, uint32_t layers);

}  // namespace rast
