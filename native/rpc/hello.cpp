#include "hello.h"

#include "../error.h"
#include "rast-llama-version.h"

#include <algorithm>
#include <sstream>

namespace rast::rpc {

namespace {

constexpr const char * greeting = "rast-worker";

double ms_between(tcp_clock::time_point from, tcp_clock::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
}

rast_error error_of(const char * code, const tcp_address & worker, const std::string & what) {
    return {code, "The worker " + worker.text() + " " + what, {{"worker", worker.text()}}};
}

// What a worker that does not want to has said.
rast_error refusal(const tcp_address & worker, const std::string & line) {
    std::istringstream in(line);
    std::string no;
    std::string why;
    in >> no >> why;
    if (why == "version") {
        std::string protocol;
        std::string tag;
        std::string ggml;
        std::string version;
        in >> protocol >> tag >> ggml >> version;
        return {"ERR_WORKER_VERSION",
                "The worker " + worker.text() + " is rast-llama " + version + " with llama.cpp " + tag +
                    "; this is rast-llama " RAST_ADDON_VERSION " with llama.cpp " RAST_LLAMA_TAG,
                {{"worker", worker.text()},
                 {"found", version + " " + tag},
                 {"expected", RAST_ADDON_VERSION " " RAST_LLAMA_TAG}}};
    }
    if (why == "address") {
        return error_of("ERR_WORKER_REFUSED", worker,
                        "does not allow this machine's address: it was started with --allow");
    }
    if (why == "room") {
        return error_of("ERR_WORKER_REFUSED", worker, "has as many connections as it takes");
    }
    return error_of("ERR_WORKER_VERSION", worker, "is no rast worker: it answers otherwise");
}

tcp_socket connected(const tcp_address & worker, milliseconds within) {
    std::string why = "no answer";
    tcp_socket socket = tcp_socket::connect(worker, within, why);
    if (!socket) {
        throw error_of("ERR_WORKER_UNREACHABLE", worker, "cannot be reached: " + why);
    }
    return socket;
}

// Sends a hello and takes the answer, which may be a refusal.
std::string greet(tcp_socket & socket, const tcp_address & worker, hello_wish wish, milliseconds within) {
    const bool sent = send_line(socket, hello_line(wish), within);
    const auto answer = sent ? receive_line(socket, facts_line_bytes, within) : std::nullopt;
    if (!answer) {
        if (socket.has_gone()) {
            throw error_of("ERR_WORKER_VERSION", worker, "closed the connection without a word: is it a rast worker?");
        }
        throw error_of("ERR_WORKER_UNREACHABLE", worker,
                       "does not answer: it said nothing for " + std::to_string(within.count()) + " ms");
    }
    return *answer;
}

}  // namespace

std::string version_words() {
    return std::to_string(hello_version) + " " RAST_LLAMA_TAG " " RAST_GGML_VERSION " " RAST_ADDON_VERSION;
}

std::string hello_line(hello_wish wish) {
    return std::string(greeting) + " " + std::to_string(hello_version) + (wish == hello_wish::use ? " use" : " ask") +
           " " RAST_LLAMA_TAG " " RAST_GGML_VERSION " " RAST_ADDON_VERSION;
}

std::optional<hello_heard> read_hello(std::string_view line) {
    std::istringstream in{std::string(line)};
    std::string name;
    int version = 0;
    std::string wish;
    std::string tag;
    std::string ggml;
    if (!(in >> name >> version >> wish >> tag >> ggml) || name != greeting) {
        return std::nullopt;
    }
    hello_heard heard;
    heard.wish = wish == "ask" ? hello_wish::ask : hello_wish::use;
    heard.same_version = version == hello_version && tag == RAST_LLAMA_TAG && ggml == RAST_GGML_VERSION;
    return heard;
}

std::optional<std::string> receive_line(tcp_socket & from, size_t most, milliseconds within) {
    const auto end = tcp_clock::now() + within;
    std::string line;
    while (line.size() <= most) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - tcp_clock::now());
        char byte = 0;
        if (left.count() < 0 || from.receive(&byte, 1, left) != tcp_outcome::done) {
            return std::nullopt;
        }
        if (byte == '\n') {
            return line;
        }
        line += byte;
    }
    return std::nullopt;
}

bool send_line(tcp_socket & to, const std::string & line, milliseconds silence) {
    const std::string whole = line + "\n";
    return to.send(whole.data(), whole.size(), silence) == tcp_outcome::done;
}

tcp_socket open_connection(const tcp_address & worker, milliseconds within) {
    tcp_socket socket = connected(worker, within);
    const std::string answer = greet(socket, worker, hello_wish::use, within);
    if (answer != "ok") {
        throw refusal(worker, answer);
    }
    return socket;
}

worker_facts ask_worker(const tcp_address & worker, milliseconds within) {
    const auto start = tcp_clock::now();
    tcp_socket socket = connected(worker, within);
    worker_facts facts;
    facts.json = greet(socket, worker, hello_wish::ask, within);
    facts.connect_ms = ms_between(start, tcp_clock::now());
    if (facts.json.empty() || facts.json.front() != '{') {
        throw refusal(worker, facts.json);
    }
    facts.round_trip_ms = facts.connect_ms;
    for (int i = 0; i < 5; ++i) {
        const auto sent = tcp_clock::now();
        if (!send_line(socket, "ping", within) || !receive_line(socket, hello_line_bytes, within)) {
            break;
        }
        facts.round_trip_ms = std::min(facts.round_trip_ms, ms_between(sent, tcp_clock::now()));
    }
    return facts;
}

}  // namespace rast::rpc
