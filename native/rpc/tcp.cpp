#ifdef _WIN32
#    define WIN32_LEAN_AND_MEAN
#    ifndef NOMINMAX
#        define NOMINMAX
#    endif
#    include <winsock2.h>
#    include <ws2tcpip.h>
// behind winsock2.h
#    include <mstcpip.h>
#else
#    include <arpa/inet.h>
#    include <fcntl.h>
#    include <netdb.h>
#    include <netinet/in.h>
#    include <netinet/tcp.h>
#    include <poll.h>
#    include <sys/socket.h>
#    include <unistd.h>

#    include <cerrno>
#endif

#include "tcp.h"

#include "../error.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace rast::rpc {

namespace {

#ifdef _WIN32

using poll_entry = WSAPOLLFD;

bool start_sockets() {
    static const bool started = [] {
        WSADATA data;
        return WSAStartup(MAKEWORD(2, 2), &data) == 0;
    }();
    return started;
}

int last_error() {
    return WSAGetLastError();
}

bool would_wait(int error) {
    return error == WSAEWOULDBLOCK || error == WSAEINPROGRESS;
}

bool was_interrupted(int) {
    return false;
}

std::string words_of(int error) {
    return "Windows error " + std::to_string(error);
}

int poll_entries(poll_entry * entries, int count, int ms) {
    return WSAPoll(entries, static_cast<ULONG>(count), ms);
}

void close_handle(tcp_socket::handle handle) {
    closesocket(static_cast<SOCKET>(handle));
}

void set_nonblocking(tcp_socket::handle handle) {
    u_long on = 1;
    ioctlsocket(static_cast<SOCKET>(handle), FIONBIO, &on);
}

constexpr int both_ways = SD_BOTH;
constexpr int send_flags = 0;
using system_socket = SOCKET;

#else

using poll_entry = pollfd;

bool start_sockets() {
    return true;
}

int last_error() {
    return errno;
}

bool would_wait(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS;
}

bool was_interrupted(int error) {
    return error == EINTR;
}

std::string words_of(int error) {
    return std::strerror(error);
}

int poll_entries(poll_entry * entries, int count, int ms) {
    return ::poll(entries, static_cast<nfds_t>(count), ms);
}

void close_handle(tcp_socket::handle handle) {
    ::close(static_cast<int>(handle));
}

void set_nonblocking(tcp_socket::handle handle) {
    const int flags = fcntl(static_cast<int>(handle), F_GETFL, 0);
    fcntl(static_cast<int>(handle), F_SETFL, flags | O_NONBLOCK);
    fcntl(static_cast<int>(handle), F_SETFD, FD_CLOEXEC);
}

constexpr int both_ways = SHUT_RDWR;
#    ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#    else
constexpr int send_flags = 0;
#    endif
using system_socket = int;

#endif

void set_option(tcp_socket::handle handle, int level, int name, int value) {
    setsockopt(static_cast<system_socket>(handle), level, name, reinterpret_cast<const char *>(&value), sizeof value);
}

// Small messages go at once, and a machine that is gone is noticed within half a minute although nothing is sent.
void prepare(tcp_socket::handle handle) {
    set_nonblocking(handle);
    set_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef SO_NOSIGPIPE
    set_option(handle, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
#ifdef TCP_KEEPIDLE
    set_option(handle, IPPROTO_TCP, TCP_KEEPIDLE, 10);
#elif defined(TCP_KEEPALIVE)
    set_option(handle, IPPROTO_TCP, TCP_KEEPALIVE, 10);
#endif
#ifdef TCP_KEEPINTVL
    set_option(handle, IPPROTO_TCP, TCP_KEEPINTVL, 5);
#endif
#ifdef TCP_KEEPCNT
    set_option(handle, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
}

// @returns whether the socket can be used so, or has ended; false when the time is over
bool wait_for(tcp_socket::handle handle, short events, milliseconds left) {
    const auto end = tcp_clock::now() + left;
    for (;;) {
        poll_entry entry{};
        entry.fd = static_cast<system_socket>(handle);
        entry.events = events;
        const auto rest = std::chrono::duration_cast<milliseconds>(end - tcp_clock::now()).count();
        const int ms = left.count() < 0 ? -1 : static_cast<int>(std::clamp<int64_t>(rest, 0, 1 << 30));
        const int ready = poll_entries(&entry, 1, ms);
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && !was_interrupted(last_error())) {
            return true;  // what is done next says why
        }
        if (left.count() >= 0 && tcp_clock::now() >= end) {
            return false;
        }
    }
}

struct address_list_deleter {
    void operator()(addrinfo * list) const { freeaddrinfo(list); }
};

using address_list = std::unique_ptr<addrinfo, address_list_deleter>;

address_list resolve(const tcp_address & address, bool to_listen, std::string & why) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = to_listen ? AI_PASSIVE : 0;
    addrinfo * found = nullptr;
    const int code = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (code != 0) {
        why = "its name is not known";
        return nullptr;
    }
    return address_list(found);
}

address_bytes bytes_of(const sockaddr_storage & address) {
    if (address.ss_family == AF_INET) {
        const auto & v4 = reinterpret_cast<const sockaddr_in &>(address).sin_addr;
        const auto * bytes = reinterpret_cast<const uint8_t *>(&v4);
        return {bytes, bytes + 4};
    }
    const auto & v6 = reinterpret_cast<const sockaddr_in6 &>(address).sin6_addr;
    const auto * bytes = reinterpret_cast<const uint8_t *>(&v6);
    static constexpr uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(bytes, mapped, sizeof mapped) == 0) {
        return {bytes + 12, bytes + 16};
    }
    return {bytes, bytes + 16};
}

std::string name_of(const sockaddr_storage & address, socklen_t length) {
    char host[NI_MAXHOST] = {};
    char service[NI_MAXSERV] = {};
    if (getnameinfo(reinterpret_cast<const sockaddr *>(&address), length, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "unknown";
    }
    return tcp_address{host, static_cast<uint16_t>(std::atoi(service))}.text();
}

// Why nothing can listen at an address.
std::string listen_words(int error) {
#ifdef _WIN32
    const bool taken = error == WSAEADDRINUSE;
    const bool forbidden = error == WSAEACCES;
    const bool elsewhere = error == WSAEADDRNOTAVAIL;
#else
    const bool taken = error == EADDRINUSE;
    const bool forbidden = error == EACCES;
    const bool elsewhere = error == EADDRNOTAVAIL;
#endif
    if (taken) {
        return "another program listens there, perhaps another worker; --port chooses another port, --port 0 a free "
               "one";
    }
    if (forbidden) {
        return "this user may not, or another program has it; --port chooses another port, from 1024 on";
    }
    return elsewhere ? "it is no address of this machine" : words_of(error);
}

}  // namespace

std::string text_of(const address_bytes & address) {
    char text[INET6_ADDRSTRLEN] = {};
    const int family = address.size() == 4 ? AF_INET : AF_INET6;
    return inet_ntop(family, address.data(), text, sizeof text) == nullptr ? "unknown" : text;
}

std::string tcp_address::text() const {
    const bool brackets = host.find(':') != std::string::npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

tcp_socket tcp_socket::connect(const tcp_address & to, milliseconds within, std::string & why) {
    const auto end = tcp_clock::now() + within;
    if (!start_sockets()) {
        why = "this system has no sockets";
        return {};
    }
    const address_list found = resolve(to, false, why);
    for (const addrinfo * one = found.get(); one != nullptr; one = one->ai_next) {
        const auto made = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        tcp_socket out(static_cast<handle>(made));
        if (!out) {
            why = words_of(last_error());
            continue;
        }
        prepare(out.handle_);
        if (::connect(made, one->ai_addr, static_cast<socklen_t>(one->ai_addrlen)) != 0) {
            if (!would_wait(last_error())) {
                why = words_of(last_error());
                continue;
            }
            const auto left = std::chrono::duration_cast<milliseconds>(end - tcp_clock::now());
            if (!wait_for(out.handle_, POLLOUT, std::max(left, milliseconds(0)))) {
                why = "no answer within " + std::to_string(within.count()) + " ms";
                continue;
            }
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(made, SOL_SOCKET, SO_ERROR, reinterpret_cast<char *>(&error), &size);
            if (error != 0) {
                why = words_of(error);
                continue;
            }
        }
        return out;
    }
    return {};
}

tcp_outcome tcp_socket::send(const void * data, size_t size, milliseconds silence) {
    const auto * at = static_cast<const char *>(data);
    constexpr size_t most = 1 << 20;  // so that progress is seen
    while (size > 0) {
        const auto n = ::send(static_cast<system_socket>(handle_), at,
                              static_cast<decltype(std::min(size, most))>(std::min(size, most)), send_flags);
        if (n > 0) {
            at += n;
            size -= static_cast<size_t>(n);
            continue;
        }
        const int error = last_error();
        if (n < 0 && was_interrupted(error)) {
            continue;
        }
        if (n == 0 || !would_wait(error)) {
            return tcp_outcome::closed;
        }
        if (!wait_for(handle_, POLLOUT, silence)) {
            return tcp_outcome::timeout;
        }
    }
    return tcp_outcome::done;
}

tcp_outcome tcp_socket::receive_some(void * data, size_t most, milliseconds silence, size_t & got) {
    for (;;) {
        const auto n = ::recv(static_cast<system_socket>(handle_), static_cast<char *>(data),
                              static_cast<decltype(most)>(std::min<size_t>(most, 1 << 30)), 0);
        if (n > 0) {
            got = static_cast<size_t>(n);
            return tcp_outcome::done;
        }
        if (n == 0) {
            return tcp_outcome::closed;
        }
        const int error = last_error();
        if (was_interrupted(error)) {
            continue;
        }
        if (!would_wait(error)) {
            return tcp_outcome::closed;
        }
        if (!wait_for(handle_, POLLIN, silence)) {
            return tcp_outcome::timeout;
        }
    }
}

tcp_outcome tcp_socket::receive(void * data, size_t size, milliseconds silence) {
    auto * at = static_cast<char *>(data);
    while (size > 0) {
        size_t got = 0;
        const tcp_outcome outcome = receive_some(at, size, silence, got);
        if (outcome != tcp_outcome::done) {
            return outcome;
        }
        at += got;
        size -= got;
    }
    return tcp_outcome::done;
}

bool tcp_socket::has_gone() const {
    if (handle_ == none || !wait_for(handle_, POLLIN, milliseconds(0))) {
        return handle_ == none;
    }
    char byte = 0;
    const auto n = ::recv(static_cast<system_socket>(handle_), &byte, 1, MSG_PEEK);
    return n == 0 || (n < 0 && !would_wait(last_error()) && !was_interrupted(last_error()));
}

void tcp_socket::shut_down() const {
    if (handle_ != none) {
        ::shutdown(static_cast<system_socket>(handle_), both_ways);
    }
}

void tcp_socket::close() {
    if (handle_ != none) {
        close_handle(std::exchange(handle_, none));
    }
}

tcp_listener::tcp_listener(const tcp_address & at) {
    std::string why = "this system has no sockets";
    const address_list found = start_sockets() ? resolve(at, true, why) : nullptr;
    for (const addrinfo * one = found.get(); one != nullptr && !socket_; one = one->ai_next) {
        const auto made = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        tcp_socket candidate(static_cast<tcp_socket::handle>(made));
        if (!candidate) {
            why = words_of(last_error());
            continue;
        }
        set_nonblocking(candidate.get());
#ifdef _WIN32
        set_option(candidate.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
#else
        set_option(candidate.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // of a process that has ended
#endif
        if (::bind(made, one->ai_addr, static_cast<socklen_t>(one->ai_addrlen)) != 0 || ::listen(made, 16) != 0) {
            why = listen_words(last_error());
            continue;
        }
        sockaddr_storage bound{};
        socklen_t length = sizeof bound;
        getsockname(made, reinterpret_cast<sockaddr *>(&bound), &length);
        port_ = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in &>(bound).sin_port
                                                 : reinterpret_cast<sockaddr_in6 &>(bound).sin6_port);
        socket_ = std::move(candidate);
    }
    if (!socket_) {
        throw rast_error("ERR_LISTEN", "Cannot listen at " + at.text() + ": " + why + ".", {{"address", at.text()}});
    }
}

tcp_socket tcp_listener::accept(milliseconds within, address_bytes & from, std::string & name) {
    if (!wait_for(socket_.get(), POLLIN, within)) {
        return {};
    }
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const auto made = ::accept(static_cast<system_socket>(socket_.get()), reinterpret_cast<sockaddr *>(&peer), &length);
    tcp_socket out(static_cast<tcp_socket::handle>(made));
    if (out) {
        prepare(out.get());
        from = bytes_of(peer);
        name = name_of(peer, length);
    }
    return out;
}

}  // namespace rast::rpc
