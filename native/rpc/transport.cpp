// llama.cpp's client over TCP, in place of its own transport: a hello first, whole messages in one packet, deadlines,
// and figures.
#include "frames.h"
#include "hello.h"
#include "immortal.h"
#include "kept_graphs.h"
#include "loss.h"
#include "targets.h"
#include "traffic.h"

#include "../error.h"

// llama.cpp's
#include <transport.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace rast::rpc {

namespace {

constexpr milliseconds connect_within{5'000};
constexpr auto longest_work = std::chrono::minutes(10);
constexpr milliseconds idle_look{1'000};
constexpr size_t gathered_bytes = size_t{64} * 1024;

double ms_since(tcp_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(tcp_clock::now() - start).count();
}

std::string seconds(milliseconds time) {
    return std::to_string((time.count() + 500) / 1000) + " s";
}

// A connection and who may look at it: its user, and the watch while nobody uses it.
struct link {
    std::string worker;
    tcp_socket socket;
    std::mutex in_use;
};

// Looks now and then whether workers are there whom nobody speaks to, so that the next request need not find out.
class idle_watch {
  public:
    // Never destroyed, as its thread is not.
    static idle_watch & the() {
        static immortal<idle_watch> made;
        return made.value;
    }

    void add(const std::shared_ptr<link> & one) {
        const std::lock_guard lock(mutex_);
        links_.push_back(one);
        if (!started_) {
            started_ = true;
            std::thread([this] { run(); }).detach();
        }
    }

  private:
    void run() {
        for (;;) {
            std::this_thread::sleep_for(idle_look);
            const std::lock_guard lock(mutex_);
            std::erase_if(links_, [](const std::weak_ptr<link> & one) { return one.expired(); });
            for (const auto & weak : links_) {
                const auto one = weak.lock();
                const std::unique_lock free(one ? one->in_use : spare_, std::try_to_lock);
                if (one && free && one->socket.has_gone()) {
                    lose_worker(one->worker, "it has closed the connection");
                }
            }
        }
    }

    std::mutex mutex_;
    std::mutex spare_;
    std::vector<std::weak_ptr<link>> links_;
    bool started_ = false;
};

}  // namespace

void lose_worker(const std::string & worker, const std::string & why) {
    const std::string line = "rast: worker " + worker + " is lost: " + why + "\n";
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    std::_Exit(1);
}

bool & connection_may_fail() {
    static thread_local bool may = false;
    return may;
}

std::string & spoken_to() {
    static thread_local std::string worker;
    return worker;
}

}  // namespace rast::rpc

// The name is llama.cpp's; a client's side alone.
struct socket_t::impl {
    explicit impl(const rast::rpc::worker_target & target)
        : target_(target), counter_(rast::rpc::counter_of(target.address.text())) {
        link_->worker = target.address.text();
        try {
            link_->socket = rast::rpc::open_connection(target.address, rast::rpc::connect_within);
        } catch (const rast::rast_error & error) {
            if (rast::rpc::connection_may_fail()) {
                throw;
            }
            rast::rpc::lose_worker(link_->worker, error.what());
        }
        rast::rpc::idle_watch::the().add(link_);
    }

    bool send(const void * data, size_t size) {
        rast::rpc::spoken_to() = link_->worker;
        return is_graph(size) ? gather_graph(data, size) : gather(data, size);
    }

    bool flush() {
        const bool done = gathered_.empty() || transmit(gathered_.data(), gathered_.size());
        gathered_.clear();
        return done;
    }

    bool receive(void * data, size_t size) {
        const std::lock_guard lock(link_->in_use);
        const auto start = rast::rpc::tcp_clock::now();
        rast::rpc::traffic more;
        if (left_ == 0) {
            const rast::rpc::answer_head head = receive_head(start);
            more.answers = 1;
            // it may have been at work before anybody waited
            more.worker_ms = std::min(static_cast<double>(head.worked_us) / 1000, rast::rpc::ms_since(start));
            more.cached_bytes = static_cast<int64_t>(head.from_cache_bytes);
            more.refused_bytes = static_cast<int64_t>(head.refused_bytes);
            more.received_bytes = 1 + static_cast<int64_t>(sizeof head);
            uint64_t length = 0;
            if (size != sizeof length) {
                lose("its answer was not read in the order in which it is written");
            }
            take(&length, sizeof length);
            left_ = length;
            std::memcpy(data, &length, sizeof length);
        } else {
            if (size > left_) {
                lose("its answer is shorter than it should be");
            }
            take(data, size);
            left_ -= size;
        }
        more.received_bytes += static_cast<int64_t>(size);
        more.wait_ms = rast::rpc::ms_since(start);
        counter_.add(more);
        return true;
    }

  private:
    bool gather(const void * data, size_t size) {
        if (gathered_.size() + size <= rast::rpc::gathered_bytes) {
            const auto * bytes = static_cast<const uint8_t *>(data);
            gathered_.insert(gathered_.end(), bytes, bytes + size);
            return true;
        }
        return flush() && transmit(data, size);
    }

    // Whether what comes is the body of a request whose head says that it is a graph; a flush ends every request.
    bool is_graph(size_t size) const {
        uint64_t announced = 0;
        if (gathered_.size() != 1 + sizeof announced || gathered_[0] != rast::rpc::graph_command ||
            size > rast::rpc::largest_kept_graph) {
            return false;
        }
        std::memcpy(&announced, gathered_.data() + 1, sizeof announced);
        return announced == size;
    }

    bool gather_graph(const void * graph, size_t size) {
        const auto [place, known] = graphs_.place_of(graph, size);
        const uint8_t command = known ? rast::rpc::kept_graph_command : rast::rpc::keep_graph_command;
        const uint64_t length = sizeof place + (known ? 0 : size);
        gathered_.clear();
        return gather(&command, sizeof command) && gather(&length, sizeof length) && gather(&place, sizeof place) &&
               (known || gather(graph, size));
    }

    bool transmit(const void * data, size_t size) {
        const std::lock_guard lock(link_->in_use);
        const auto start = rast::rpc::tcp_clock::now();
        const auto outcome = link_->socket.send(data, size, target_.silence);
        if (outcome == rast::rpc::tcp_outcome::timeout) {
            lose("it takes nothing for " + rast::rpc::seconds(target_.silence));
        }
        if (outcome != rast::rpc::tcp_outcome::done) {
            lose("it has closed the connection");
        }
        rast::rpc::traffic more;
        more.sent_bytes = static_cast<int64_t>(size);
        more.wait_ms = rast::rpc::ms_since(start);
        counter_.add(more);
        return true;
    }

    // Signs of life are passed over.
    rast::rpc::answer_head receive_head(rast::rpc::tcp_clock::time_point start) {
        for (;;) {
            rast::rpc::frame_kind kind{};
            take(&kind, sizeof kind);
            if (kind == rast::rpc::frame_kind::answer) {
                rast::rpc::answer_head head;
                take(&head, sizeof head);
                return head;
            }
            if (kind != rast::rpc::frame_kind::at_work) {
                lose("what it sends is not what a worker sends");
            }
            if (rast::rpc::tcp_clock::now() - start > rast::rpc::longest_work) {
                lose("it has been at the same work for 10 minutes");
            }
        }
    }

    void take(void * data, size_t size) {
        const auto outcome = link_->socket.receive(data, size, target_.silence);
        if (outcome == rast::rpc::tcp_outcome::timeout) {
            lose("no sign of life for " + rast::rpc::seconds(target_.silence));
        }
        if (outcome != rast::rpc::tcp_outcome::done) {
            lose("it has closed the connection");
        }
    }

    [[noreturn]] void lose(const std::string & why) const { rast::rpc::lose_worker(link_->worker, why); }

    rast::rpc::worker_target target_;
    rast::rpc::traffic_counter & counter_;
    std::shared_ptr<rast::rpc::link> link_ = std::make_shared<rast::rpc::link>();
    std::vector<uint8_t> gathered_;
    rast::rpc::sent_graphs graphs_;
    uint64_t left_ = 0;  // of an answer
};

socket_t::socket_t(std::unique_ptr<impl> p) : pimpl(std::move(p)) {}

socket_t::~socket_t() = default;

bool socket_t::send_data(const void * data, size_t size) {
    return pimpl->send(data, size);
}

bool socket_t::recv_data(void * data, size_t size) {
    return pimpl->receive(data, size);
}

bool socket_t::flush() {
    return pimpl->flush();
}

// Other transports are not spoken.
void socket_t::get_caps(uint8_t * local_caps) {
    std::memset(local_caps, 0, RPC_CONN_CAPS_SIZE);
}

void socket_t::update_caps(const uint8_t *) {}

socket_ptr socket_t::connect(const char * host, int port) {
    return socket_ptr(new socket_t(std::make_unique<impl>(rast::rpc::target_at(host, port))));
}

// llama.cpp's server is not used: worker_server.h.
socket_ptr socket_t::accept() {
    return nullptr;
}

socket_ptr socket_t::create_server(const char *, int) {
    return nullptr;
}

bool rpc_transport_init() {
    return true;
}

void rpc_transport_shutdown() {}
