// The private PostgreSQL 15 server of a stack that runs on one machine: made in a directory at first start, run as a
// child process that listens on a Unix socket only. Durable: fsync and synchronous_commit are on.
//
//   directory/pgdata        the data; made beside it first and renamed, so that an interrupted initdb is started over
//   directory/postgres.log  what the server says
//   directory/run           the socket, or a short directory under /tmp when this path is too long for one
//   directory/admin.password  of the superuser, unless given
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "platform/core/clock.hpp"

namespace bv::pg {

struct cluster_options {
    std::filesystem::path directory;      // made when missing
    std::string account = "postgres";     // runs the server when we are root, which PostgreSQL refuses to run as
    std::string admin_password{};         // of the superuser; empty: made at first start and kept in the directory
    std::string database = "bitvelocity"; // made when missing
    int max_connections = 100;
    int shared_buffers_mb = 64;
    bool durable = true;                  // false: no fsync, for throwaway clusters of tests only
    // The kernel stops the server at once when the thread that called start() ends, so call it on one that lives long.
    bool stop_with_parent = false;
    std::filesystem::path binaries{};     // folder of initdb and postgres; empty: where Debian has them
    seconds start_timeout{60};
};

// Blocking; one thread at a time. Errors are failures with a message that says what, where and how to mend it:
// FAILED_PRECONDITION "DATABASE_NOT_INSTALLED", "DATABASE_DIRECTORY", "DATABASE_ACCOUNT", "DATABASE_VERSION";
// UNAVAILABLE "DATABASE_DISK_FULL", "DATABASE_START".
class cluster {
public:
    using progress = std::function<void(std::string_view what)>;
    static constexpr std::string_view admin_role = "bv_admin";

    explicit cluster(cluster_options);
    // A server that others run: start looks whether it can be used, stop does nothing. The conninfo is that of a role that may create roles and
    // schemas in its database.
    [[nodiscard]] static cluster external(std::string admin_conninfo);
    cluster(cluster&&) noexcept;
    cluster& operator=(cluster&&) = delete;
    ~cluster();  // stops

    // Makes the cluster at first start, ends an orphan that an earlier run left, starts, and waits until it answers.
    void start(const progress& = {});
    enum class mode : unsigned char { fast, immediate };  // finish transactions' rollback and checkpoint; or just end
    void stop(mode = mode::fast) noexcept;
    // False once the server has ended by itself: start() may be called again.
    [[nodiscard]] bool running() noexcept;

    [[nodiscard]] std::string conninfo(std::string_view role, std::string_view password) const { return conninfo(role, password, options_.database); }
    [[nodiscard]] std::string conninfo(std::string_view role, std::string_view password, std::string_view database) const;
    [[nodiscard]] std::string admin_conninfo() const { return admin_conninfo(options_.database); }
    [[nodiscard]] std::string admin_conninfo(std::string_view database) const;
    // Of the cluster in this directory while another process runs it; nullopt when none does.
    [[nodiscard]] static std::optional<std::string> attach(const cluster_options&);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }              // 0 when not running or external
    [[nodiscard]] bool adopted() const noexcept { return adopted_; }       // start() found an orphan and replaced it
    [[nodiscard]] bool is_external() const noexcept { return !external_.empty(); }
    [[nodiscard]] const std::filesystem::path& socket_directory() const noexcept { return socket_directory_; }  // once it was started
    [[nodiscard]] std::filesystem::path log_file() const { return options_.directory / "postgres.log"; }

private:
    cluster() = default;
    [[nodiscard]] std::filesystem::path data() const { return options_.directory / "pgdata"; }
    [[nodiscard]] std::filesystem::path program(std::string_view name) const;
    void prepare_directory();
    void end_orphans(const progress&);
    void drop_stale_lock() const;
    void make_cluster(const progress&);
    void write_configuration() const;
    void choose_socket_directory();
    void launch();
    void create_database() const;
    [[nodiscard]] std::string log_tail(std::uintmax_t from) const;
    void own(const std::filesystem::path&) const;

    cluster_options options_{};
    std::string external_{};
    std::filesystem::path socket_directory_{};
    bool socket_directory_is_temporary_ = false;
    pid_t pid_ = 0;
    bool adopted_ = false;
};

}  // namespace bv::pg
