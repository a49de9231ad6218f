// Preloaded into a test process: counts every byte that ggml reads from a device to the host, from outside.
// At exit it writes one line "READS small N bytes, wide M bytes, wide calls K" to the file in RAST_READS_FILE;
// a read of at least RAST_WIDE_BYTES counts as wide.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_llong small_bytes, wide_bytes, wide_calls, small_calls;

static void count(size_t size) {
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

void ggml_backend_tensor_get(const void * tensor, void * data, size_t offset, size_t size) {
    static void (*real)(const void *, void *, size_t, size_t) = NULL;
    if (real == NULL) {
        real = original("ggml_backend_tensor_get");
    }
    count(size);
    real(tensor, data, offset, size);
}

void ggml_backend_tensor_get_async(void * backend, const void * tensor, void * data, size_t offset, size_t size) {
    static void (*real)(void *, const void *, void *, size_t, size_t) = NULL;
    if (real == NULL) {
        real = original("ggml_backend_tensor_get_async");
    }
    count(size);
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
