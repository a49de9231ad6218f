#include "ensemble_sampler.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace rast {

namespace {

constexpr float bound = 1e30F;  // logits handed over are kept within it: infinity - infinity is NaN
constexpr size_t max_threads = 512;

void copy_bounded(const float * from, float * to, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        const float v = from[i];
        to[i] = v > bound ? bound : (v < -bound ? -bound : v);
    }
}

double ms_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

ensemble_sampler * self_of(llama_sampler * sampler) {
    return static_cast<ensemble_sampler *>(sampler->ctx);
}

}  // namespace

ensemble_sampler::ensemble_sampler(sampler_plan plan)
    : plan_(std::move(plan)),
      drawing_(plan_.draws),
      rows_(static_cast<size_t>(plan_.rows) + 1),
      device_adjusted_(rows_.size(), false),
      tap_targets_(rows_.size(), -1),
      cpu_draws_(rows_.size()),
      kept_rows_(rows_.size()),
      scratches_(max_threads),
      thread_ms_(max_threads, 0.0) {
    interface_.name = [](const llama_sampler *) -> const char * { return "rast-ensemble"; };
    interface_.apply = [](llama_sampler *, llama_token_data_array *) {};
    interface_.backend_init = on_backend_init;
    interface_.backend_apply = on_backend_apply;
    interface_.backend_reset = on_backend_reset;
}

ensemble_sampler::~ensemble_sampler() {
    for (llama_sampler * chain : chains_) {
        llama_sampler_free(chain);
    }
}

llama_sampler * ensemble_sampler::make_chain() {
    llama_sampler * chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    chains_.push_back(chain);
    llama_sampler_chain_add(chain, llama_sampler_init(&interface_, this));
    return chain;
}

std::string ensemble_sampler::device_name() const {
    ggml_backend_dev_t device = buft_ != nullptr ? ggml_backend_buft_get_device(buft_) : nullptr;
    return device != nullptr ? ggml_backend_dev_name(device) : "CPU";
}

size_t ensemble_sampler::device_bytes() const {
    size_t bytes = settings_memory_ ? settings_memory_->bytes() : 0;
    for (const auto & store : stores_) {
        bytes += store->bytes();
    }
    return bytes + (local_tap_ ? local_tap_->bytes() : 0);
}

size_t ensemble_sampler::host_bytes() const {
    // a fused row and its block maxima, and candidates that seldom are many: as many as threads work at once
    const size_t rows = plan_.draws && on_cpu_
                            ? std::min<size_t>(static_cast<size_t>(plan_.rows), static_cast<size_t>(plan_.threads))
                            : 0;
    return (rows + (host_path_ ? 2 : 0)) * static_cast<size_t>(plan_.n_vocab) * sizeof(float);
}

double ensemble_sampler::take_cpu_ms() {
    const double ms = *std::max_element(thread_ms_.begin(), thread_ms_.end()) + host_ms_;
    std::fill(thread_ms_.begin(), thread_ms_.end(), 0.0);
    host_ms_ = 0;
    return ms;
}

// ---- at context creation

bool ensemble_sampler::on_backend_init(llama_sampler * self, ggml_backend_buffer_type_t buft, uint32_t) {
    auto * sampler = self_of(self);
    if (!sampler->bound_) {
        sampler->bound_ = true;
        sampler->bind(buft);
    }
    // llama.cpp ignores a refusal; failure() is looked at after the context is made
    return true;
}

void ensemble_sampler::bind(ggml_backend_buffer_type_t buft) {
    buft_ = buft;
    choose_path(buft);
    bind_stores(buft);
    const bool device_draw = plan_.draws && !on_cpu_ && !host_path_;
    const bool settings_on_device = plan_.draws && (!on_cpu_ || host_path_);

    settings_memory_ = std::make_unique<device_tensors>(graph_tensors::count + 1);
    if (settings_on_device) {
        tensors_ = graph_tensors::create(settings_memory_->context(), plan_.n_vocab, plan_.rows + 1, device_draw);
        graph_settings_.emplace(plan_.n_vocab, plan_.rows + 1);
    }
    if (plan_.tap != nullptr && !on_cpu_) {
        tap_rows_ = ggml_new_tensor_1d(settings_memory_->context(), GGML_TYPE_I64, plan_.rows + 1);
    }
    if (!settings_on_device && tap_rows_ == nullptr) {
        settings_memory_.reset();
        return;
    }
    if (!settings_memory_->allocate(buft)) {
        failure_ = "the settings and the fused rows of the sampler";
        return;
    }
    if (settings_on_device) {
        std::vector<float> mask(static_cast<size_t>(plan_.n_vocab), 0.0F);
        std::fill(mask.begin() + std::min(plan_.drawable.n_drawable, plan_.n_vocab), mask.end(), -bound);
        for (const int32_t token : plan_.drawable.masked) {
            mask[static_cast<size_t>(token)] = -bound;
        }
        ggml_backend_tensor_set(tensors_.mask, mask.data(), 0, mask.size() * sizeof(float));
    }
    if (device_draw) {
        const int64_t candidates = tensors_.rank->ne[0];
        std::vector<float> rank(static_cast<size_t>(candidates * (plan_.rows + 1)));
        for (size_t i = 0; i < rank.size(); ++i) {
            rank[i] = -static_cast<float>(static_cast<int64_t>(i) % candidates);
        }
        ggml_backend_tensor_set(tensors_.rank, rank.data(), 0, rank.size() * sizeof(float));
    }
}

void ensemble_sampler::choose_path(ggml_backend_buffer_type_t buft) {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(buft);
    on_cpu_ = device == nullptr || ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
    const std::string name = device_name();
    if (!plan_.draws) {
        return;
    }
    if (plan_.choice == sampler_choice::host) {
        host_path_ = true;
        reason_ = "asked for; rows are fused on " + name + " and drawn on the host";
        return;
    }
    if (on_cpu_) {
        reason_ = "the output layer is on the CPU; rows are fused and drawn inside its graph";
        return;
    }
    const std::string missing = missing_operation(device, plan_.n_vocab, plan_.rows + 1, plan_.pairs, true);
    if (missing.empty()) {
        reason_ = name + " holds the output layer and has every operation of the sampler";
        return;
    }
    host_path_ = true;
    reason_ = name + " lacks " + missing + "; rows are fused there and drawn on the host";
    if (plan_.choice == sampler_choice::device) {
        failure_ = name + " lacks " + missing + ", which the sampler needs on the device";
    }
}

void ensemble_sampler::bind_stores(ggml_backend_buffer_type_t buft) {
    for (int i = 0; i < plan_.pairs * 2; ++i) {
        stores_.push_back(std::make_unique<row_store>(buft, plan_.n_vocab, plan_.rows));
        if (!stores_.back()->ok()) {
            failure_ = "the rows of expert and antiexpert";
        }
    }
    if (plan_.tap != nullptr && plan_.tap->buffer_type() != buft) {
        local_tap_ = std::make_unique<row_store>(buft, plan_.tap->width(), plan_.rows);
        if (!local_tap_->ok()) {
            failure_ = "its rows of logits";
        }
    }
}

// ---- at graph building

void ensemble_sampler::on_backend_reset(llama_sampler * self) {
    auto * sampler = self_of(self);
    sampler->built_for_ = nullptr;
    // once per chain, all before the first apply
    sampler->graphs_built_ += sampler->reset_ ? 0 : 1;
    sampler->reset_ = true;
}

void ensemble_sampler::on_backend_apply(llama_sampler * self, ggml_context * ctx, ggml_cgraph * graph,
                                        llama_sampler_data * data) {
    auto * sampler = self_of(self);
    sampler->reset_ = false;
    ggml_tensor * all = data->logits->view_src;
    const bool probe = all == nullptr;  // llama.cpp counts nodes with a lone tensor of a width of its own
    size_t row = 0;
    ggml_tensor * logits = data->logits;
    int64_t rows = 1;
    if (!probe) {
        row = data->logits->view_offs / all->nb[1];
        rows = all->ne[1] - 1;  // the last row is llama.cpp's padding
        logits = all;
    }
    // whatever is left here would be copied to the host, as wide as the vocabulary
    data->logits = nullptr;
    data->probs = nullptr;
    data->candidates = nullptr;
    data->sampled = nullptr;
    if (rows < 1 || !sampler->failure_.empty()) {
        return;
    }
    if (probe || sampler->built_for_ != logits) {
        sampler->built_for_ = logits;
        ggml_tensor * real = probe ? ggml_reshape_2d(ctx, logits, logits->ne[0], 1)
                                   : ggml_view_2d(ctx, logits, logits->ne[0], rows, logits->nb[1], 0);
        sampler->build(ctx, graph, real, probe);
    }
    if (sampler->tokens_ != nullptr) {
        data->sampled = ggml_view_1d(ctx, sampler->tokens_, 1, row * ggml_element_size(sampler->tokens_));
    }
}

void ensemble_sampler::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) {
    tokens_ = nullptr;
    const bool draw = plan_.draws && drawing_;
    if (on_cpu_ && (plan_.tap != nullptr || (draw && !host_path_))) {
        ggml_tensor * arguments[] = {logits};
        ggml_build_forward_expand(graph, ggml_custom_4d(ctx, GGML_TYPE_I32, logits->ne[1], 1, 1, 1, arguments, 1,
                                                        on_cpu_rows, GGML_N_TASKS_MAX, this));
    }

    // the probe's width is llama.cpp's own: give it tensors of that width
    graph_tensors tensors = tensors_;
    std::vector<graph_pair> pairs;
    if (probe && graph_settings_) {
        tensors = graph_tensors::create(ctx, static_cast<int32_t>(logits->ne[0]), 1, !host_path_);
    }
    for (int k = 0; k < plan_.pairs; ++k) {
        pairs.push_back({expert_store(k).tensor(), antiexpert_store(k).tensor()});
        if (probe) {
            pairs.back() = {ggml_new_tensor_2d(ctx, GGML_TYPE_F32, logits->ne[0], 1),
                            ggml_new_tensor_2d(ctx, GGML_TYPE_F32, logits->ne[0], 1)};
        }
    }
    if (plan_.tap != nullptr && !on_cpu_) {
        build_tap(ctx, graph, logits, local_tap_ ? local_tap_->tensor() : plan_.tap->tensor(), tap_rows_);
    }
    if (draw && host_path_) {
        build_fusion_only(ctx, graph, logits, pairs, tensors);
    } else if (draw && !on_cpu_) {
        tokens_ = build_draw(ctx, graph, logits, pairs, tensors);
    }
}

// ---- the CPU node

void ensemble_sampler::on_cpu_rows(ggml_tensor * out, int thread, int threads, void * self) {
    auto * sampler = static_cast<ensemble_sampler *>(self);
    const ggml_tensor * logits = out->src[0];
    const auto start = std::chrono::steady_clock::now();
    for (int64_t row = thread; row < logits->ne[1]; row += threads) {
        const auto * values = reinterpret_cast<const float *>(static_cast<const char *>(logits->data) +
                                                              static_cast<size_t>(row) * logits->nb[1]);
        sampler->cpu_row(values, static_cast<int32_t>(row),
                         sampler->scratches_[static_cast<size_t>(thread) % max_threads]);
        static_cast<int32_t *>(out->data)[row] = sampler->cpu_draws_[static_cast<size_t>(row)].token;
    }
    sampler->thread_ms_[static_cast<size_t>(thread) % max_threads] += ms_since(start);
}

void ensemble_sampler::cpu_row(const float * logits, int32_t row, row_scratch & scratch) {
    const auto at = static_cast<size_t>(row);
    const auto row_in = [](row_store & store, int64_t index) {
        return static_cast<float *>(store.tensor()->data) + index * store.tensor()->ne[0];
    };
    if (plan_.tap != nullptr && tap_targets_[at] >= 0) {
        row_store & store = local_tap_ ? *local_tap_ : *plan_.tap;
        copy_bounded(logits, row_in(store, local_tap_ ? row : tap_targets_[at]),
                     std::min(plan_.n_vocab, store.width()));
    }
    if (host_path_ || !drawing_ || !rows_[at].draw) {
        return;
    }
    row_inputs in;
    in.logits = logits;
    in.n_vocab = plan_.n_vocab;
    in.n_drawable = plan_.drawable.n_drawable;
    in.masked = &plan_.drawable.masked;
    for (int k = 0; k < plan_.pairs; ++k) {
        in.expert[static_cast<size_t>(k)] = row_in(expert_store(k), row);
        in.antiexpert[static_cast<size_t>(k)] = row_in(antiexpert_store(k), row);
    }
    cpu_draws_[at] = draw_row(in, rows_[at], scratch);
    if (rows_[at].keep) {
        kept_rows_[at].assign(scratch.fused.begin(), scratch.fused.begin() + std::min(in.n_drawable, in.n_vocab));
    }
}

// ---- around a decode

void ensemble_sampler::set_row(int32_t row, const row_settings & settings) {
    const auto at = static_cast<size_t>(row);
    rows_[at] = settings;
    cpu_draws_[at] = row_draw{};
    if (graph_settings_) {
        device_adjusted_[at] = graph_settings_->set(row, settings) && !host_path_;
    }
    if (settings.draw) {
        // a pair that adds nothing must be clean: 0 * infinity is NaN
        for (int k = 0; k < plan_.pairs; ++k) {
            if (settings.lambda[static_cast<size_t>(k)] == 0.0F) {
                expert_store(k).clear_row(row);
                antiexpert_store(k).clear_row(row);
            }
        }
    }
}

void ensemble_sampler::set_tap(int32_t row, int32_t target) {
    tap_targets_[static_cast<size_t>(row)] = target;
    if (target >= 0 && !local_tap_) {
        plan_.tap->mark_written(target);
    }
}

void ensemble_sampler::upload() {
    if (graph_settings_ && drawing_) {
        graph_settings_->upload(tensors_);
    }
    if (tap_rows_ != nullptr) {
        std::vector<int64_t> targets(tap_targets_.size());
        const int64_t spare = plan_.rows;
        for (size_t i = 0; i < targets.size(); ++i) {
            const bool kept = tap_targets_[i] >= 0;
            targets[i] = !kept ? spare : local_tap_ ? static_cast<int64_t>(i) : tap_targets_[i];
        }
        ggml_backend_tensor_set(tap_rows_, targets.data(), 0, targets.size() * sizeof(int64_t));
    }
}

void ensemble_sampler::deliver_taps(int32_t rows) {
    if (!local_tap_) {
        return;
    }
    for (int32_t row = 0; row < rows; ++row) {
        const int64_t target = tap_targets_[static_cast<size_t>(row)];
        if (target >= 0) {
            local_tap_->copy_row_to(*plan_.tap, row, static_cast<int32_t>(target));
        }
    }
}

row_draw ensemble_sampler::read_row(llama_context * ctx, int32_t row, int32_t output) {
    last_ = {};
    if (on_cpu_ && !host_path_) {
        return cpu_draws_[static_cast<size_t>(row)];
    }
    if (!host_path_) {
        row_draw draw;
        draw.token = llama_get_sampled_token_ith(ctx, output);
        if (draw.token >= 0 && draw.token < plan_.n_vocab) {
            read_logprobs(row, draw);
            return draw;
        }
    }
    last_.host_rows = 1;
    return finish_on_host(row);
}

std::vector<float> ensemble_sampler::fused_row(int32_t row) {
    const auto at = static_cast<size_t>(row);
    last_ = {};
    if (on_cpu_ && !host_path_) {
        return std::move(kept_rows_[at]);
    }
    last_.host_rows = 1;
    std::vector<float> out;
    fuse_row(read_fused(row), rows_[at], scratches_[0], out);
    return out;
}

row_draw ensemble_sampler::finish_on_host(int32_t row) {
    const auto start = std::chrono::steady_clock::now();
    const row_draw draw = draw_row(read_fused(row), rows_[static_cast<size_t>(row)], scratches_[0]);
    host_ms_ += ms_since(start);
    return draw;
}

row_inputs ensemble_sampler::read_fused(int32_t row) {
    const auto at = static_cast<size_t>(row);
    host_row_.resize(static_cast<size_t>(plan_.n_vocab));
    const size_t bytes = host_row_.size() * sizeof(float);
    ggml_backend_tensor_get(tensors_.fused, host_row_.data(), at * tensors_.fused->nb[1], bytes);
    last_.host_bytes = static_cast<int64_t>(bytes);
    row_inputs in;
    in.logits = host_row_.data();
    in.n_vocab = plan_.n_vocab;
    in.n_drawable = plan_.drawable.n_drawable;
    in.masked = &plan_.drawable.masked;
    in.adjusted = device_adjusted_[at];
    return in;
}

void ensemble_sampler::read_logprobs(int32_t row, row_draw & draw) {
    const auto & settings = rows_[static_cast<size_t>(row)];
    if (settings.top_logprobs < 0) {
        return;
    }
    const auto fetch = [&](ggml_tensor * tensor, float * to, size_t n) {
        ggml_backend_tensor_get(tensor, to, static_cast<size_t>(row) * tensor->nb[1], n * sizeof(float));
        last_.bytes += static_cast<int64_t>(n * sizeof(float));
    };
    fetch(tensors_.drawn_logprob, &draw.logprob, 1);
    const auto n = static_cast<size_t>(std::min<int64_t>(settings.top_logprobs, tensors_.top_tokens->ne[0]));
    if (n == 0) {
        return;
    }
    std::array<float, max_top_logprobs> tokens{};
    fetch(tensors_.top_tokens, tokens.data(), n);
    fetch(tensors_.top_logprobs, draw.top_logprobs.data(), n);
    draw.n_top = 0;
    for (size_t i = 0; i < n; ++i) {
        // tokens that may never be drawn have no probability
        if (draw.top_logprobs[i] > -bound) {
            draw.top_tokens[static_cast<size_t>(draw.n_top)] = static_cast<int32_t>(tokens[i]);
            draw.top_logprobs[static_cast<size_t>(draw.n_top)] = draw.top_logprobs[i];
            ++draw.n_top;
        }
    }
}

}  // namespace rast
