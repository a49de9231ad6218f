// Opens llama.cpp's shared libraries and binds the functions of api.h.
#pragma once

#include "driver_answer.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rast::llama {

// A library of a GPU backend.
struct backend_candidate {
    std::string path;
    std::string kind;                  // "cuda", "vulkan", "metal"
    std::vector<cuda_kernel> kernels;  // empty where they are not known

    bool operator==(const backend_candidate &) const = default;
};

struct library_paths {
    std::string ggml_base;
    std::string ggml;
    std::string llama;
    std::string cpu_folder;
    std::string cpu;  // the library in it that fits best, where that is known; empty = all are looked at
    std::vector<backend_candidate> backends;
    std::chrono::milliseconds patience = std::chrono::seconds(30);  // with a driver that does not answer

    // Whether the same is to be opened, however patiently.
    bool operator==(const library_paths & other) const {
        return ggml_base == other.ggml_base && ggml == other.ggml && llama == other.llama &&
               cpu_folder == other.cpu_folder && cpu == other.cpu && backends == other.backends;
    }
};

struct backend_outcome {
    std::string path;
    bool loaded = false;
    int devices = 0;
    driver_answer answer;  // why there is no device
};

struct libraries_info {
    std::string version;
    std::string commit;
    std::string system_info;
    std::string cpu;  // the library that was taken; empty where ggml chose it
    std::vector<backend_outcome> backends;
};

// Once per process; a second call with the same paths returns the first answer. Thread-safe.
// Throws ERR_LIBRARIES (a file cannot be opened, a function is missing, other paths are open already) and
// ERR_VERSION_MISMATCH.
const libraries_info & open_libraries(const library_paths & paths);

bool libraries_open();

// llama.cpp's log of the current thread while alive, so that an error can quote the line that explains it.
class log_capture {
  public:
    log_capture();
    ~log_capture();
    log_capture(const log_capture &) = delete;
    log_capture & operator=(const log_capture &) = delete;

    // The last error or warning lines, joined; empty when there were none.
    std::string problems() const;

    // The same as the end of a sentence: ": " and the lines, or nothing.
    std::string because() const;

    // Splits of the token-generation graph as last logged, 0 when none was.
    int graph_splits() const { return graph_splits_; }

    // Sum of the buffers of a kind that were logged: "model", "KV", "compute", "output". In hundredths of a MiB.
    uint64_t buffer_bytes(const char * kind) const;

    struct buffer {
        std::string place;  // "CUDA0", "CPU_Mapped", ...
        std::string kind;
        double mib = 0;
    };

    const std::vector<buffer> & buffers() const { return buffers_; }

    void line(int level, const char * text);

  private:
    std::vector<std::string> problems_;
    int graph_splits_ = 0;
    std::vector<buffer> buffers_;
    log_capture * outer_;
};

}  // namespace rast::llama
