// roles.json in the data directory: which process holds which role and where it listens. The supervisor writes it, whole and at
// once; every process reads it again when it has changed.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include <sys/types.h>

#include "platform/core/clock.hpp"
#include "platform/rpc/peer/directory.hpp"

namespace bv::app {

struct role_process {
    std::string role;
    pid_t pid = 0;
    std::uint16_t port = 0;     // of its internal listener, on loopback; 0: not known yet
    bool ready = false;
    std::int64_t restarts = 0;  // since the platform was started
    std::string state;          // "starting", "ready", "unready", "draining", "waiting to be started again"
    std::string since{};        // when that state began, RFC 3339
    friend bool operator==(const role_process&, const role_process&) = default;
};

// Empty when there is no such file, or a half-written one.
[[nodiscard]] std::vector<role_process> read_roles(const std::filesystem::path& data);
void write_roles(const std::filesystem::path& data, const std::vector<role_process>&);
void remove_roles(const std::filesystem::path& data) noexcept;

class role_directory final : public rpc::directory {
public:
    // `clock` outlives it.
    role_directory(std::filesystem::path data, const clock& c) : data_(std::move(data)), clock_(c) {}

    [[nodiscard]] std::vector<rpc::address> find(std::string_view role) override;
    [[nodiscard]] std::vector<role_process> all();

private:
    void refresh();
    const std::filesystem::path data_;
    const clock& clock_;
    std::mutex mutex_;
    std::vector<role_process> known_;
    std::filesystem::file_time_type changed_{};
    steady_point looked_{};
};

}  // namespace bv::app
