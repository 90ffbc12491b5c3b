// Which process holds which role and where it listens: by roles.json in the data directory, which the supervisor writes, whole and at
// once, and every process reads again when it has changed; or, without a supervisor, as the setting peers.addresses says.
#pragma once

#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
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
    std::string host{"127.0.0.1"};
    friend bool operator==(const role_process&, const role_process&) = default;
};

// Empty when there is no such file, or a half-written one.
[[nodiscard]] std::vector<role_process> read_roles(const std::filesystem::path& data);
void write_roles(const std::filesystem::path& data, const std::vector<role_process>&);
void remove_roles(const std::filesystem::path& data) noexcept;

// "order=10.0.0.5:7001", "payment=[fd00::6]:7001", several of a role one by one. INVALID_ARGUMENT "BAD_SETTING".
[[nodiscard]] result<std::vector<role_process>> parse_addresses(std::span<const std::string>);

class role_directory final : public rpc::directory {
public:
    // `clock` outlives it.
    role_directory(std::filesystem::path data, const clock& c) : data_(std::move(data)), clock_(c) {}
    // These, for good.
    role_directory(std::vector<role_process> given, const clock& c) : clock_(c), known_(std::move(given)) {}

    [[nodiscard]] std::vector<rpc::address> find(std::string_view role) override;
    [[nodiscard]] std::vector<role_process> all();

private:
    void refresh();
    const std::filesystem::path data_;  // empty: what is known was given
    const clock& clock_;
    std::mutex mutex_;
    std::vector<role_process> known_;
    // Of the file that was read. A file system's clock may tick seldom, and a file in the place of another has a number of its own.
    struct stamp {
        std::uint64_t inode = 0;
        std::int64_t written_ns = 0;
        friend bool operator==(const stamp&, const stamp&) = default;
    };
    stamp read_;
    steady_point looked_{};
};

}  // namespace bv::app
