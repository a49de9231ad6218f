#include "ensemble_sampler.h"

#include "cpu_path.h"
#include "device_path.h"
#include "host_path.h"
#include "sampler_graph.h"

namespace rast {

ensemble_sampler::ensemble_sampler(sampler_plan plan)
    : plan_(std::move(plan)), drawing_(plan_.draws), backend_(*this) {}

std::string ensemble_sampler::device_name() const {
    ggml_backend_dev_t device = buft_ != nullptr ? ggml_backend_buft_get_device(buft_) : nullptr;
    return device != nullptr ? ggml_backend_dev_name(device) : "CPU";
}

size_t ensemble_sampler::device_bytes() const {
    return pairs_.bytes() + (figures_ ? figures_->device_bytes() : 0) + (path_ ? path_->device_bytes() : 0) +
           (sink_ ? sink_->device_bytes() : 0) + (moves_ ? moves_->device_bytes() : 0) +
           (blanks_ ? blanks_->device_bytes() : 0);
}

// ---- at context creation

void ensemble_sampler::bind(ggml_backend_buffer_type_t named) {
    ggml_backend_buffer_type_t buft = plan_.in_main_memory ? ggml_backend_cpu_buffer_type() : named;
    buft_ = buft;
    ggml_backend_dev_t device = ggml_backend_buft_get_device(buft);
    const bool on_cpu = device == nullptr || ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
    if (plan_.draws) {
        figures_.emplace(context_of_path(), buft, !on_cpu && plan_.choice != sampler_choice::host);
        path_ = choose_path(device, on_cpu);
    }
    if (!pairs_.allocate(buft, plan_.pairs, plan_.n_vocab, plan_.rows)) {
        failure_ = "the rows of expert and antiexpert";
    }
    if (plan_.sink != nullptr) {
        sink_.emplace(*plan_.sink, plan_.n_vocab, plan_.rows, clock_);
        if (!sink_->allocate(buft, on_cpu)) {
            failure_ = "its rows of logits";
        }
    }
    const auto bind_columns = [&](const std::vector<column_move> & moves, std::optional<token_columns> & columns) {
        if (!moves.empty() && !columns.emplace(moves, plan_.n_vocab, plan_.rows).allocate(buft)) {
            failure_ = "the order of its columns";
        }
    };
    bind_columns(plan_.moves, moves_);
    bind_columns(plan_.blanks, blanks_);
    if (path_ && !path_->allocate(buft)) {
        failure_ = "the settings and the fused rows of the sampler";
    }
}

path_context ensemble_sampler::context_of_path() {
    return {plan_.n_vocab, plan_.rows, plan_.threads, plan_.drawable,
            &pairs_,       &clock_,    plan_.lacking, figures_ ? &figures_->tokens() : nullptr};
}

std::unique_ptr<sampling_path> ensemble_sampler::choose_path(ggml_backend_dev_t device, bool on_cpu) {
    const path_context context = context_of_path();
    const std::string name = device_name();
    if (plan_.choice == sampler_choice::host) {
        reason_ = "asked for; rows are fused on " + name + " and drawn on the host";
        return std::make_unique<host_path>(context, on_cpu);
    }
    if (on_cpu) {
        reason_ = "the output layer is on the CPU; rows are fused and drawn inside its graph";
        return std::make_unique<cpu_path>(context);
    }
    const std::string missing = missing_operation(device, plan_.n_vocab, plan_.rows + 1, plan_.pairs, true);
    if (missing.empty()) {
        reason_ = name + " holds the output layer and has every operation of the sampler";
        return std::make_unique<device_path>(context);
    }
    reason_ = name + " lacks " + missing + "; rows are fused there and drawn on the host";
    if (plan_.choice == sampler_choice::device) {
        failure_ = name + " lacks " + missing + ", which the sampler needs on the device";
    }
    return std::make_unique<host_path>(context, false);
}

// ---- at graph building

// llama.cpp keeps its rows until the next decode, and adds one for the samplers in a copy.
void ensemble_sampler::see_rows(ggml_tensor * logits) {
    ggml_tensor * all = logits->view_src;
    if (all->op == GGML_OP_PAD) {
        all = all->src[0];
    }
    all->flags |= GGML_TENSOR_FLAG_OUTPUT;
    figures_->see(all);
}

ggml_tensor * ensemble_sampler::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) {
    if (!failure_.empty()) {
        return nullptr;
    }
    if (moves_) {
        logits = moves_->build(ctx, logits, probe);
    } else if (figures_ && !probe) {
        see_rows(logits);
    }
    if (sink_) {
        sink_->build(ctx, graph, blanks_ ? blanks_->build(ctx, ggml_cont(ctx, logits), probe) : logits);
    }
    return path_ && drawing_ ? path_->build(ctx, graph, logits, probe) : nullptr;
}

// ---- around a decode

void ensemble_sampler::set_row(int32_t row, const row_settings & settings) {
    if (path_) {
        path_->set_row(row, settings);
        figures_->set_row(row, settings);
    }
    if (settings.draw) {
        pairs_.clear_unused(row, settings);
    }
}

void ensemble_sampler::set_sink(int32_t row, int32_t target) {
    if (sink_) {
        sink_->set_row(row, target);
    }
}

void ensemble_sampler::upload() {
    if (path_ && drawing_) {
        path_->upload();
    }
    if (sink_) {
        sink_->upload();
    }
}

row_draw ensemble_sampler::read_row(llama_context * ctx, int32_t row, int32_t output) {
    row_draw draw;
    last_ = {};
    if (figures_->given(row) >= 0 && !path_->makes_figures()) {
        draw.token = figures_->given(row);
    } else {
        draw = path_->read_row(ctx, row, output);
        last_ = path_->last_traffic();
    }
    if (figures_->top(row) >= 0 && draw.token >= 0 && !path_->makes_figures()) {
        const auto start = cpu_clock::now();
        draw.figures = figures_->figures(row, draw.token, last_);
        draw.token = draw.figures ? draw.token : row_invalid;
        clock_.add_of_host(start);
    }
    return draw;
}

std::vector<float> ensemble_sampler::fused_row(int32_t row) {
    std::vector<float> out = path_->fused_row(row);
    last_ = path_->last_traffic();
    return out;
}

std::shared_ptr<const kept_rows> ensemble_sampler::keep_rows(int32_t row) {
    last_ = {};
    return figures_->keep(row, last_);
}

void ensemble_sampler::deliver_rows(int32_t rows) {
    if (sink_) {
        sink_->deliver(rows);
    }
}

}  // namespace rast
