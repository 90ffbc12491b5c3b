// A private Redis as a child process of the platform: on a Unix socket that only its account opens, with nothing on disk.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "app/stack/data_dir.hpp"
#include "app/stack/restart_pause.hpp"
#include "platform/core/clock.hpp"

namespace bv::stack {

class redis_child {
public:
    redis_child() = default;
    redis_child(const redis_child&) = delete;
    redis_child& operator=(const redis_child&) = delete;
    ~redis_child() { stop(); }

    // account: whom it runs as when this process is root. Waits until it listens. Throws failure FAILED_PRECONDITION
    // "REDIS_NOT_INSTALLED", UNAVAILABLE "REDIS_FAILED" quoting the end of its log.
    void start(const data_dir&, const std::string& account);
    // Call it about twice a second: starts it again when it has ended by itself, without waiting for it, after 0.2 s and, while it goes
    // on ending at once, after twice as long each time, up to 10 s. True when there is another process.
    bool tend(steady_point now);
    void stop() noexcept;

    [[nodiscard]] bool started() const noexcept { return !endpoint_.empty(); }
    [[nodiscard]] bool running() noexcept;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // "unix:/…", for redis.endpoints.
    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

private:
    void launch();
    pid_t pid_ = 0;
    restart_pause pause_{milliseconds(200), milliseconds(10'000), seconds(30)};
    std::filesystem::path folder_, socket_, log_;
    bool socket_folder_is_temporary_ = false;
    std::string program_, account_, endpoint_;
};

}  // namespace bv::stack
