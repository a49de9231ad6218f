// A TCP connection on which nothing waits without a deadline. Works on POSIX systems and on Windows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rast::rpc {

using tcp_clock = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

// Where somebody listens. `host` is a name or a literal address, without brackets.
struct tcp_address {
    std::string host;
    uint16_t port = 0;

    std::string text() const;  // "host:port", "[::1]:port"
};

enum class tcp_outcome { done, closed, timeout, failed };

class tcp_socket {
  public:
    using handle = std::intptr_t;
    static constexpr handle none = -1;

    tcp_socket() = default;
    explicit tcp_socket(handle taken) : handle_(taken) {}
    ~tcp_socket() { close(); }
    tcp_socket(tcp_socket && other) noexcept : handle_(std::exchange(other.handle_, none)) {}
    tcp_socket & operator=(tcp_socket && other) noexcept {
        if (this != &other) {
            close();
            handle_ = std::exchange(other.handle_, none);
        }
        return *this;
    }
    tcp_socket(const tcp_socket &) = delete;
    tcp_socket & operator=(const tcp_socket &) = delete;

    explicit operator bool() const { return handle_ != none; }

    // Tries every address of the name until the deadline. An empty socket where none answers; `why` says why.
    static tcp_socket connect(const tcp_address & to, milliseconds within, std::string & why);

    // As long as nothing is taken or given for `silence`, it is a timeout: however long the whole takes.
    tcp_outcome send(const void * data, size_t size, milliseconds silence);
    tcp_outcome receive(void * data, size_t size, milliseconds silence);
    // As much as there is, at least a byte. @param silence below 0: as long as it takes
    tcp_outcome receive_some(void * data, size_t most, milliseconds silence, size_t & got);

    // Whether the other side has gone, without waiting and without taking anything.
    bool has_gone() const;

    // From any thread: whoever waits on it hears of the end.
    void shut_down() const;
    void close();

    handle get() const { return handle_; }

  private:
    handle handle_ = none;
};

// An address as bytes: four of IPv4 (also of an IPv4 address within IPv6), or sixteen.
using address_bytes = std::vector<uint8_t>;

std::string text_of(const address_bytes & address);  // "10.0.0.7", "fd00::7"

// Listens at one address.
class tcp_listener {
  public:
    // Throws ERR_LISTEN for an address that is none of this machine, or is taken.
    explicit tcp_listener(const tcp_address & at);

    uint16_t port() const { return port_; }

    // Waits for the next. An empty socket now and then, and when it is shut down.
    tcp_socket accept(milliseconds within, address_bytes & from, std::string & name);

  private:
    tcp_socket socket_;
    uint16_t port_ = 0;
};

}  // namespace rast::rpc
