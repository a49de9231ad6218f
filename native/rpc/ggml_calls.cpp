// What headers of ggml call by its own name.
#include "loss.h"

#include <ggml-impl.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

extern "C" void ggml_abort(const char * file, int line, const char * format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!rast::rpc::spoken_to().empty()) {
        rast::rpc::lose_worker(rast::rpc::spoken_to(), text);
    }
    std::fprintf(stderr, "%s:%d: %s\n", file, line, text);
    std::fflush(stderr);
    std::abort();
}

extern "C" void ggml_log_internal(enum ggml_log_level level, const char * format, ...) {
    if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    std::vfprintf(stderr, format, arguments);
    va_end(arguments);
}
