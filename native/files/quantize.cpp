#include "quantize.h"

#include "../error.h"
#include "../llama/libraries.h"
#include "file_kind.h"
#include "importance_matrix.h"
#include "model_facts.h"
#include "row_conversion.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <regex>

namespace rast {

namespace {

namespace fs = std::filesystem;

// Rows are converted in slabs of this size, so that memory does not grow with the model.
constexpr size_t slab_bytes = size_t{64} << 20;

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

std::string plain_names() {
    std::string names;
    for (const auto & one : quantizations()) {
        if (one.how == quantizer::plain) {
            names += (names.empty() ? "" : ", ") + std::string(one.name);
        }
    }
    return names;
}

llama_ftype file_type_of(const std::string & name, bool has_matrix) {
    for (const auto & one : quantizations()) {
        if (!same_name(one.name, name)) {
            continue;
        }
        if (one.how == quantizer::plain || (one.how == quantizer::weighted && has_matrix)) {
            return one.file_type;
        }
        const std::string why = one.how == quantizer::weighted ? " needs an importance matrix"
                                                               : " is not something that llama.cpp can quantize to";
        throw rast_error("ERR_INVALID_ARGUMENT",
                         std::string(one.name) + why + "; what works without one: " + plain_names(), {{"type", name}});
    }
    throw rast_error("ERR_INVALID_ARGUMENT",
                     "Expected a quantization, received \"" + name + "\"; known: " + plain_names(), {{"type", name}});
}

// llama.cpp's arguments, which end with an empty entry, and what they point at.
class quantize_arguments {
  public:
    explicit quantize_arguments(const quantize_options & options) {
        if (!options.importance_matrix.empty()) {
            matrix_ = read_importance_matrix(options.importance_matrix);
            for (const auto & [name, values] : matrix_.entries) {
                data_.push_back({name.c_str(), values.data(), values.size()});
            }
            data_.push_back({nullptr, nullptr, 0});
            add_text("quantize.imatrix.file", fs::path(native_path(options.importance_matrix)).filename().string());
            if (!matrix_.dataset.empty()) {
                add_text("quantize.imatrix.dataset", matrix_.dataset);
            }
            add_number("quantize.imatrix.entries_count", static_cast<int64_t>(matrix_.entries.size()));
            if (matrix_.chunks > 0) {
                add_number("quantize.imatrix.chunks_count", matrix_.chunks);
            }
            overrides_.emplace_back();
        }
        patterns_.reserve(options.tensor_types.size());  // what is pointed at stays where it is
        for (const auto & [pattern, type] : options.tensor_types) {
            const auto known = tensor_type_named(type);
            if (!known) {
                throw rast_error("ERR_INVALID_ARGUMENT", "There is no tensor type " + type, {{"type", type}});
            }
            try {
                const std::regex check(pattern);
            } catch (const std::regex_error & error) {
                throw rast_error("ERR_INVALID_ARGUMENT",
                                 "Not a regular expression, \"" + pattern + "\": " + error.what(),
                                 {{"pattern", pattern}});
            }
            patterns_.push_back(pattern);
            types_.push_back({patterns_.back().c_str(), *known});
        }
        types_.push_back({nullptr, GGML_TYPE_COUNT});
    }

    void apply(llama_model_quantize_params & params) const {
        if (!data_.empty()) {
            params.imatrix = data_.data();
            params.kv_overrides = overrides_.data();
        }
        if (!patterns_.empty()) {
            params.tt_overrides = types_.data();
        }
    }

  private:
    llama_model_kv_override & add(const char * key, llama_model_kv_override_type type) {
        llama_model_kv_override & entry = overrides_.emplace_back();
        std::snprintf(entry.key, sizeof entry.key, "%s", key);
        entry.tag = type;
        return entry;
    }

    void add_text(const char * key, const std::string & text) {
        auto & entry = add(key, LLAMA_KV_OVERRIDE_TYPE_STR);
        std::snprintf(entry.val_str, sizeof entry.val_str, "%s", text.c_str());
    }

    void add_number(const char * key, int64_t number) { add(key, LLAMA_KV_OVERRIDE_TYPE_INT).val_i64 = number; }

    importance_matrix matrix_;
    std::vector<llama_model_imatrix_data> data_;
    std::vector<llama_model_kv_override> overrides_;
    std::vector<std::string> patterns_;
    std::vector<llama_model_tensor_override> types_;
};

}  // namespace

const std::vector<quantization> & quantizations() {
    static const std::vector<quantization> all = {
        {"F32", LLAMA_FTYPE_ALL_F32, quantizer::plain},
        {"F16", LLAMA_FTYPE_MOSTLY_F16, quantizer::plain},
        {"BF16", LLAMA_FTYPE_MOSTLY_BF16, quantizer::plain},
        {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0, quantizer::plain},
        {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K, quantizer::plain},
        {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M, quantizer::plain},
        {"Q5_K_S", LLAMA_FTYPE_MOSTLY_Q5_K_S, quantizer::plain},
        {"Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1, quantizer::plain},
        {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0, quantizer::plain},
        {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M, quantizer::plain},
        {"Q4_K_S", LLAMA_FTYPE_MOSTLY_Q4_K_S, quantizer::plain},
        {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1, quantizer::plain},
        {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0, quantizer::plain},
        {"IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL, quantizer::plain},
        {"IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS, quantizer::plain},
        {"Q3_K_L", LLAMA_FTYPE_MOSTLY_Q3_K_L, quantizer::plain},
        {"Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M, quantizer::plain},
        {"Q3_K_S", LLAMA_FTYPE_MOSTLY_Q3_K_S, quantizer::plain},
        {"IQ3_M", LLAMA_FTYPE_MOSTLY_IQ3_M, quantizer::plain},
        {"IQ3_S", LLAMA_FTYPE_MOSTLY_IQ3_S, quantizer::plain},
        {"Q2_K", LLAMA_FTYPE_MOSTLY_Q2_K, quantizer::plain},
        {"Q2_0", LLAMA_FTYPE_MOSTLY_Q2_0, quantizer::plain},
        {"TQ2_0", LLAMA_FTYPE_MOSTLY_TQ2_0, quantizer::plain},
        {"TQ1_0", LLAMA_FTYPE_MOSTLY_TQ1_0, quantizer::plain},
        {"Q1_0", LLAMA_FTYPE_MOSTLY_Q1_0, quantizer::plain},
        {"MXFP4_MOE", LLAMA_FTYPE_MOSTLY_MXFP4_MOE, quantizer::plain},
        {"IQ3_XS", LLAMA_FTYPE_MOSTLY_IQ3_XS, quantizer::weighted},
        {"IQ3_XXS", LLAMA_FTYPE_MOSTLY_IQ3_XXS, quantizer::weighted},
        {"Q2_K_S", LLAMA_FTYPE_MOSTLY_Q2_K_S, quantizer::weighted},
        {"IQ2_M", LLAMA_FTYPE_MOSTLY_IQ2_M, quantizer::weighted},
        {"IQ2_S", LLAMA_FTYPE_MOSTLY_IQ2_S, quantizer::weighted},
        {"IQ2_XS", LLAMA_FTYPE_MOSTLY_IQ2_XS, quantizer::weighted},
        {"IQ2_XXS", LLAMA_FTYPE_MOSTLY_IQ2_XXS, quantizer::weighted},
        {"IQ1_M", LLAMA_FTYPE_MOSTLY_IQ1_M, quantizer::weighted},
        {"IQ1_S", LLAMA_FTYPE_MOSTLY_IQ1_S, quantizer::weighted},
        {"NVFP4", LLAMA_FTYPE_MOSTLY_NVFP4, quantizer::none},
    };
    return all;
}

std::string_view quantization_name(uint32_t file_type) {
    for (const auto & one : quantizations()) {
        if (static_cast<uint32_t>(one.file_type) == file_type) {
            return one.name;
        }
    }
    return {};
}

void quantize_model(const std::string & input, const std::string & output, const quantize_options & options) {
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = file_type_of(options.type, !options.importance_matrix.empty());
    const model_facts facts = inspect_model(input);
    std::error_code ignored;
    for (const auto & file : facts.files) {
        if (fs::equivalent(native_path(file), native_path(output), ignored)) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Input and output are the same file, " + output,
                             {{"path", output}});
        }
    }
    const quantize_arguments arguments(options);
    arguments.apply(params);
    params.nthread = options.threads;
    params.allow_requantize = true;
    params.max_buf_size = slab_bytes;
    const llama::log_capture log;
    if (llama_model_quantize(input.c_str(), output.c_str(), &params) != 0) {
        const std::string why = log.problems();
        // what a stream of C++ says when the disk is full
        if (why.find("basic_ios") != std::string::npos || why.find("iostream") != std::string::npos) {
            throw rast_error("ERR_FILE_UNWRITABLE", "Could not write " + output + ": the disk may be full",
                             {{"path", output}});
        }
        throw rast_error(
            "ERR_QUANTIZE",
            "llama.cpp could not quantize " + input + " to " + options.type + (why.empty() ? "" : ": " + why),
            {{"path", input}, {"type", options.type}});
    }
    inspect_model(output);  // all of it is there
}

}  // namespace rast
