// The files of a private cluster: configuration, pid file, logs, secrets. Private to pg. Blocking; any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "platform/storage/postgres/server_process.hpp"

namespace bv::pg {

struct server_settings {
    std::string socket_directory;
    int max_connections;
    int shared_buffers_mb;
    int log_mb;  // how much of its log (WAL) the server may keep before a checkpoint
    bool durable;
};
// A page's first change after a checkpoint is logged whole, so checkpoints that follow each other within seconds double the log and hold the
// commits up. As much log, in MB, as makes them rare under load, and no more than an eighth of what is free where the data are.
[[nodiscard]] int log_room(const std::filesystem::path& data);
// The text of postgresql.conf. Settings of the user's own go to local.conf beside it, which comes last.
[[nodiscard]] std::string server_configuration(const server_settings&);

struct pid_file {
    pid_t pid = 0;
    std::string socket_directory;
    bool ready = false;
};
// data/postmaster.pid (PostgreSQL's utils/pidfile.h); nullopt when missing or not yet complete.
[[nodiscard]] std::optional<pid_file> read_pid_file(const std::filesystem::path& data);

// Throws failure FAILED_PRECONDITION "DATABASE_VERSION" unless the data are of version 15.
void check_version(const std::filesystem::path& data);
// That a server that others run answers, is 15 or newer, and lets its role do what migrations need. Throws failure
// UNAVAILABLE "DATABASE_AWAY"; FAILED_PRECONDITION "DATABASE_LOGIN_REFUSED", "DATABASE_VERSION", "DATABASE_RIGHTS".
void check_external(const std::string& conninfo);

// The last lines written since an offset.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file, std::uintmax_t from);
// Moves a log that has grown large aside, keeping one.
void rotate(const std::filesystem::path& log);

// Replaces a file by one that only its owner reads. Throws failure.
void write_private(const std::filesystem::path&, std::string_view text);
// A random password, kept in a file; the one that is there already when it is.
[[nodiscard]] std::string make_secret(const std::filesystem::path&);
[[nodiscard]] std::string read_secret(const std::filesystem::path&);
void give_to(const std::filesystem::path&, const std::optional<account>&);
void sync_directory(const std::filesystem::path&) noexcept;

// A value of a libpq connection string, quoted where needed.
[[nodiscard]] std::string quote_keyword(std::string_view value);
// A connection string with another role and password.
[[nodiscard]] std::string external_with(const std::string& conninfo, std::string_view role, std::string_view password);

}  // namespace bv::pg
