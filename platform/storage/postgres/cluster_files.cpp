#include "platform/storage/postgres/cluster_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::pg {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest_log = 10 * 1024 * 1024;
constexpr std::uintmax_t tail_bytes = 3000;

std::string whole_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string trimmed(std::string s) {
    while (!s.empty() && (s.back() == '\n' || s.back() == ' ')) s.pop_back();
    return s;
}

}  // namespace

std::string server_configuration(const server_settings& s) {
    std::string directory;
    for (const char c : s.socket_directory) {
        if (c == '\'') directory.push_back('\'');
        directory.push_back(c);
    }
    return fmt::format(R"(# Written at each start. Put your own settings into local.conf in this directory: they win.
listen_addresses = ''
unix_socket_directories = '"{}"'
unix_socket_permissions = 0700
port = 5432
max_connections = {}
shared_buffers = {}MB
work_mem = 4MB
maintenance_work_mem = 64MB
dynamic_shared_memory_type = posix
fsync = {}
synchronous_commit = {}
full_page_writes = {}
wal_level = replica
max_wal_senders = 4
max_wal_size = {}MB
min_wal_size = 80MB
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
autovacuum = on
track_io_timing = off
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
# Rows, statements and their parameters may be personal data: they stay out of the log.
log_error_verbosity = terse
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
include_if_exists = 'local.conf'
)",
                       directory, s.max_connections, s.shared_buffers_mb, s.durable ? "on" : "off", s.durable ? "on" : "off", s.durable ? "on" : "off",
                       s.log_mb);
}

int log_room(const fs::path& data) {
    constexpr std::uintmax_t mb = 1024 * 1024, least = 128, most = 2048;
    std::error_code unknown;
    const auto space = fs::space(data, unknown);
    return static_cast<int>(unknown ? least : std::clamp<std::uintmax_t>(space.available / mb / 8, least, most));
}

std::optional<pid_file> read_pid_file(const fs::path& data) {
    std::ifstream in(data / "postmaster.pid");
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.size() < 5) return std::nullopt;
    pid_file out;
    std::from_chars(lines[0].data(), lines[0].data() + lines[0].size(), out.pid);
    out.socket_directory = lines[4];
    out.ready = lines.size() >= 8 && trimmed(lines[7]) == "ready";
    if (out.pid <= 0) return std::nullopt;
    return out;
}

void check_version(const fs::path& data) {
    const auto version = trimmed(whole_file(data / "PG_VERSION"));
    if (version == "15") return;
    throw failure(code::failed_precondition, "DATABASE_VERSION",
                  fmt::format("the data in {} are {}, and this program runs PostgreSQL 15: move them with pg_upgrade, or give another place with --data-dir", data.string(),
                              version.empty() ? "not of a PostgreSQL cluster" : "of PostgreSQL " + version));
}

std::string tail_of(const fs::path& file, std::uintmax_t from) {
    std::ifstream in(file, std::ios::binary);
    in.seekg(0, std::ios::end);
    const auto size = static_cast<std::uintmax_t>(std::max<std::streamoff>(in.tellg(), 0));
    in.seekg(static_cast<std::streamoff>(std::max(std::min(from, size), size > tail_bytes ? size - tail_bytes : 0)));
    return trimmed({std::istreambuf_iterator<char>(in), {}});
}

void rotate(const fs::path& log) {
    std::error_code ec;
    if (fs::file_size(log, ec) > largest_log && !ec) fs::rename(log, log.string() + ".1", ec);
}

void write_private(const fs::path& file, std::string_view text) {
    const auto next = file.string() + ".new";
    const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0;
    for (std::size_t at = 0; ok && at < text.size();) {
        const auto n = ::write(fd, text.data() + at, text.size() - at);
        ok = n > 0;
        at += ok ? static_cast<std::size_t>(n) : 0;
    }
    ok = ok && ::fsync(fd) == 0;
    const std::error_code problem(errno, std::generic_category());
    if (fd >= 0) ::close(fd);
    if (ok && ::rename(next.c_str(), file.c_str()) == 0) return;
    if (problem == std::errc::no_space_on_device) {
        throw failure(code::unavailable, "DATABASE_DISK_FULL", fmt::format("the disk that holds {} is full: free some space, or give another place with --data-dir", file.string()));
    }
    throw failure(code::failed_precondition, "DATABASE_DIRECTORY", fmt::format("{} cannot be written: {}", file.string(), problem.message()));
}

std::string make_secret(const fs::path& file) {
    if (fs::exists(file)) return read_secret(file);
    std::array<std::uint8_t, 24> random{};
    system_rng().fill(random);
    std::string out;
    for (const auto byte : random) out += fmt::format("{:02x}", byte);
    write_private(file, out + "\n");
    return out;
}

std::string read_secret(const fs::path& file) {
    auto out = trimmed(whole_file(file));
    if (out.empty()) throw failure(code::failed_precondition, "DATABASE_DIRECTORY", fmt::format("{} is missing or cannot be read: it holds the password of the cluster beside it", file.string()));
    return out;
}

void give_to(const fs::path& p, const std::optional<account>& who) {
    if (who && ::lchown(p.c_str(), who->uid, who->gid) != 0) throw fs::filesystem_error("chown", p, std::error_code(errno, std::generic_category()));
}

void sync_directory(const fs::path& p) noexcept {
    const int fd = ::open(p.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

std::string quote_keyword(std::string_view value) {
    std::string out = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "'";
}

std::string external_with(const std::string& conninfo, std::string_view role, std::string_view password) {
    char* problem = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(PQconninfoParse(conninfo.c_str(), &problem), PQconninfoFree);
    if (!parsed) {
        PQfreemem(problem);  // it may quote the password
        throw failure(code::invalid_argument, "DATABASE_CONNINFO", "the connection string of the external server cannot be read; write libpq keywords or a postgresql:// URI");
    }
    std::string out;
    for (auto* o = parsed.get(); o->keyword != nullptr; ++o) {
        const std::string_view key = o->keyword;
        if (o->val != nullptr && key != "user" && key != "password") out += fmt::format("{}={} ", key, quote_keyword(o->val));
    }
    return out + fmt::format("user={} password={}", quote_keyword(role), quote_keyword(password));
}

}  // namespace bv::pg
