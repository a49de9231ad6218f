// llama.cpp's functions, bound at run time.
//
// The libraries are opened by absolute path (see libraries.h); nothing of llama.cpp is linked. Every function in use
// stands once in the list below and becomes a pointer of the type its own header declares, so that engine code reads
// as ordinary llama.cpp code. A function missing from the list fails at link time; one missing from a library fails
// at load with a typed error.
#pragma once

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"
#include "gguf.h"
#include "llama.h"

// Of internal headers of ggml, for the backend in native/rpc.
extern "C" {
bool ggml_op_alloc_size_may_expand(enum ggml_op op);
bool ggml_backend_buffer_copy_tensor(const struct ggml_tensor * src, struct ggml_tensor * dst);
ggml_backend_buffer_t ggml_backend_buffer_init(ggml_backend_buffer_type_t buft, struct ggml_backend_buffer_i iface,
                                               void * context, size_t size);
}

// clang-format off
#define RAST_GGML_BASE_SYMBOLS(X) \
    X(ggml_bf16_to_fp32_row) X(ggml_blck_size) X(ggml_fp16_to_fp32_row) X(ggml_type_size) X(ggml_validate_row_data) X(gguf_get_alignment) \
    X(ggml_add) X(ggml_argmax) X(ggml_argsort) X(ggml_backend_alloc_ctx_tensors_from_buft) X(ggml_backend_buffer_clear) \
    X(ggml_backend_buffer_free) X(ggml_backend_buffer_get_size) X(ggml_backend_buft_get_device) X(ggml_backend_buft_name) \
    X(ggml_backend_cpu_buffer_type) X(ggml_backend_dev_backend_reg) X(ggml_backend_dev_buffer_type) X(ggml_backend_dev_description) X(ggml_backend_dev_init) \
    X(ggml_backend_free) X(ggml_backend_graph_compute) \
    X(ggml_backend_dev_memory) X(ggml_backend_dev_name) X(ggml_backend_dev_supports_op) X(ggml_backend_dev_type) \
    X(ggml_backend_reg_get_proc_address) X(ggml_backend_reg_name) X(ggml_backend_reg_dev_count) \
    X(ggml_backend_tensor_copy) X(ggml_backend_tensor_get) X(ggml_backend_tensor_memset) X(ggml_backend_tensor_set) \
    X(ggml_build_forward_expand) X(ggml_cast) X(ggml_clamp) X(ggml_commit) X(ggml_cont) X(ggml_cpy) X(ggml_cumsum) \
    X(ggml_custom_4d) X(ggml_element_size) X(ggml_free) X(ggml_gallocr_alloc_graph) X(ggml_gallocr_free) X(ggml_gallocr_get_buffer_size) X(ggml_gallocr_new) X(ggml_get_rows) X(ggml_get_type_traits) X(ggml_graph_n_nodes) X(ggml_graph_node) \
    X(ggml_graph_overhead) X(ggml_init) X(ggml_log) X(ggml_log_set) X(ggml_mul) X(ggml_nbytes) X(ggml_neg) \
    X(ggml_new_graph) X(ggml_new_tensor_1d) X(ggml_new_tensor_2d) X(ggml_op_name) X(ggml_pad) X(ggml_quantize_chunk) \
    X(ggml_relu) X(ggml_reshape_1d) X(ggml_reshape_2d) X(ggml_reshape_3d) X(ggml_row_size) X(ggml_scale_bias) \
    X(ggml_set_rows) X(ggml_soft_max) X(ggml_step) X(ggml_sub) X(ggml_sum_rows) X(ggml_tensor_overhead) \
    X(ggml_threadpool_params_default) X(ggml_top_k) X(ggml_type_name) X(ggml_version) X(ggml_view_1d) X(ggml_view_2d) \
    X(gguf_find_key) X(gguf_find_tensor) X(gguf_free) X(gguf_get_arr_data) X(gguf_get_arr_n) X(gguf_get_arr_str) X(gguf_get_arr_type) \
    X(gguf_get_data_offset) X(gguf_get_key) X(gguf_get_kv_type) X(gguf_get_n_kv) X(gguf_get_n_tensors) X(gguf_get_tensor_name) X(gguf_get_tensor_ne) \
    X(gguf_get_tensor_offset) X(gguf_get_tensor_size) X(gguf_get_tensor_type) X(gguf_get_val_bool) X(gguf_get_val_f32) X(gguf_get_val_i32) \
    X(gguf_get_val_str) X(gguf_get_val_u16) X(gguf_get_val_u32) X(gguf_get_val_u64) X(gguf_init_from_buffer) X(gguf_init_from_file) \
    X(ggml_backend_buffer_copy_tensor) X(ggml_backend_buffer_get_base) X(ggml_backend_buffer_init) X(ggml_backend_buft_alloc_buffer) \
    X(ggml_backend_buft_get_alignment) X(ggml_backend_buft_get_alloc_size) X(ggml_backend_buft_get_max_size) X(ggml_backend_get_default_buffer_type) \
    X(ggml_backend_get_device) X(ggml_backend_reg_dev_get) X(ggml_graph_overhead_custom) X(ggml_guid_matches) X(ggml_is_quantized) \
    X(ggml_new_graph_custom) X(ggml_new_tensor_4d) X(ggml_op_alloc_size_may_expand) X(ggml_set_name)

#define RAST_GGML_SYMBOLS(X) \
    X(ggml_backend_dev_by_name) X(ggml_backend_dev_count) X(ggml_backend_dev_get) X(ggml_backend_load) \
    X(ggml_backend_load_all_from_path) X(ggml_backend_reg_by_name) X(ggml_backend_register)

#define RAST_LLAMA_SYMBOLS(X) \
    X(llama_adapter_lora_free) X(llama_adapter_lora_init) X(llama_attach_threadpool) X(llama_backend_init) X(llama_context_default_params) X(llama_decode) \
    X(llama_detach_threadpool) X(llama_detokenize) X(llama_free) X(llama_get_logits_ith) X(llama_get_memory) X(llama_get_model) \
    X(llama_get_sampled_token_ith) X(llama_init_from_model) X(llama_log_set) X(llama_max_devices) X(llama_memory_clear) \
    X(llama_memory_seq_cp) X(llama_memory_seq_pos_max) X(llama_memory_seq_rm) X(llama_model_chat_template) X(llama_model_default_params) X(llama_model_desc) \
    X(llama_model_free) X(llama_model_get_vocab) X(llama_model_has_encoder) X(llama_model_is_hybrid) X(llama_model_is_recurrent) X(llama_model_load_from_file) \
    X(llama_model_meta_val_str) X(llama_model_n_swa) X(llama_perf_context) \
    X(llama_model_n_ctx_train) X(llama_model_n_layer) X(llama_model_quantize) X(llama_model_quantize_default_params) X(llama_model_size) X(llama_n_ctx) X(llama_print_system_info) \
    X(llama_sampler_chain_add) X(llama_sampler_chain_default_params) X(llama_sampler_accept) X(llama_sampler_chain_init) X(llama_sampler_clone) X(llama_sampler_free) \
    X(llama_sampler_init) X(llama_sampler_init_dist) X(llama_sampler_init_grammar) X(llama_sampler_init_greedy) X(llama_sampler_init_temp) \
    X(llama_sampler_init_top_p) X(llama_sampler_apply) X(llama_set_adapters_lora) X(llama_set_n_threads) X(llama_split_path) X(llama_state_seq_get_data) X(llama_state_seq_get_size) X(llama_state_seq_set_data) X(llama_synchronize) \
    X(llama_token_to_piece) X(llama_tokenize) X(llama_vocab_bos) X(llama_vocab_eos) X(llama_vocab_get_add_bos) \
    X(llama_vocab_get_attr) X(llama_vocab_get_text) X(llama_vocab_is_control) X(llama_vocab_is_eog) \
    X(llama_vocab_n_tokens) X(llama_vocab_nl) X(llama_vocab_type)
// clang-format on

namespace rast::llama {

struct api_table {
#define RAST_MEMBER(name) decltype(&::name) name = nullptr;
    RAST_GGML_BASE_SYMBOLS(RAST_MEMBER)
    RAST_GGML_SYMBOLS(RAST_MEMBER)
    RAST_LLAMA_SYMBOLS(RAST_MEMBER)
#undef RAST_MEMBER
};

// Filled once by open_libraries(), read-only after.
extern api_table api;

}  // namespace rast::llama

#ifndef RAST_API_DEFINITION
#    include "api-names.h"
#endif
