#include "kept_graphs.h"

#include <algorithm>
#include <cstring>

namespace rast::rpc {

sent_graphs::found sent_graphs::place_of(const void * graph, size_t size) {
    const auto is_it = [&](const one & other) {
        return other.used > 0 && other.graph.size() == size && std::memcmp(other.graph.data(), graph, size) == 0;
    };
    auto at = std::find_if(all_.begin(), all_.end(), is_it);
    const bool known = at != all_.end();
    if (!known) {
        at = std::min_element(all_.begin(), all_.end(), [](const one & a, const one & b) { return a.used < b.used; });
        const auto * bytes = static_cast<const uint8_t *>(graph);
        at->graph.assign(bytes, bytes + size);
    }
    at->used = ++clock_;
    return {static_cast<graph_place>(at - all_.begin()), known};
}

const std::vector<uint8_t> * kept_graphs::keep(const std::vector<uint8_t> & request) {
    graph_place place = 0;
    if (request.size() <= sizeof place || request.size() > sizeof place + largest_kept_graph) {
        return nullptr;
    }
    std::memcpy(&place, request.data(), sizeof place);
    if (place >= all_.size()) {
        return nullptr;
    }
    all_[place].assign(request.begin() + sizeof place, request.end());
    return &all_[place];
}

const std::vector<uint8_t> * kept_graphs::kept(const std::vector<uint8_t> & request) const {
    graph_place place = 0;
    if (request.size() != sizeof place) {
        return nullptr;
    }
    std::memcpy(&place, request.data(), sizeof place);
    return place < all_.size() && !all_[place].empty() ? &all_[place] : nullptr;
}

}  // namespace rast::rpc
