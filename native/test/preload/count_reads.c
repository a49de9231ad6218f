// Preloaded into a test process: counts every byte that ggml reads from a device to the host, from outside.
// Reads whose source lies in host memory already (an input on its way to a device) do not count.
// At exit it writes one line "READS small N bytes, wide M bytes, wide calls K" to the file in RAST_READS_FILE;
// a read of at least RAST_WIDE_BYTES counts as wide.
#define _GNU_SOURCE
#include "ggml-backend.h"
#include "ggml.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_llong small_bytes, wide_bytes, wide_calls, small_calls;

static void * original(const char * name);

static int on_host(const struct ggml_tensor * tensor) {
    static int (*is_host)(ggml_backend_buffer_t) = NULL;
    if (is_host == NULL) {
        *(void **)&is_host = original("ggml_backend_buffer_is_host");
    }
    ggml_backend_buffer_t buffer = tensor->view_src ? tensor->view_src->buffer : tensor->buffer;
    return buffer != NULL && (is_host(buffer) & 1);
}

static void count(const struct ggml_tensor * tensor, size_t size) {
    if (on_host(tensor)) {
        return;
    }
    static size_t wide = 0;
    if (wide == 0) {
        const char * text = getenv("RAST_WIDE_BYTES");
        wide = text ? strtoull(text, NULL, 10) : 65536;
    }
    if (size >= wide) {
        wide_bytes += (long long)size;
        wide_calls += 1;
    } else {
        small_bytes += (long long)size;
        small_calls += 1;
    }
}

static void * original(const char * name) {
    // the library is opened with RTLD_LOCAL, so RTLD_NEXT does not see it: take it from the path that is given
    static void * handle = NULL;
    if (handle == NULL) {
        const char * path = getenv("RAST_GGML_BASE");
        handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
        if (handle == NULL) {
            fprintf(stderr, "count_reads: set RAST_GGML_BASE to libggml-base\n");
            abort();
        }
    }
    return dlsym(handle, name);
}

void ggml_backend_tensor_get(const struct ggml_tensor * tensor, void * data, size_t offset, size_t size) {
    static void (*real)(const struct ggml_tensor *, void *, size_t, size_t) = NULL;
    if (real == NULL) {
        *(void **)&real = original("ggml_backend_tensor_get");
    }
    count(tensor, size);
    real(tensor, data, offset, size);
}

void ggml_backend_tensor_get_async(ggml_backend_t backend, const struct ggml_tensor * tensor, void * data,
                                   size_t offset, size_t size) {
    static void (*real)(ggml_backend_t, const struct ggml_tensor *, void *, size_t, size_t) = NULL;
    if (real == NULL) {
        *(void **)&real = original("ggml_backend_tensor_get_async");
    }
    count(tensor, size);
    real(backend, tensor, data, offset, size);
}

__attribute__((destructor)) static void report(void) {
    const char * path = getenv("RAST_READS_FILE");
    FILE * file = path ? fopen(path, "w") : NULL;
    if (file != NULL) {
        fprintf(file, "{\"smallBytes\": %lld, \"smallCalls\": %lld, \"wideBytes\": %lld, \"wideCalls\": %lld}\n",
                (long long)small_bytes, (long long)small_calls, (long long)wide_bytes, (long long)wide_calls);
        fclose(file);
    }
}
