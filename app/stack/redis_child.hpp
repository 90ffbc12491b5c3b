// A private Redis as a child process of the platform: on a Unix socket that only its account opens, with nothing on disk.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "app/stack/data_dir.hpp"

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
    // After it has ended by itself.
    void start_again();
    void stop() noexcept;

    [[nodiscard]] bool started() const noexcept { return !endpoint_.empty(); }
    [[nodiscard]] bool running() noexcept;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // "unix:/…", for redis.endpoints.
    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

private:
    void launch();
    pid_t pid_ = 0;
    std::filesystem::path folder_, socket_, log_;
    bool socket_folder_is_temporary_ = false;
    std::string program_, account_, endpoint_;
};

}  // namespace bv::stack
