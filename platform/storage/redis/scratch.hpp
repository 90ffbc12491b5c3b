// What redis's own tests share: servers of their own, and a cluster of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/storage/postgres/server_process.hpp"
#include "platform/storage/redis/client.hpp"
#include "platform/testing/run.hpp"

namespace bv::redis::scratch {

inline constexpr const char* program = "/usr/bin/redis-server";
inline bool is_installed() { return ::access(program, X_OK) == 0; }
#define NEEDS_REDIS() \
    if (!::bv::redis::scratch::is_installed()) GTEST_SKIP() << "redis-server is not installed"

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

inline std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto at = loopback(0);
    socklen_t size = sizeof at;
    ::bind(fd, reinterpret_cast<sockaddr*>(&at), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(fd);
    return ntohs(at.sin_port);
}

// A server on a port of its own, which ends with the test.
class server {
public:
    explicit server(std::vector<std::string> more = {}) : more_(std::move(more)), port_(free_port()), other_port_(free_port()) {
        char name[] = "/tmp/bv-redis-test-XXXXXX";
        folder_ = ::mkdtemp(name);
        start();
    }
    ~server() {
        stop(SIGKILL);
        std::filesystem::remove_all(folder_);
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    void start() {
        std::vector<std::string> arguments{program, "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", folder_, "--save", "", "--appendonly", "no",
                                           "--daemonize", "no"};
        arguments.insert(arguments.end(), more_.begin(), more_.end());
        const auto has = [this](const char* option) { return std::ranges::find(more_, option) != more_.end(); };
        if (has("--cluster-enabled")) arguments.insert(arguments.end(), {"--cluster-port", std::to_string(other_port_)});
        if (has("--tls-cert-file")) arguments.insert(arguments.end(), {"--tls-port", std::to_string(other_port_)});
        pid_ = pg::start_process({.arguments = std::move(arguments), .run_as = {}, .output = folder_ + "/log", .signal_with_parent = SIGKILL});
        for (int tries = 0; tries < 2'000 && !ask({"PING"}).is_text() && !ask({"PING"}).is_error(); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    void stop(int signal) {
        if (pid_ == 0) return;
        ::kill(pid_, signal);
        ::kill(pid_, SIGCONT);
        (void)pg::wait_exit(pid_, std::chrono::seconds(10));
        pid_ = 0;
    }
    void freeze() const { ::kill(pid_, SIGSTOP); }
    void thaw() const { ::kill(pid_, SIGCONT); }
    [[nodiscard]] address at() const { return {"127.0.0.1", port_}; }
    // Of a second kind: the bus of a cluster, or TLS.
    [[nodiscard]] std::uint16_t other_port() const { return other_port_; }

    // Blocking, on a connection of its own; null when it does not answer.
    [[nodiscard]] reply ask(const std::vector<std::string>& words) const {
        auto c = command::of(words.front());
        for (std::size_t i = 1; i < words.size(); ++i) c.add(words[i]);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto to = loopback(port_);
        reply out;
        const auto bytes = c.encoded();
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) {
            reply_reader reader;
            char chunk[4096];
            for (ssize_t n = 0; reader.next(out) == reply_reader::step::more && (n = ::read(fd, chunk, sizeof chunk)) > 0;) reader.feed({chunk, static_cast<std::size_t>(n)});
        }
        ::close(fd);
        return out;
    }

private:
    std::vector<std::string> more_;
    std::uint16_t port_, other_port_;
    std::string folder_;
    pid_t pid_ = 0;
};

// Waits for what servers and background jobs do by themselves.
inline bool eventually(const std::function<bool()>& holds, std::chrono::seconds most = std::chrono::seconds(30)) {
    auto& clock = system_clock();
    for (const auto end = clock.steady_now() + most; clock.steady_now() < end; std::this_thread::sleep_for(std::chrono::milliseconds(5)))
        if (holds()) return true;
    return holds();
}
inline task<bool> eventually_in(std::function<task<bool>()> holds, std::chrono::seconds most = std::chrono::seconds(30)) {
    auto& clock = system_clock();
    for (const auto end = clock.steady_now() + most; clock.steady_now() < end; co_await clock.sleep_for(std::chrono::milliseconds(5)))
        if (co_await holds()) co_return true;
    co_return co_await holds();
}

// Three masters, each with a replica.
class cluster {
public:
    static constexpr std::size_t masters = 3;
    cluster() {
        for (std::size_t i = 0; i < 2 * masters; ++i)
            all_.push_back(std::make_unique<server>(std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0",
                                                                             "--repl-diskless-sync-delay", "0"}));
        for (const auto& s : all_) (void)all_[0]->ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(s->at().port), std::to_string(s->other_port())});
        for (std::size_t i = 0; i < masters; ++i)
            (void)all_[i]->ask({"CLUSTER", "ADDSLOTSRANGE", std::to_string(i * slots / masters), std::to_string((i + 1) * slots / masters - 1)});
        EXPECT_TRUE(eventually([this] { return std::ranges::all_of(all_, [this](const auto& s) { return knows_all(*s); }); })) << "the servers do not meet";
        for (std::size_t i = 0; i < masters; ++i) EXPECT_TRUE(eventually([&] { return all_[masters + i]->ask({"CLUSTER", "REPLICATE", id_of(*all_[i])}).is_text(); }));
        EXPECT_TRUE(eventually([this] { return is_well(); })) << "the cluster is not formed";
    }
    [[nodiscard]] server& at(std::size_t i) { return *all_[i]; }
    [[nodiscard]] server& master_of(std::string_view key) { return *all_[std::min<std::size_t>(slot_of(key) / (slots / masters), masters - 1)]; }
    [[nodiscard]] static std::string id_of(const server& s) { return s.ask({"CLUSTER", "MYID"}).text; }

private:
    [[nodiscard]] bool knows_all(const server& s) const {
        const auto said = s.ask({"CLUSTER", "INFO"}).text;
        return said.find(fmt::format("cluster_known_nodes:{}\r\n", all_.size())) != said.npos;
    }
    [[nodiscard]] bool is_well() const {
        const auto says = [](const server& s, std::vector<std::string> question, std::string_view word) { return s.ask(question).text.find(word) != std::string::npos; };
        return std::ranges::all_of(all_, [&](const auto& s) { return says(*s, {"CLUSTER", "INFO"}, "cluster_state:ok"); }) &&
               std::ranges::all_of(all_.begin() + masters, all_.end(), [&](const auto& s) { return says(*s, {"INFO", "replication"}, "master_link_status:up"); });
    }
    std::vector<std::unique_ptr<server>> all_;
};

inline task<void> run_body(options o, std::function<task<void>(client&)> body) {
    client c(std::move(o), system_clock(), system_rng());
    co_await c.start();
    co_await body(c);
    co_await c.stop();
}
// Calls may take long: what a loaded machine does is not what these tests are about.
inline options to(std::vector<address> endpoints, milliseconds call_timeout = milliseconds(5'000)) {
    return {.endpoints = std::move(endpoints), .call_timeout = call_timeout, .connect_timeout = milliseconds(5'000)};
}
inline void with_client(options o, std::function<task<void>(client&)> body) { testing::run(run_body(std::move(o), std::move(body))); }

}  // namespace bv::redis::scratch
