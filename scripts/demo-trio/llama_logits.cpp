// Tokens of texts and their logits, by llama.cpp: llama_logits MODEL LIBRARIES < texts > rows
// In: texts, a NUL between them. Out: per token its id (i32) and f32[n_vocab]. F32 cache, CPU, no flash attention.
#include "ggml-backend.h"
#include "llama.h"

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char ** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: llama_logits MODEL LIBRARIES < texts > rows\n");
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
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 512;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.n_threads = params.n_threads_batch = 1;
    llama_context * context = llama_init_from_model(model, params);
    const llama_vocab * vocab = llama_model_get_vocab(model);
    const int n_vocab = llama_vocab_n_tokens(vocab);
    for (std::string text; std::getline(std::cin, text, '\0');) {
        std::vector<llama_token> tokens(text.size() + 2);
        const int count = llama_tokenize(vocab, text.data(), static_cast<int>(text.size()), tokens.data(),
                                         static_cast<int>(tokens.size()), true, true);
        if (count <= 0) {
            return 1;
        }
        tokens.resize(static_cast<size_t>(count));
        llama_memory_clear(llama_get_memory(context), true);
        llama_batch batch = llama_batch_init(static_cast<int>(tokens.size()), 0, 1);
        batch.n_tokens = static_cast<int>(tokens.size());
        for (int i = 0; i < batch.n_tokens; ++i) {
            batch.token[i] = tokens[i];
            batch.pos[i] = i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
        }
        if (llama_decode(context, batch) != 0) {
            return 1;
        }
        for (int i = 0; i < batch.n_tokens; ++i) {
            std::fwrite(&tokens[static_cast<size_t>(i)], sizeof(llama_token), 1, stdout);
            std::fwrite(llama_get_logits_ith(context, i), sizeof(float), static_cast<size_t>(n_vocab), stdout);
        }
        llama_batch_free(batch);
    }
    llama_free(context);
    llama_model_free(model);
    return 0;
}
