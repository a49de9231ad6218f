#include "plain_models.h"

#include "../llama/libraries.h"
#include "../sampling/philox.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace rast::test {

namespace {

bool unused(const llama_vocab * vocab, int32_t token) {
    const auto attributes = llama_vocab_get_attr(vocab, token);
    return (attributes & LLAMA_TOKEN_ATTR_UNUSED) != 0 || attributes == LLAMA_TOKEN_ATTR_UNDEFINED;
}

}  // namespace

plain_context::plain_context(const model_config & config, const engine_config & engine, uint32_t sequences) {
    std::vector<ggml_backend_dev_t> devices;
    for (const auto & name : config.devices) {
        devices.push_back(ggml_backend_dev_by_name(name.c_str()));
    }
    devices.push_back(nullptr);
    llama_model_params mp = llama_model_default_params();
    mp.devices = devices.data();
    mp.n_gpu_layers = config.devices.empty() ? 0 : config.gpu_layers;
    model_.reset(llama_model_load_from_file(config.path.c_str(), mp), llama_model_deleter());
    if (!model_) {
        fail("reference could not load " + config.path);
    }
    llama_context_params cp = llama_context_default_params();
    cp.n_ctx = sequences * engine.context_size;
    cp.n_seq_max = sequences;
    cp.n_batch = cp.n_ubatch = engine.batch_size;
    cp.n_threads = cp.n_threads_batch = config.threads;
    cp.flash_attn_type = engine.flash_attention;
    cp.type_k = engine.kv_type_k;
    cp.type_v = engine.kv_type_v;
    cp.swa_full = true;
    cp.kv_unified = true;
    const llama::log_capture log;
    ctx_.reset(llama_init_from_model(model_.get(), cp));
    batch_size_ = engine.batch_size;
    splits = log.graph_splits();
    if (!ctx_) {
        fail("reference could not make a context for " + config.path);
    }
}

const float * plain_context::advance(const std::vector<llama_token> & tokens, bool in_company) {
    const size_t most = in_company ? batch_size_ / 2 : batch_size_;
    while (n_past_ < tokens.size()) {
        const size_t end = std::min(tokens.size(), n_past_ + most);
        batch_builder batch(static_cast<uint32_t>(batch_size_), 1);
        for (size_t i = n_past_; i < end; ++i) {
            if (in_company) {
                batch.add(tokens[tokens.size() - 1 - i], static_cast<llama_pos>(i), 1, false);
            }
            batch.add(tokens[i], static_cast<llama_pos>(i), 0, i + 1 == tokens.size());
        }
        if (llama_decode(ctx_.get(), batch.view()) != 0) {
            fail("reference decode failed");
        }
        llama_synchronize(ctx_.get());
        if (in_company && end / (end - n_past_) % 2 == 0) {
            llama_memory_seq_rm(llama_get_memory(ctx_.get()), 1, -1, -1);  // what follows goes to its cells
        }
        n_past_ = end;
    }
    return llama_get_logits_ith(ctx_.get(), -1);
}

void plain_context::restart() {
    llama_memory_clear(llama_get_memory(ctx_.get()), true);
    n_past_ = 0;
}

plain_models::plain_models(const engine_config & config, bool in_company) {
    const uint32_t sequences = in_company ? 2 : 1;
    contexts_.push_back(std::make_unique<plain_context>(config.base, config, sequences));
    for (const auto & pair : config.pairs) {
        contexts_.push_back(std::make_unique<plain_context>(pair.expert, config, sequences));
        contexts_.push_back(std::make_unique<plain_context>(pair.antiexpert, config, sequences));
    }
    n_drawable_ = contexts_[0]->n_vocab();
    for (const auto & context : contexts_) {
        n_drawable_ = std::min(n_drawable_, context->n_vocab());
    }
    for (int32_t token = 0; token < n_drawable_; ++token) {
        if (std::any_of(contexts_.begin(), contexts_.end(),
                        [&](const auto & c) { return unused(c->vocab(), token); })) {
            masked_.push_back(token);
        }
    }
}

void plain_models::restart() {
    for (const auto & context : contexts_) {
        context->restart();
    }
}

plain_models::rows plain_models::read(const std::vector<llama_token> & history, bool in_company) {
    std::vector<const float *> logits;
    for (const auto & context : contexts_) {
        logits.push_back(context->advance(history, in_company));
    }
    rows out{logits[0], {}};
    for (size_t k = 1; k < logits.size(); k += 2) {
        out.pairs.emplace_back(logits[k], logits[k + 1]);
    }
    return out;
}

reference_row plain_models::expected(const std::vector<llama_token> & history, const row_settings & settings,
                                     bool in_company) {
    const rows read_rows = read(history, in_company);
    const int32_t n_vocab = contexts_[0]->n_vocab();
    return reference_draw(reference_fuse(read_rows.base, read_rows.pairs, settings, n_vocab, n_drawable_, masked_),
                          settings);
}

double plain_models::noise(const std::vector<llama_token> & history, const row_settings & settings) {
    std::vector<double> least;
    std::vector<double> most;
    const auto decode_by = [&](size_t rows, bool in_company) {
        restart();
        size_t end = 0;
        reference_row row;
        while (end < history.size()) {
            end = std::min(end + rows, history.size());
            row = expected({history.begin(), history.begin() + static_cast<std::ptrdiff_t>(end)}, settings, in_company);
        }
        if (least.empty()) {
            least = most = row.logits;
        }
        for (size_t i = 0; i < row.logits.size(); ++i) {
            least[i] = std::min(least[i], row.logits[i]);
            most[i] = std::max(most[i], row.logits[i]);
        }
    };
    for (const size_t rows : {history.size(), size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{8}}) {
        decode_by(rows, false);
        decode_by(rows, true);
    }
    double worst = 0;
    const double largest = *std::max_element(most.begin(), most.end());
    for (size_t i = 0; i < least.size(); ++i) {
        if (std::isfinite(least[i]) && most[i] > largest - 8) {  // others are not drawn
            worst = std::max(worst, most[i] - least[i]);
        }
    }
    return worst;
}

row_settings settings_at(const request & wanted, const std::vector<llama_token> & history) {
    const sampling_params & s = wanted.sampling;
    row_settings out;
    out.lambda = s.lambda;
    out.temperature = s.temperature;
    out.top_k = s.top_k;
    out.top_p = s.top_p;
    out.min_p = s.min_p;
    out.u = draw_uniform(s.seed, s.ordinal, static_cast<uint32_t>(history.size()), draw_purpose::token);
    std::map<llama_token, logit_adjustment> adjustments;
    for (const auto & bias : s.bias) {
        adjustments[bias.token] = {bias.token, bias.bias, 1.0F, 0.0F};
    }
    const bool penalties = s.repetition_penalty != 1.0F || s.presence_penalty != 0.0F || s.frequency_penalty != 0.0F;
    if (penalties && s.penalty_window != 0) {
        std::map<llama_token, int> counts;
        const size_t window = s.penalty_window < 0 ? history.size() : static_cast<size_t>(s.penalty_window);
        for (size_t i = history.size() > window ? history.size() - window : 0; i < history.size(); ++i) {
            counts[history[i]] += 1;
        }
        for (const auto & [token, n] : counts) {
            logit_adjustment & a = adjustments.try_emplace(token, logit_adjustment{token, 0, 1, 0}).first->second;
            a.repetition = s.repetition_penalty;
            a.subtract = static_cast<float>(n) * s.frequency_penalty + s.presence_penalty;
        }
    }
    for (const auto & [token, a] : adjustments) {
        out.adjustments.push_back(a);
    }
    return out;
}

request request_of(const std::vector<llama_token> & prompt, int index, size_t pairs, int max_tokens) {
    request r;
    r.prompt = prompt;
    r.mode = pairs == 0 ? request_mode::base : request_mode::rast;
    r.max_tokens = max_tokens;
    r.ignore_eos = true;
    r.logprobs = index % 2 == 0 ? 20 : 3;
    sampling_params & s = r.sampling;
    s.seed = 1000 + static_cast<uint64_t>(index);
    s.ordinal = static_cast<uint32_t>(index % 3);
    const float lambdas[] = {1.0F, 0.5F, 1.5F, 0.0F, -0.5F};
    for (size_t k = 0; k < pairs; ++k) {
        s.lambda[k] = lambdas[(static_cast<size_t>(index) + k) % 5];
    }
    switch (index % 8) {
        case 0: s.top_p = 0.95F; break;  // the paper's
        case 1: s.temperature = 0.0F; break;
        case 2: break;  // unfiltered
        case 3:
            s.top_k = 5;
            s.temperature = 0.8F;
            break;
        case 4:
            s.min_p = 0.1F;
            s.temperature = 1.4F;
            break;
        case 5:
            s.top_k = 40;
            s.top_p = 0.9F;
            s.min_p = 0.02F;
            break;
        case 6:
            s.repetition_penalty = 1.2F;
            s.frequency_penalty = 0.1F;
            s.presence_penalty = 0.2F;
            s.penalty_window = 16;
            break;
        default:
            s.top_p = 0.8F;
            s.repetition_penalty = 1.1F;
            s.penalty_window = -1;
            s.bias = {{prompt.front(), -1e30F}, {prompt.back(), 2.0F}};
    }
    return r;
}

std::vector<llama_token> prompt_tokens(const arguments & args, const llama_vocab * vocab) {
    const std::string text = args.text("prompt", "Q: 6+34+63+39?\n");
    std::vector<llama_token> tokens(text.size() + 8);
    const int n = llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                                 static_cast<int32_t>(tokens.size()), true, true);
    if (n <= 0) {
        fail("the prompt has no tokens");
    }
    tokens.resize(static_cast<size_t>(n));
    return tokens;
}

}  // namespace rast::test
