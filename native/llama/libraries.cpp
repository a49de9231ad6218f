#define RAST_API_DEFINITION
#include "libraries.h"

#include "../error.h"
#include "api.h"
#include "rast-llama-version.h"
#include "shared_library.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>

namespace rast::llama {

api_table api;

namespace {

std::mutex open_mutex;
std::optional<library_paths> open_paths;
libraries_info open_info;

template <class T>
void bind_symbol(T & member, void * handle, const char * name, const std::string & path) {
    void * symbol = find_symbol(handle, name);
    if (symbol == nullptr) {
        throw rast_error("ERR_LIBRARIES", "The library " + path + " has no function " + name,
                         {{"path", path}, {"symbol", name}});
    }
    member = reinterpret_cast<T>(symbol);
}

thread_local log_capture * current_capture = nullptr;

void on_log(ggml_log_level level, const char * text, void *) {
    static const bool verbose = std::getenv("RAST_LOG") != nullptr;
    if (verbose) {
        std::fputs(text, stderr);
    }
    if (current_capture != nullptr) {
        current_capture->line(level, text);
    }
}

#ifdef __APPLE__

std::string load_cpu(const std::string & folder, const std::string &) {
    api.ggml_backend_load_all_from_path(folder.c_str());
    return "";
}

#else

// How well a CPU library fits this processor; 0 when it does not.
int score_of(const std::string & path) {
    try {
        void * handle = open_library(path);
        const auto score = reinterpret_cast<int (*)()>(find_symbol(handle, "ggml_backend_score"));
        const int points = score != nullptr ? score() : 1;  // the only variant need not have one
        close_library(handle);
        return points;
    } catch (const rast_error &) {
        return 0;
    }
}

std::string utf8(const std::filesystem::path & path) {
    const std::u8string text = path.u8string();
    return {text.begin(), text.end()};
}

// The best CPU library alone. ggml_backend_load_all_from_path would also open every GPU backend in the folder, which is
// not asked for here: with all libraries in one folder RAST_BACKEND=cpu would still run on the GPU.
std::string load_cpu(const std::string & folder, const std::string & known) {
    if (api.ggml_backend_reg_by_name("CPU") != nullptr) {
        return "";  // a build without loadable backends is linked to it
    }
    if (!known.empty() && score_of(known) > 0 && api.ggml_backend_load(known.c_str()) != nullptr) {
        return known;
    }
    int best_score = 0;
    std::string best;
    std::error_code ignored;
    const std::filesystem::path where(std::u8string(folder.begin(), folder.end()));
    for (const auto & entry : std::filesystem::directory_iterator(where, ignored)) {
        const std::string name = utf8(entry.path().filename());
        const std::string extension = utf8(entry.path().extension());
        const bool is_cpu = name.rfind("libggml-cpu", 0) == 0 || name.rfind("ggml-cpu", 0) == 0;
        if (is_cpu && (extension == ".so" || extension == ".dll")) {
            const int score = score_of(utf8(entry.path()));
            if (score > best_score) {
                best_score = score;
                best = utf8(entry.path());
            }
        }
    }
    if (!best.empty()) {
        api.ggml_backend_load(best.c_str());
    }
    return best;
}

#endif

// A backend that the libraries are linked to is there before anything is loaded, and cannot be loaded.
ggml_backend_reg_t linked_backend(const std::string & path) {
    const std::string file = path.substr(path.find_last_of("/\\") + 1);
    for (const char * name : {"CUDA", "Vulkan", "Metal", "MTL"}) {
        std::string part = std::string("ggml-") + (std::strcmp(name, "MTL") == 0 ? "metal" : name);
        std::transform(part.begin(), part.end(), part.begin(), [](unsigned char c) { return std::tolower(c); });
        if (file.find(part) != std::string::npos) {
            if (ggml_backend_reg_t reg = api.ggml_backend_reg_by_name(name)) {
                return reg;
            }
        }
    }
    return nullptr;
}

// One after the other: a process can hold one CUDA backend, and the first that finds a device is it.
void open_backends(const library_paths & paths, libraries_info & info) {
    std::set<ggml_backend_reg_t> taken;
    bool has_answered = true;
    for (const backend_candidate & candidate : paths.backends) {
        backend_outcome outcome;
        outcome.path = candidate.path;
        ggml_backend_reg_t reg = linked_backend(candidate.path);
        const bool is_cuda = candidate.kind == "cuda";
        if (reg != nullptr && taken.count(reg) != 0) {
            reg = nullptr;
            outcome.answer.stage = "other";
        } else if (reg == nullptr && !has_answered) {
            outcome.answer.stage = "time";  // who asks next would wait for the same driver
        } else if (reg == nullptr) {
            if (is_cuda) {
                outcome.answer =
                    answer_within(paths.patience, [candidate] { return ask_cuda(candidate.path, candidate.kernels); });
                has_answered = outcome.answer.stage != "time";
            }
            if (outcome.answer.stage.empty()) {
                const log_capture log;
                reg = api.ggml_backend_load(candidate.path.c_str());
                outcome.answer.said = log.problems();
            }
        }
        if (reg != nullptr) {
            taken.insert(reg);
            outcome.loaded = true;
            outcome.devices = static_cast<int>(api.ggml_backend_reg_dev_count(reg));
        }
        if (outcome.devices == 0 && outcome.answer.stage.empty()) {
            const std::string said = outcome.answer.said;
            if (candidate.kind == "vulkan") {
                outcome.answer = answer_within(paths.patience, [candidate] { return ask_vulkan(candidate.path); });
            }
            if (outcome.answer.stage.empty()) {
                outcome.answer.stage = "ggml";
                outcome.answer.said = said;
            }
        }
        info.backends.push_back(outcome);
    }
}

void check_version() {
    const std::string version = api.ggml_version();
    const std::string commit = api.ggml_commit();
    // git says as many digits as it needs
    const bool own_build = commit.rfind(RAST_GGML_BUNDLE_COMMIT, 0) == 0;
    if (version != RAST_GGML_VERSION || (commit != RAST_GGML_COMMIT && !own_build)) {
        throw rast_error("ERR_VERSION_MISMATCH",
                         "The addon was compiled for ggml " RAST_GGML_VERSION " (" RAST_GGML_COMMIT
                         "), but the library in this process is ggml " +
                             version + " (" + commit + ")",
                         {{"expected", RAST_GGML_VERSION " " RAST_GGML_COMMIT}, {"found", version + " " + commit}});
    }
}

}  // namespace

const libraries_info & open_libraries(const library_paths & paths) {
    const std::lock_guard lock(open_mutex);
    if (open_paths) {
        if (!(*open_paths == paths)) {
            throw rast_error("ERR_LIBRARIES", "llama.cpp's libraries are open already, from " + open_paths->llama,
                             {{"open", open_paths->llama}, {"asked", paths.llama}});
        }
        return open_info;
    }

    // The handles stay open for the life of the process: backends keep threads and device state.
    void * base = open_library(paths.ggml_base);
    void * ggml = open_library(paths.ggml);
    void * llama = open_library(paths.llama);
#define RAST_BIND(name) bind_symbol(api.name, base, #name, paths.ggml_base);
    RAST_GGML_BASE_SYMBOLS(RAST_BIND)
#undef RAST_BIND
#define RAST_BIND(name) bind_symbol(api.name, ggml, #name, paths.ggml);
    RAST_GGML_SYMBOLS(RAST_BIND)
#undef RAST_BIND
#define RAST_BIND(name) bind_symbol(api.name, llama, #name, paths.llama);
    RAST_LLAMA_SYMBOLS(RAST_BIND)
#undef RAST_BIND
    check_version();

    api.llama_log_set(on_log, nullptr);
    api.ggml_log_set(on_log, nullptr);

    libraries_info info;
    info.version = api.ggml_version();
    info.commit = api.ggml_commit();
    info.cpu = load_cpu(paths.cpu_folder, paths.cpu);
    if (api.ggml_backend_reg_by_name("CPU") == nullptr) {
        throw rast_error("ERR_LIBRARIES", "No CPU library in " + paths.cpu_folder + " fits this processor",
                         {{"path", paths.cpu_folder}});
    }
    open_backends(paths, info);
    api.llama_backend_init();
    info.system_info = api.llama_print_system_info();
    open_info = std::move(info);
    open_paths = paths;
    return open_info;
}

bool libraries_open() {
    const std::lock_guard lock(open_mutex);
    return open_paths.has_value();
}

log_capture::log_capture() : outer_(current_capture) {
    current_capture = this;
}

log_capture::~log_capture() {
    current_capture = outer_;
}

std::string log_capture::problems() const {
    std::string out;
    for (const auto & problem : problems_) {
        out += (out.empty() ? "" : "; ") + problem;
    }
    return out;
}

std::string log_capture::because() const {
    const std::string said = problems();
    return said.empty() ? "" : ": " + said;
}

void log_capture::line(int level, const char * text) {
    if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN) {
        std::string problem(text);
        while (!problem.empty() && (problem.back() == '\n' || problem.back() == ' ')) {
            problem.pop_back();
        }
        if (!problem.empty() && problems_.size() < 4) {
            problems_.push_back(problem);
        }
    }
    // "... splits = 1, ..." or "... splits = 2 / 1, ..." (prefill / token generation)
    if (const char * at = std::strstr(text, "splits = ")) {
        const char * number = at + std::strlen("splits = ");
        const char * comma = std::strchr(number, ',');
        const char * slash = std::strchr(number, '/');
        if (slash != nullptr && comma != nullptr && slash < comma) {
            number = slash + 1;
        }
        graph_splits_ = std::atoi(number);
    }
    // "llama_kv_cache:        CPU KV buffer size =    12.00 MiB"
    if (const char * at = std::strstr(text, " buffer size = ")) {
        const char * kind = at;
        while (kind > text && kind[-1] != ' ') {
            --kind;
        }
        const char * place_end = kind > text ? kind - 1 : kind;
        while (place_end > text && place_end[-1] == ' ') {
            --place_end;
        }
        const char * place = place_end;
        while (place > text && place[-1] != ' ') {
            --place;
        }
        buffers_.push_back(
            {std::string(place, place_end), std::string(kind, at), std::atof(at + std::strlen(" buffer size = "))});
    }
}

uint64_t log_capture::buffer_bytes(const char * kind) const {
    double mib = 0;
    for (const buffer & one : buffers_) {
        mib += one.kind == kind ? one.mib : 0;
    }
    return static_cast<uint64_t>(mib * 1048576);
}

}  // namespace rast::llama
