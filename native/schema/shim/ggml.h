// Stands in for ggml.h, of which llama.cpp's JSON wrapper uses the assertion alone. It throws: a schema is input.
#pragma once

#include <stdexcept>

#define GGML_ASSERT(condition)                                         \
    do {                                                               \
        if (!(condition)) {                                            \
            throw std::runtime_error("assertion failed: " #condition); \
        }                                                              \
    } while (false)
#define GGML_ABORT(...) throw std::runtime_error("aborted: " __VA_ARGS__)
