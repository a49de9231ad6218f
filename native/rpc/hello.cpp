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

// A word of the peer's for a message: short, and nothing that a terminal obeys.
std::string shown(std::string word) {
    constexpr size_t longest = 48;
    word.resize(std::min(word.size(), longest));
    std::replace_if(
        word.begin(), word.end(), [](char c) { return c <= 0x20 || c >= 0x7f; }, '?');
    return word.empty() ? "?" : word;
}

std::string versions_of(const std::string & version, const std::string & tag, const std::string & ggml,
                        const std::string & protocol) {
    return "rast-llama " + shown(version) + " with llama.cpp " + shown(tag) + ", ggml " + shown(ggml) +
           " and protocol " + shown(protocol);
}

std::string versions_here() {
    return versions_of(RAST_ADDON_VERSION, RAST_LLAMA_TAG, RAST_GGML_VERSION, std::to_string(hello_version));
}

rast_error no_worker(const tcp_address & worker, const std::string & why) {
    return error_of("ERR_WORKER_VERSION", worker, "is no rast worker: " + why);
}

// What a worker that does not want to has said.
rast_error refusal(const tcp_address & worker, const std::string & line) {
    std::istringstream in(line);
    std::string no;
    std::string why;
    in >> no >> why;
    if (no != "no") {
        return no_worker(worker, "it answers otherwise");
    }
    if (why == "version") {
        std::string protocol;
        std::string tag;
        std::string ggml;
        std::string version;
        in >> protocol >> tag >> ggml >> version;
        const std::string found = versions_of(version, tag, ggml, protocol);
        return {"ERR_WORKER_VERSION",
                "The worker " + worker.text() + " is " + found + "; this is " + versions_here() +
                    ". Install the same version of rast-llama on both machines.",
                {{"worker", worker.text()}, {"found", found}, {"expected", versions_here()}}};
    }
    if (why == "address") {
        std::string seen;
        in >> seen;
        return error_of("ERR_WORKER_REFUSED", worker,
                        seen.empty() ? "does not allow this machine's address: it was started with --allow."
                                     : "does not allow this machine's address, which it sees as " + shown(seen) +
                                           ": start it with --allow " + shown(seen) + ".");
    }
    if (why == "room") {
        return error_of("ERR_WORKER_REFUSED", worker,
                        "has as many connections as it takes: start it with a larger --max-connections.");
    }
    if (why == "device") {
        return error_of("ERR_WORKER_REFUSED", worker, "cannot offer its devices: what it writes there says why.");
    }
    return no_worker(worker, "it answers otherwise");
}

tcp_socket connected(const tcp_address & worker, milliseconds within) {
    std::string why = "no answer";
    tcp_socket socket = tcp_socket::connect(worker, within, why);
    if (!socket) {
        throw error_of(
            "ERR_WORKER_UNREACHABLE", worker,
            "cannot be reached: " + why + ". Start `rast worker` there, and check address, port and firewall.");
    }
    return socket;
}

// Sends a hello and takes the answer, which may be a refusal.
std::string greet(tcp_socket & socket, const tcp_address & worker, hello_wish wish, milliseconds within) {
    const bool sent = send_line(socket, hello_line(wish), within);
    received_line answer = sent ? receive_line(socket, facts_line_bytes, within) : received_line();
    if (answer.is_whole) {
        return std::move(answer.text);
    }
    if (!answer.text.empty()) {
        throw no_worker(worker, answer.text.size() > facts_line_bytes ? "what it says is too long"
                                                                      : "it does not end what it says");
    }
    if (socket.has_gone()) {
        throw error_of("ERR_WORKER_VERSION", worker, "closed the connection without a word: is it a rast worker?");
    }
    throw error_of("ERR_WORKER_UNREACHABLE", worker,
                   "does not answer: it said nothing for " + std::to_string(within.count()) +
                       " ms. Is it a rast worker, and does it still run?");
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
    std::string package;
    if (!(in >> name >> version >> wish >> tag >> ggml) || name != greeting) {
        return std::nullopt;
    }
    in >> package;
    hello_heard heard;
    heard.versions = versions_of(package, tag, ggml, std::to_string(version));
    heard.wish = wish == "ask" ? hello_wish::ask : hello_wish::use;
    heard.same_version = version == hello_version && tag == RAST_LLAMA_TAG && ggml == RAST_GGML_VERSION;
    return heard;
}

received_line receive_line(tcp_socket & from, size_t most, milliseconds within) {
    const auto end = tcp_clock::now() + within;
    received_line line;
    while (line.text.size() <= most) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - tcp_clock::now());
        char byte = 0;
        if (left.count() < 0 || from.receive(&byte, 1, left) != tcp_outcome::done) {
            return line;
        }
        if (byte == '\n') {
            line.is_whole = true;
            return line;
        }
        line.text += byte;
    }
    return line;
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
        if (!send_line(socket, "ping", within) || !receive_line(socket, hello_line_bytes, within).is_whole) {
            break;
        }
        facts.round_trip_ms = std::min(facts.round_trip_ms, ms_between(sent, tcp_clock::now()));
    }
    return facts;
}

}  // namespace rast::rpc
