// A server of others as a child process of the platform: on a loopback port that it keeps, started again with growing pauses when it
// has ended by itself. Nothing of the platform waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "app/stack/restart_pause.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace bv::stack {

struct server_spec {
    std::string name;                    // "jaeger"
    std::vector<std::string> arguments;  // the program's path first. One of them names the folder: that tells it from others
    std::filesystem::path folder;        // what it keeps, and "pid"
    std::filesystem::path log;
    std::uint16_t port = 0;              // that it answers on once it is up
    std::optional<pg::account> run_as{}; // as whom; none: as this process
};

class server_child {
public:
    explicit server_child(server_spec);
    server_child(server_child&&) noexcept;
    server_child& operator=(server_child&&) = delete;
    ~server_child() { stop(); }

    // More of the program's arguments.
    void give(std::vector<std::string>);
    // Ends what a killed platform left of it, and starts it. Throws failure UNAVAILABLE "SERVER_FAILED".
    void launch();
    // True once it answers. Throws failure UNAVAILABLE "SERVER_FAILED" with the end of its log when it has ended instead, or takes too long.
    [[nodiscard]] bool is_up();
    // Starts it again when it has ended and its pause is over. True when it did.
    bool tend();
    void stop() noexcept;

    [[nodiscard]] const server_spec& spec() const noexcept { return spec_; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
    using steady = std::chrono::steady_clock;
    [[nodiscard]] bool running() noexcept;
    [[nodiscard]] bool is_ours(pid_t) const;
    void end_orphan() const;

    server_spec spec_;
    pid_t pid_ = 0;
    steady::time_point launched_{};
    restart_pause pause_{milliseconds(500), milliseconds(30'000)};
};

// The port that the folder's file "NAME.port" remembers when it is free and in no other one's file, else such a one, which the file then
// remembers.
[[nodiscard]] std::uint16_t lasting_port(const std::filesystem::path& folder, const std::string& name);

}  // namespace bv::stack
