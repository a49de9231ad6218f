#include "model_probe.h"

#include "../error.h"
#include "../llama/handles.h"
#include "../llama/libraries.h"
#include "../text/token_piece.h"

#include <fstream>
#include <vector>

#ifdef _WIN32
#    include <windows.h>
#    include <cstdlib>
#else
#    include <sys/resource.h>
#    include <unistd.h>
#endif

namespace rast {

namespace {

constexpr uint32_t context_size = 64;

void tokenize_all(const llama_vocab * vocab) {
    const std::string text = "1+2 = three;\n\t a\u00e9\u6f22\U0001F642 <|im_start|></s> ";
    std::vector<llama_token> tokens(256);
    for (const bool special : {false, true}) {
        try {
            llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                           static_cast<int32_t>(tokens.size()), special, special);
        } catch (const std::exception &) {
            // a vocabulary without byte tokens meets a character that it lacks
        }
    }
    for (llama_token token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
        token_piece(vocab, token, true);
    }
}

#ifdef __linux__

uint64_t mapped_bytes() {
    std::ifstream file("/proc/self/statm");
    uint64_t pages = 0;
    file >> pages;
    return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

#endif

}  // namespace

void probe_model(const std::string & path) {
    const llama::log_capture log;
    llama_model_params params = llama_model_default_params();
    ggml_backend_dev_t no_devices[] = {nullptr};
    params.devices = no_devices;
    params.n_gpu_layers = 0;
    params.load_mode = LLAMA_LOAD_MODE_NONE;  // there is nothing to map
    params.no_alloc = true;
    const std::unique_ptr<llama_model, llama_model_deleter> model(llama_model_load_from_file(path.c_str(), params));
    if (!model) {
        throw rast_error("ERR_MODEL_LOAD", "llama.cpp could not load " + path + log.because(), {{"path", path}});
    }
    const llama_vocab * vocab = llama_model_get_vocab(model.get());
    if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) {
        throw rast_error("ERR_NO_TOKENIZER", path + " has no tokenizer", {{"path", path}});
    }
    llama_context_params wanted = llama_context_default_params();
    wanted.n_ctx = context_size;
    wanted.n_batch = context_size;
    wanted.n_ubatch = context_size;
    wanted.n_seq_max = 1;
    wanted.n_outputs_max = 1;
    wanted.kv_unified = true;
    const std::unique_ptr<llama_context, llama_context_deleter> ctx(llama_init_from_model(model.get(), wanted));
    if (!ctx) {
        throw rast_error("ERR_CONTEXT_CREATE", "llama.cpp could not create a context for " + path + log.because(),
                         {{"path", path}});
    }
    tokenize_all(vocab);
}

void limit_process(uint64_t bytes) {
#if defined(_WIN32)
    (void)bytes;
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
#    ifdef _MSC_VER
    _set_abort_behavior(0, _WRITE_ABORT_MSG | _CALL_REPORTFAULT);
#    endif
#else
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
#    ifdef __linux__
    const auto most = static_cast<rlim_t>(mapped_bytes() + bytes);
    rlimit space{};
    if (getrlimit(RLIMIT_AS, &space) == 0) {
        space.rlim_cur = space.rlim_max == RLIM_INFINITY ? most : std::min(most, space.rlim_max);
        setrlimit(RLIMIT_AS, &space);
    }
#    else
    (void)bytes;
#    endif
#endif
}

}  // namespace rast
