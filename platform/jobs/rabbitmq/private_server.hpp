// A private RabbitMQ of a stack that runs on one machine: one node as a child process, with an epmd of its own, both on loopback only.
// What it has confirmed outlives its process; it is no more durable than its one disk.
//
//   directory/rabbitmq.conf      written at each start, 0600: it holds the password
//   directory/mnesia, home, log  its data, its Erlang cookie, what it says
//   directory/ctl                rabbitmqctl for this node: …/rabbitmq/ctl list_queues
//   directory/ports, pid         kept, so that clients find it again after a restart
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "platform/core/clock.hpp"

namespace bv::jobs::rabbitmq {

struct private_server_options {
    std::filesystem::path directory;  // absolute; made when missing
    std::string account;              // whom it runs as when this process is root
    std::string password;             // of the account private_server::user, which is made at first start; there is no other
    bool management = false;          // with its web interface and Prometheus' metrics, on loopback
    std::string more{};               // lines of rabbitmq.conf
    seconds start_timeout{180};
};

// Blocking; one thread at a time, which is to live long: the server ends with it. Errors are failures with a message that says
// what, where and how to mend it: FAILED_PRECONDITION "RABBITMQ_NOT_INSTALLED"; UNAVAILABLE "RABBITMQ_START" with the end of its log.
class private_server {
public:
    static constexpr const char* user = "bitvelocity";

    explicit private_server(private_server_options o) : options_(std::move(o)) {}
    private_server(const private_server&) = delete;
    private_server& operator=(const private_server&) = delete;
    ~private_server() { stop(); }

    // Ends one that an earlier run left, and starts it. It answers some seconds later.
    void launch();
    // True once it does. Throws when it has ended instead, or the time to start is over; then it is stopped.
    [[nodiscard]] bool is_up();
    void await();
    void stop(milliseconds patience = seconds(20)) noexcept;
    // False once it has ended by itself: launch() may be called again.
    [[nodiscard]] bool running() noexcept;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(ports_[amqp]); }
    // Of the web interface; empty without it.
    [[nodiscard]] std::string management_address() const;

private:
    // epmd tells Erlang nodes, such as rabbitmqctl, each other's ports.
    enum port : std::size_t { amqp, distribution, epmd, web, metrics, streams, port_count };

    void check_installed() const;
    void end_orphans() const;
    void choose_ports();
    void write_files() const;
    void launch_epmd();
    void give(const std::filesystem::path&) const;
    [[nodiscard]] std::vector<std::string> environment() const;
    [[nodiscard]] std::string marker() const { return "bitvelocity_at=" + options_.directory.string(); }
    [[nodiscard]] std::filesystem::path log_file() const { return options_.directory / "log" / "rabbitmq.log"; }

    const private_server_options options_;
    pid_t pid_ = 0, epmd_pid_ = 0;
    std::array<std::uint16_t, port_count> ports_{};
    steady_point launched_{};
};

}  // namespace bv::jobs::rabbitmq
