// What a child process does to a model that nobody has loaded before, and how it keeps the damage small.
#pragma once

#include <cstdint>
#include <string>

namespace rast {

// Loads a model without its weights, makes a small context, whose graphs are built and measured though not computed,
// and tokenizes. A model that llama.cpp cannot stand ends the process here. Throws ERR_MODEL_LOAD, ERR_CONTEXT_CREATE,
// ERR_NO_TOKENIZER.
void probe_model(const std::string & path);

// From here on this process may map so many bytes more (Linux), leaves no core dump and shows no dialogue when it dies.
void limit_process(uint64_t bytes);

}  // namespace rast
