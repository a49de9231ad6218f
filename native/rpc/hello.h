// What is said on a connection before llama.cpp's own protocol, which trusts its peer: a line each way.
//
//   rast-worker 2 use|ask TAG GGML VERSION       both sides must have llama.cpp TAG with ggml GGML
//   ok                                           "use": llama.cpp's protocol follows, answers in frames (frames.h)
//   {...}                                        "ask": what the worker is, as JSON; "ping" is then answered by "pong"
//   no version 2 TAG GGML VERSION | no address SEEN | no room | no device
#pragma once

#include "tcp.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rast::rpc {

inline constexpr int hello_version = 2;
inline constexpr size_t hello_line_bytes = 512;
inline constexpr size_t facts_line_bytes = size_t{256} * 1024;

enum class hello_wish { use, ask };

// Without the end of the line.
std::string hello_line(hello_wish wish);
std::string version_words();  // "1 TAG GGML VERSION"

struct hello_heard {
    hello_wish wish = hello_wish::use;
    bool same_version = false;
    std::string versions;  // in words, of printable characters alone
};

// Nothing for what is no hello.
std::optional<hello_heard> read_hello(std::string_view line);

struct received_line {
    std::string text;       // what came of it, without its end
    bool is_whole = false;  // false: no end within the time, or it is longer than `most`
};

received_line receive_line(tcp_socket & from, size_t most, milliseconds within);
bool send_line(tcp_socket & to, const std::string & line, milliseconds silence);

// Connects and says that it is going to use the worker.
// Throws ERR_WORKER_UNREACHABLE, ERR_WORKER_REFUSED, ERR_WORKER_VERSION; `details` name the worker.
tcp_socket open_connection(const tcp_address & worker, milliseconds within);

struct worker_facts {
    std::string json;
    double connect_ms = 0;     // until the facts were there
    double round_trip_ms = 0;  // the least of several
};

// Throws the same.
worker_facts ask_worker(const tcp_address & worker, milliseconds within);

}  // namespace rast::rpc
