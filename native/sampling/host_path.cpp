#include "host_path.h"

#include "sampler_graph.h"

#include <algorithm>

namespace rast {

host_path::host_path(const path_context & context, bool on_cpu)
    : context_(context), on_cpu_(on_cpu), memory_(context, false) {}

ggml_tensor * host_path::build(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * logits, bool probe) {
    const graph_tensors tensors = memory_.tensors_for(ctx, logits, probe);
    build_fusion_only(ctx, graph, logits, context_.pairs->tensors(ctx, logits, probe), tensors);
    return nullptr;
}

size_t host_path::host_bytes() const {
    // the row that was read and the row that it becomes
    const size_t rows = 2;
    const size_t of_graph = on_cpu_ ? static_cast<size_t>(std::min(context_.rows, context_.threads)) : 0;
    return (rows + of_graph) * static_cast<size_t>(context_.n_vocab) * sizeof(float);
}

}  // namespace rast
