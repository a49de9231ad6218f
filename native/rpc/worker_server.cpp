#include "worker_server.h"

#include "../error.h"
#include "frames.h"
#include "hello.h"
#include "offered_devices.h"
#include "rast-llama-version.h"
#include "worker_memory.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

namespace rast::rpc {

namespace {

constexpr milliseconds hello_within{5'000};
constexpr milliseconds silence_within_message{30'000};
constexpr milliseconds sign_of_life{1'000};
constexpr milliseconds room_within{1'000};
constexpr milliseconds forever{-1};

std::string json_text(const std::string & text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            out += escaped;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

// What all connections have in common.
struct shared_state {
    worker_options options;
    std::unique_ptr<tensor_cache> cache;
    std::function<void(const std::string &)> tell;
    std::atomic<uint32_t> connections = 0;  // all, with those that have not said a hello yet
    std::atomic<uint32_t> users = 0;        // of those, at work
};

// While it lives, a connection counts.
class counted {
  public:
    explicit counted(std::atomic<uint32_t> & count) : count_(count) { ++count_; }
    ~counted() { --count_; }
    counted(const counted &) = delete;
    counted & operator=(const counted &) = delete;

  private:
    std::atomic<uint32_t> & count_;
};

// Connections beside those at work: questions, and strangers that say nothing for as long as they may.
constexpr uint32_t spare_connections = 16;

std::string facts_of(const shared_state & shared) {
    std::string devices;
    for (const offered_device & one : offered_devices(shared.options.offers.devices)) {
        devices += std::string(devices.empty() ? "" : ",") + "{\"name\":" + json_text(one.name) +
                   ",\"description\":" + json_text(one.description) + ",\"type\":" + json_text(one.type) +
                   ",\"memoryFreeBytes\":" + std::to_string(one.free) +
                   ",\"memoryTotalBytes\":" + std::to_string(one.total) + "}";
    }
    return "{\"version\":\"" RAST_ADDON_VERSION "\",\"llamaTag\":\"" RAST_LLAMA_TAG
           "\",\"ggmlVersion\":\"" RAST_GGML_VERSION "\",\"cache\":" +
           std::string(shared.cache ? "true" : "false") + ",\"connections\":" + std::to_string(shared.users.load()) +
           ",\"devices\":[" + devices + "]}";
}

// Tells the client now and then that its request is being worked on.
class life_signs {
  public:
    explicit life_signs(tcp_socket & socket) : socket_(socket), thread_([this] { run(); }) {}

    ~life_signs() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    life_signs(const life_signs &) = delete;
    life_signs & operator=(const life_signs &) = delete;

    void begin() {
        const std::lock_guard lock(mutex_);
        at_work_ = true;
        since_ = tcp_clock::now();
    }

    // @returns how long it took. From here on nothing else writes.
    std::chrono::microseconds end() {
        const std::lock_guard lock(mutex_);
        at_work_ = false;
        return std::chrono::duration_cast<std::chrono::microseconds>(tcp_clock::now() - since_);
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, sign_of_life, [this] { return over_; })) {
            if (at_work_ && tcp_clock::now() - since_ >= sign_of_life) {
                const frame_kind sign = frame_kind::at_work;
                socket_.send(&sign, sizeof sign, sign_of_life);
            }
        }
    }

    tcp_socket & socket_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool at_work_ = false;
    bool over_ = false;
    tcp_clock::time_point since_;
    std::thread thread_;
};

class connection {
  public:
    connection(std::shared_ptr<shared_state> shared, tcp_socket socket, std::string name)
        : shared_(std::move(shared)), socket_(std::move(socket)), name_(std::move(name)) {}

    void run() {
        const auto line = receive_line(socket_, hello_line_bytes, hello_within);
        const auto heard = line.is_whole ? read_hello(line.text) : std::nullopt;
        if (!heard) {
            return tell("refused", ",\"why\":\"no hello\"");
        }
        if (!heard->same_version) {
            say("no version " + version_words());
            return tell("refused", ",\"why\":" + json_text("it is another version, " + heard->versions));
        }
        if (heard->wish == hello_wish::ask) {
            return answer_questions();
        }
        const counted user(shared_->users);
        // one that has just gone may still be freeing its memory
        const auto end = tcp_clock::now() + room_within;
        while (shared_->users > shared_->options.most_connections && tcp_clock::now() < end) {
            std::this_thread::sleep_for(milliseconds(20));
        }
        if (shared_->users > shared_->options.most_connections) {
            say("no room");
            return tell("refused", ",\"why\":\"too many connections\"");
        }
        std::unique_ptr<session> work;
        try {
            work = make_session(shared_->options.offers, shared_->cache.get());
        } catch (const rast_error & error) {
            say("no device");
            return tell("refused", ",\"why\":" + json_text(error.what()));
        }
        if (!say("ok")) {
            return;
        }
        tell("connected", "");
        const std::string why = serve(*work);
        work.reset();
        char figures[160];
        std::snprintf(figures, sizeof figures, ",\"receivedBytes\":%llu,\"sentBytes\":%llu,\"cachedBytes\":%llu",
                      static_cast<unsigned long long>(received_), static_cast<unsigned long long>(sent_),
                      static_cast<unsigned long long>(cached_));
        tell("ended", ",\"why\":" + json_text(why) + figures);
    }

  private:
    bool say(const std::string & line) { return send_line(socket_, line, hello_within); }

    void tell(const char * event, const std::string & more) const {
        shared_->tell("{\"event\":\"" + std::string(event) + "\",\"peer\":" + json_text(name_) + more + "}");
    }

    void answer_questions() {
        if (!say(facts_of(*shared_))) {
            return;
        }
        for (;;) {
            const auto line = receive_line(socket_, hello_line_bytes, hello_within);
            if (!line.is_whole || line.text != "ping" || !say("pong")) {
                return;
            }
        }
    }

    // @returns why it ended
    std::string serve(session & work) {
        life_signs signs(socket_);
        std::vector<uint8_t> request;
        std::vector<uint8_t> answer;
        answer_head head;
        for (;;) {
            uint8_t command = 0;
            uint64_t size = 0;
            if (socket_.receive(&command, sizeof command, forever) != tcp_outcome::done) {
                return "closed";
            }
            if (socket_.receive(&size, sizeof size, silence_within_message) != tcp_outcome::done) {
                return "a request without an end";
            }
            const uint64_t most = work.most_bytes(command);
            if (most == 0 || size > most) {
                return most == 0 ? "a command that there is not" : "a request that is too long";
            }
            request.resize(static_cast<size_t>(size));
            if (size > 0 &&
                socket_.receive(request.data(), request.size(), silence_within_message) != tcp_outcome::done) {
                return "a request without an end";
            }
            received_ += sizeof command + sizeof size + size;
            answer.clear();
            signs.begin();
            session::outcome outcome;
            try {
                outcome = work.handle(command, request, answer);
            } catch (const std::exception &) {
                outcome = {};
            }
            head.worked_us += static_cast<uint64_t>(signs.end().count());
            if (!outcome.go_on) {
                return "a request that cannot be met";
            }
            cached_ += outcome.from_cache_bytes;
            if (outcome.has_answer) {
                head.from_cache_bytes = outcome.from_cache_bytes;
                head.refused_bytes = outcome.refused_bytes;
                if (!send_answer(head, answer)) {
                    return "closed";
                }
                head = {};
            }
            if (request.capacity() > kept_capacity) {
                request = {};
            }
        }
    }

    bool send_answer(const answer_head & head, const std::vector<uint8_t> & answer) {
        const frame_kind kind = frame_kind::answer;
        const uint64_t size = answer.size();
        std::vector<uint8_t> whole(sizeof kind + sizeof head + sizeof size);
        std::memcpy(whole.data(), &kind, sizeof kind);
        std::memcpy(whole.data() + sizeof kind, &head, sizeof head);
        std::memcpy(whole.data() + sizeof kind + sizeof head, &size, sizeof size);
        const bool small = answer.size() <= gathered;
        if (small) {
            whole.insert(whole.end(), answer.begin(), answer.end());
        }
        sent_ += sizeof kind + sizeof head + sizeof size + size;
        return socket_.send(whole.data(), whole.size(), silence_within_message) == tcp_outcome::done &&
               (small || socket_.send(answer.data(), answer.size(), silence_within_message) == tcp_outcome::done);
    }

    static constexpr size_t kept_capacity = 16 << 20;
    static constexpr size_t gathered = 64 << 10;

    std::shared_ptr<shared_state> shared_;
    tcp_socket socket_;
    std::string name_;
    uint64_t received_ = 0;
    uint64_t sent_ = 0;
    uint64_t cached_ = 0;
};

void take_connection(const std::shared_ptr<shared_state> & shared, tcp_socket socket, const address_bytes & from,
                     const std::string & name) {
    const auto & allowed = shared->options.allowed;
    const bool may = allowed.empty() || std::any_of(allowed.begin(), allowed.end(),
                                                    [&](const address_range & range) { return range.contains(from); });
    const bool room = shared->connections < shared->options.most_connections + spare_connections;
    if (!may || !room) {
        send_line(socket, may ? "no room" : "no address " + text_of(from), milliseconds(0));
        shared->tell("{\"event\":\"refused\",\"peer\":" + json_text(name) +
                     ",\"why\":" + (may ? "\"too many connections\"" : "\"its address is not allowed\"") + "}");
        return;
    }
    auto one = std::make_unique<counted>(shared->connections);
    std::thread([shared, one = std::move(one), socket = std::move(socket), name]() mutable {
        try {
            connection(shared, std::move(socket), name).run();
        } catch (const std::exception & error) {
            shared->tell("{\"event\":\"refused\",\"peer\":" + json_text(name) + ",\"why\":" + json_text(error.what()) +
                         "}");
        }
    }).detach();
}

}  // namespace

bool address_range::contains(const address_bytes & other) const {
    if (other.size() != address.size()) {
        return false;
    }
    for (int bit = 0; bit < bits; ++bit) {
        const auto at = static_cast<size_t>(bit / 8);
        const auto mask = static_cast<uint8_t>(0x80 >> (bit % 8));
        if (((address[at] ^ other[at]) & mask) != 0) {
            return false;
        }
    }
    return true;
}

uint16_t start_worker(const worker_options & options, std::function<void(const std::string &)> tell) {
    auto shared = std::make_shared<shared_state>();
    shared->options = options;
    shared->tell = std::move(tell);
    if (shared->options.offers.devices.empty()) {
        shared->options.offers.devices = default_devices();
    }
    limit_main_memory(options.main_memory_bytes);
    offered_devices(shared->options.offers.devices);  // they are there
    if (!options.cache_folder.empty()) {
        shared->cache = std::make_unique<tensor_cache>(options.cache_folder);
    }
    auto listener = std::make_shared<tcp_listener>(options.at);
    const uint16_t port = listener->port();
    std::thread([shared, listener] {
        for (;;) {
            address_bytes from;
            std::string name;
            tcp_socket socket = listener->accept(sign_of_life, from, name);
            if (socket) {
                take_connection(shared, std::move(socket), from, name);
            }
        }
    }).detach();
    return port;
}

}  // namespace rast::rpc
