// A private Kafka broker of a stack that runs on one machine: one node in KRaft mode, run from Kafka's own jars as a child process
// that listens on loopback only. What it acknowledged outlives its process; it is no more durable than its one disk.
//
//   directory/server.properties, directory/data   made at first start
//   directory/broker.log                          what it says
//   directory/ports, directory/pid                kept, so that clients find it again after a restart
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/java_process.hpp"

namespace bv::events::kafka {

struct broker_options {
    std::filesystem::path directory;  // made when missing
    std::filesystem::path jars;       // the folder of Kafka's jars and what they need: infra/kafka/fetch fills one
    std::filesystem::path java_home{};  // empty: /usr/local/bin/java or /usr/bin/java
    std::string heap = "384m";
    seconds start_timeout{180};
};

// Blocking; one thread at a time, which is to live long: the broker ends with it. Errors are failures with a message that says
// what, where and how to mend it: FAILED_PRECONDITION "KAFKA_NOT_INSTALLED"; UNAVAILABLE "KAFKA_START" with the end of its log.
class broker {
public:
    explicit broker(broker_options);
    broker(const broker&) = delete;
    broker& operator=(const broker&) = delete;

    // Ends one that an earlier run left, makes what is missing and starts it. It answers some seconds later.
    void launch();
    // True once it does. Throws when it has ended instead, or the time to start is over; then it is stopped.
    [[nodiscard]] bool is_up();
    void await();
    void start() { launch(), await(); }
    void stop(milliseconds patience = seconds(20)) noexcept { process_.stop(patience); }
    // False once it has ended by itself: launch() may be called again.
    [[nodiscard]] bool running() noexcept { return process_.running(); }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
    [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const;
    void check_installed() const;
    void choose_ports();
    void write_properties() const;
    void format() const;

    const broker_options options_;
    java_process process_;
    std::uint16_t port_ = 0, controller_port_ = 0;
};

}  // namespace bv::events::kafka
