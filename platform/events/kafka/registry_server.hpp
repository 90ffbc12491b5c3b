// A private schema registry of a stack that runs on one machine: Apicurio Registry as a child process that listens on loopback only.
// What it holds is in a file, for ids that it gave stand in records (ADR 0028).
//
//   directory/registry.mv.db   what it holds (H2)
//   directory/registry.log     what it says
//   directory/port, pid        kept, so that clients find it again after a restart
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "platform/core/clock.hpp"
#include "platform/events/kafka/java_process.hpp"

namespace bv::events::kafka {

struct registry_server_options {
    std::filesystem::path directory;    // made when missing
    std::filesystem::path program;      // the folder that Apicurio Registry was unpacked into: infra/registry/fetch fills one
    std::filesystem::path java_home{};  // empty: /usr/local/bin/java or /usr/bin/java
    std::string heap = "192m";
    seconds start_timeout{180};
};

// As broker: FAILED_PRECONDITION "REGISTRY_NOT_INSTALLED"; UNAVAILABLE "REGISTRY_START" with the end of its log.
class registry_server {
public:
    explicit registry_server(registry_server_options);
    registry_server(const registry_server&) = delete;
    registry_server& operator=(const registry_server&) = delete;

    // Ends one that an earlier run left, and starts it. It answers some seconds later.
    void launch();
    // True once it does. Throws when it has ended instead, or the time to start is over; then it is stopped.
    [[nodiscard]] bool is_up();
    void await();
    void start() { launch(), await(); }
    void stop(milliseconds patience = seconds(10)) noexcept { process_.stop(patience); }
    // False once it has ended by itself: launch() may be called again.
    [[nodiscard]] bool running() noexcept { return process_.running(); }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
    // Of its API as Confluent's registry has it.
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/apis/ccompat/v7"; }

private:
    void choose_port();
    [[nodiscard]] std::filesystem::path runner() const;
    [[nodiscard]] std::filesystem::path store() const { return options_.directory / "registry"; }

    const registry_server_options options_;
    java_process process_;
    std::uint16_t port_ = 0;
};

}  // namespace bv::events::kafka
