// The sampler's graph on a device, with rows put in by hand.
#pragma once

#include "../sampling/device_tensors.h"
#include "../sampling/sampler_graph.h"
#include "harness.h"
#include "random_rows.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace rast::test {

class sampler_rig {
  public:
    // `drawing`: the whole sampler; else fusion alone, as the host path has it.
    sampler_rig(const std::string & device_name, int32_t n_vocab, int pairs, int32_t rows, bool drawing = true)
        : n_vocab_(n_vocab), rows_(rows), memory_(512), uploaded_(n_vocab, rows + 1) {
        ggml_backend_dev_t device = ggml_backend_dev_by_name(device_name.c_str());
        if (device == nullptr) {
            fail("no device " + device_name);
        }
        const std::string missing = missing_operation(device, n_vocab, rows + 1, pairs, drawing);
        if (!missing.empty()) {
            fail("the device lacks " + missing);
        }
        backend_.reset(ggml_backend_dev_init(device, nullptr));
        graph_memory_.reset(ggml_init({ggml_graph_overhead() + 1024, nullptr, true}));
        ggml_context * ctx = memory_.context();
        tensors = graph_tensors::create(ctx, n_vocab, rows + 1, drawing);
        logits_ = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows);
        for (int k = 0; k < pairs; ++k) {
            stores_.push_back({ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows + 1),
                               ggml_new_tensor_2d(ctx, GGML_TYPE_F32, n_vocab, rows + 1)});
        }
        graph_ = ggml_new_graph(graph_memory_.get());
        if (drawing) {
            tokens_ = build_draw(ctx, graph_, logits_, stores_, tensors);
        } else {
            build_fusion_only(ctx, graph_, logits_, stores_, tensors);
        }
        if (!memory_.allocate(ggml_backend_dev_buffer_type(device))) {
            fail("no memory on the device");
        }
        if (drawing) {
            tensors.fill_rank();
        }
    }

    void put(int32_t row, const random_row & data) {
        const auto send = [&](ggml_tensor * to, const std::vector<float> & values) {
            ggml_backend_tensor_set(to, values.data(), static_cast<size_t>(row) * to->nb[1],
                                    values.size() * sizeof(float));
        };
        send(logits_, data.base);
        for (size_t k = 0; k < stores_.size(); ++k) {
            send(stores_[k].expert, data.experts[k]);
            send(stores_[k].antiexpert, data.antiexperts[k]);
        }
    }

    // One mask for all rows, as in an engine.
    void mask(const random_row & like) { tensors.fill_mask({like.n_drawable, like.masked}); }

    void set(int32_t row, const row_settings & settings) { uploaded_.set(row, settings); }

    // @returns the tokens of all rows, -1 where the host must finish; none without drawing
    std::vector<int32_t> run() {
        uploaded_.upload(tensors);
        if (ggml_backend_graph_compute(backend_.get(), graph_) != GGML_STATUS_SUCCESS) {
            fail("the graph did not run");
        }
        std::vector<int32_t> got(tokens_ != nullptr ? static_cast<size_t>(rows_) : 0);
        if (tokens_ != nullptr) {
            ggml_backend_tensor_get(tokens_, got.data(), 0, got.size() * sizeof(int32_t));
        }
        return got;
    }

    std::vector<float> fused(int32_t row) const {
        std::vector<float> out(static_cast<size_t>(n_vocab_));
        ggml_backend_tensor_get(tensors.fused, out.data(), static_cast<size_t>(row) * tensors.fused->nb[1],
                                out.size() * sizeof(float));
        return out;
    }

    graph_tensors tensors;

  private:
    struct backend_deleter {
        void operator()(ggml_backend * backend) const { ggml_backend_free(backend); }
    };

    int32_t n_vocab_;
    int32_t rows_;
    std::unique_ptr<ggml_backend, backend_deleter> backend_;
    device_tensors memory_;
    ggml_context_ptr graph_memory_;
    graph_settings uploaded_;
    ggml_tensor * logits_ = nullptr;
    std::vector<graph_pair> stores_;
    ggml_cgraph * graph_ = nullptr;
    ggml_tensor * tokens_ = nullptr;
};

}  // namespace rast::test
