// Logits of windows of tokens, by llama.cpp: window_logits MODEL LIBRARIES WIDTH < tokens > rows
// In: windows of WIDTH token ids (i32). Out: f32[WIDTH, n_vocab] for each. CPU, one window a batch, F32 cache, no flash attention.
#include "ggml-backend.h"
#include "llama.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char ** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: window_logits MODEL LIBRARIES WIDTH < tokens > rows\n");
        return 2;
    }
    llama_log_set([](ggml_log_level level, const char * text, void *) {
        if (level >= GGML_LOG_LEVEL_ERROR) {
            std::fputs(text, stderr);
        }
    }, nullptr);
    ggml_backend_load_all_from_path(argv[2]);
    llama_model * model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (model == nullptr) {
        return 1;
    }
    const size_t width = static_cast<size_t>(std::atoi(argv[3]));
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = static_cast<uint32_t>(width);
    // as the test has it: nothing is rounded to 16 bits, so that the size of batches does not show
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.n_threads = params.n_threads_batch = 1;
    llama_context * context = llama_init_from_model(model, params);
    const int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    std::vector<llama_token> tokens(width);
    llama_batch batch = llama_batch_init(static_cast<int>(width), 0, 1);
    while (std::fread(tokens.data(), sizeof(llama_token), width, stdin) == width) {
        llama_memory_clear(llama_get_memory(context), true);
        batch.n_tokens = static_cast<int>(width);
        for (size_t i = 0; i < width; ++i) {
            batch.token[i] = tokens[i];
            batch.pos[i] = static_cast<llama_pos>(i);
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
        }
        if (llama_decode(context, batch) != 0) {
            return 1;
        }
        for (int i = 0; i < batch.n_tokens; ++i) {
            std::fwrite(llama_get_logits_ith(context, i), sizeof(float), static_cast<size_t>(n_vocab), stdout);
        }
    }
    llama_batch_free(batch);
    llama_free(context);
    llama_model_free(model);
    return 0;
}
