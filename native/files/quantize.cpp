#include "quantize.h"

#include "../error.h"
#include "../llama/libraries.h"
#include "file_kind.h"
#include "model_facts.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

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

llama_ftype file_type_of(const std::string & name) {
    for (const auto & one : quantizations()) {
        if (!same_name(one.name, name)) {
            continue;
        }
        if (one.how == quantizer::plain) {
            return one.file_type;
        }
        const std::string why = one.how == quantizer::weighted
                                    ? " needs an importance matrix, which is not offered here"
                                    : " is not something that llama.cpp can quantize to";
        throw rast_error("ERR_INVALID_ARGUMENT",
                         std::string(one.name) + why + "; what works without one: " + plain_names(), {{"type", name}});
    }
    throw rast_error("ERR_INVALID_ARGUMENT",
                     "Expected a quantization, received \"" + name + "\"; known: " + plain_names(), {{"type", name}});
}

[[noreturn]] void unwritable(const std::string & path, const std::string & why) {
    throw rast_error("ERR_FILE_UNWRITABLE", "Could not write " + path + ": " + why, {{"path", path}});
}

// A file beside `target`, gone when this ends unless it took the target's place.
class unfinished_file {
  public:
    explicit unfinished_file(const std::string & target)
        : target_(target), path_(target + "." + std::to_string(std::random_device()()) + ".part") {
        errno = 0;
        if (!std::ofstream(native_path(path_), std::ios::binary)) {
            unwritable(target_, errno != 0 ? std::strerror(errno) : "the file cannot be created");
        }
    }

    ~unfinished_file() {
        std::error_code ignored;
        fs::remove(native_path(path_), ignored);
    }

    unfinished_file(const unfinished_file &) = delete;
    unfinished_file & operator=(const unfinished_file &) = delete;

    const std::string & path() const { return path_; }

    void finish() {
        std::error_code error;
        fs::rename(native_path(path_), native_path(target_), error);
        if (error) {
            unwritable(target_, error.message());
        }
    }

  private:
    std::string target_;
    std::string path_;
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

void quantize_model(const std::string & input, const std::string & output, const std::string & name, int32_t threads) {
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = file_type_of(name);
    const model_facts facts = inspect_model(input);
    std::error_code ignored;
    for (const auto & file : facts.files) {
        if (fs::equivalent(native_path(file), native_path(output), ignored)) {
            throw rast_error("ERR_INVALID_ARGUMENT", "Input and output are the same file, " + output,
                             {{"path", output}});
        }
    }
    if (fs::is_directory(native_path(output), ignored)) {
        throw rast_error("ERR_IS_DIRECTORY", output + " is a folder; expected the path of a file", {{"path", output}});
    }
    unfinished_file file(output);
    params.nthread = threads;
    params.allow_requantize = true;
    params.max_buf_size = slab_bytes;
    const llama::log_capture log;
    if (llama_model_quantize(input.c_str(), file.path().c_str(), &params) != 0) {
        const std::string why = log.problems();
        throw rast_error("ERR_QUANTIZE",
                         "llama.cpp could not quantize " + input + " to " + name + (why.empty() ? "" : ": " + why),
                         {{"path", input}, {"type", name}});
    }
    inspect_model(file.path());  // all of it is there
    file.finish();
}

}  // namespace rast
