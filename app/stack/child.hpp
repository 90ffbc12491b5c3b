// A child process of the platform: this same binary in another role. It ends with its parent, whatever happens.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bv::stack {

class child {
public:
    child() = default;
    // Starts this binary with the arguments, output appended to `log`. With `given`, that descriptor is its given_descriptor. Throws
    // failure UNAVAILABLE when it cannot.
    static child start(std::vector<std::string> arguments, const std::filesystem::path& log, int given = -1);
    static constexpr int given_descriptor = 3;
    child(child&&) noexcept;
    child& operator=(child&&) noexcept;
    // Stops it.
    ~child();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] bool running() noexcept;
    // SIGTERM, then SIGKILL after `patience`; waits for the end.
    void stop(std::chrono::milliseconds patience = std::chrono::seconds(5)) noexcept;

private:
    pid_t pid_ = 0;
};

// The end of what a child has written, for a message; empty when it wrote nothing.
[[nodiscard]] std::string log_tail(const std::filesystem::path& log);

// The path of the running binary.
[[nodiscard]] std::filesystem::path own_binary();

}  // namespace bv::stack
