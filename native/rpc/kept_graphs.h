// Graphs that a worker has had on its connection. llama.cpp's client sends a graph anew whenever a batch has another
// shape than the one before, and shapes come again: then a few bytes name the place where the worker keeps it. The
// client chooses places, and compares whole graphs, so that nothing rests on a hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rast::rpc {

// llama.cpp's own request, and ours beside its numbers.
inline constexpr uint8_t graph_command = 10;
inline constexpr uint8_t keep_graph_command = 0x80;  // a place, and the request of graph_command
inline constexpr uint8_t kept_graph_command = 0x81;  // a place

using graph_place = uint32_t;

inline constexpr size_t graph_places = 32;
inline constexpr size_t largest_kept_graph = size_t{2} << 20;  // longer ones are sent as llama.cpp has it

// What a client has sent.
class sent_graphs {
  public:
    struct found {
        graph_place place = 0;
        bool known = false;  // false: it is to be sent, and kept at that place from now on
    };

    // @param size at most `largest_kept_graph`
    found place_of(const void * graph, size_t size);

  private:
    struct one {
        std::vector<uint8_t> graph;
        uint64_t used = 0;  // 0 = never
    };

    std::array<one, graph_places> all_;
    uint64_t clock_ = 0;
};

// What a worker keeps of one client.
class kept_graphs {
  public:
    // @returns the graph; nullptr for what a client does not say
    const std::vector<uint8_t> * keep(const std::vector<uint8_t> & request);
    const std::vector<uint8_t> * kept(const std::vector<uint8_t> & request) const;

  private:
    std::array<std::vector<uint8_t>, graph_places> all_;
};

}  // namespace rast::rpc
