#include "platform/storage/postgres/cluster.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"
#include "platform/storage/postgres/cluster_files.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace bv::pg {
namespace {

namespace fs = std::filesystem;

constexpr milliseconds poll_interval{10};
constexpr seconds stop_patience{30}, quit_patience{10};

void tell(const cluster::progress& report, std::string_view what) {
    if (report) report(what);
}

// Until none of these processes is left; they are not our children.
bool all_gone(const fs::path& data, milliseconds patience) {
    for (auto left = patience;; left -= poll_interval) {
        if (servers_in(data).empty()) return true;
        if (left <= milliseconds::zero()) return false;
        std::this_thread::sleep_for(poll_interval);
    }
}

bool is_disk_full(std::string_view text) { return text.find("No space left on device") != text.npos; }

failure disk_full(const fs::path& where) {
    return {code::unavailable, "DATABASE_DISK_FULL",
            fmt::format("the disk that holds {} is full: free some space, or give another place with --data-dir", where.string())};
}

}  // namespace

cluster::cluster(cluster_options o) : options_(std::move(o)) { options_.directory = fs::absolute(options_.directory); }

cluster::cluster(cluster&& other) noexcept
    : options_(std::move(other.options_)),
      external_(std::move(other.external_)),
      socket_directory_(std::move(other.socket_directory_)),
      socket_directory_is_temporary_(std::exchange(other.socket_directory_is_temporary_, false)),
      pid_(std::exchange(other.pid_, 0)),
      adopted_(other.adopted_) {}

cluster cluster::external(std::string admin_conninfo) {
    cluster out;
    out.external_ = std::move(admin_conninfo);
    return out;
}

cluster::~cluster() { stop(); }

fs::path cluster::program(std::string_view name) const {
    const fs::path folder = options_.binaries.empty() ? fs::path("/usr/lib/postgresql/15/bin") : options_.binaries;
    const auto file = folder / name;
    if (::access(file.c_str(), X_OK) != 0) {
        throw failure(code::failed_precondition, "DATABASE_NOT_INSTALLED",
                      fmt::format("{} is not there: install PostgreSQL 15 with \"apt-get install postgresql-15\", or use a server of your own", file.string()));
    }
    return file;
}

void cluster::own(const fs::path& p) const { give_to(p, server_account(options_.account)); }

void cluster::start(const progress& report) {
    if (is_external()) return check_external(external_);
    if (running()) return;
    (void)program("initdb");
    (void)program("postgres");
    prepare_directory();
    end_orphans(report);
    if (!fs::exists(data())) make_cluster(report);
    check_version(data());
    choose_socket_directory();
    write_configuration();
    tell(report, "starting PostgreSQL");
    launch();
    create_database();
}

void cluster::prepare_directory() {
    const auto who = server_account(options_.account);
    try {
        fs::create_directories(options_.directory);
        own(options_.directory);
        fs::permissions(options_.directory, fs::perms::owner_all);
    } catch (const fs::filesystem_error& e) {
        if (e.code() == std::errc::no_space_on_device) throw disk_full(options_.directory);
        throw failure(code::failed_precondition, "DATABASE_DIRECTORY",
                      fmt::format("the directory {} cannot be made or used: {}. Give another place with --data-dir", options_.directory.string(), e.code().message()));
    }
    std::vector<fs::path> way;
    fs::path at;
    for (const auto& part : fs::canonical(options_.directory)) {
        at /= part;
        way.push_back(at);
    }
    if (const auto closed = first_closed_directory(who, way)) {
        throw failure(code::failed_precondition, "DATABASE_DIRECTORY",
                      fmt::format("PostgreSQL does not run as root, so it runs as account \"{}\", which may not enter {} on the way to {}. "
                                  "Give a place that it may reach with --data-dir, for example /var/lib/bitvelocity, or open the directory with \"chmod o+x {}\"",
                                  options_.account, closed->string(), options_.directory.string(), closed->string()));
    }
}

void cluster::end_orphans(const progress& report) {
    adopted_ = false;
    const auto left = servers_in(data());
    if (left.empty()) return drop_stale_lock();
    adopted_ = true;
    tell(report, "stopping a PostgreSQL server that an earlier run left behind");
    const auto postmaster = read_pid_file(data());
    if (postmaster && std::ranges::find(left, postmaster->pid) != left.end()) ::kill(postmaster->pid, SIGINT);
    // Without their postmaster the others end by themselves within moments.
    if (all_gone(data(), stop_patience)) return drop_stale_lock();
    for (const pid_t pid : servers_in(data())) ::kill(pid, SIGQUIT);
    if (all_gone(data(), quit_patience)) return drop_stale_lock();
    for (const pid_t pid : servers_in(data())) ::kill(pid, SIGKILL);
    if (!all_gone(data(), quit_patience)) {
        throw failure(code::unavailable, "DATABASE_START", fmt::format("a PostgreSQL server of an earlier run still uses {} and does not end", data().string()));
    }
    drop_stale_lock();
}

// No server uses the directory. Its lock files may still name a process id that is taken: by a zombie that nobody reaps (a
// container without an init), or by a stranger since. PostgreSQL would take that for another server and refuse to start.
void cluster::drop_stale_lock() const {
    const auto named = read_pid_file(data());
    std::error_code ec;
    if (named && ::kill(named->pid, 0) == 0) fs::remove(data() / "postmaster.pid", ec);
    fs::remove(options_.directory / "run" / ".s.PGSQL.5432.lock", ec);  // the socket's, in a directory of this cluster alone
}

void cluster::make_cluster(const progress& report) {
    tell(report, "creating a PostgreSQL cluster");
    const auto fresh = options_.directory / "pgdata.new", password_file = options_.directory / "initdb.password";
    const auto output = options_.directory / "initdb.log";
    fs::remove_all(fresh);
    fs::remove(output);
    const auto kept = options_.directory / "admin.password";
    const std::string password = options_.admin_password.empty() ? make_secret(kept) : options_.admin_password;
    write_private(password_file, password + "\n");
    own(password_file);
    process_spec spec{{program("initdb"), "-D", fresh, "-U", std::string(admin_role), "--pwfile", password_file, "-A", "scram-sha-256", "--data-checksums",
                       "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"},
                      server_account(options_.account), output, SIGTERM};
    if (!options_.durable) spec.arguments.emplace_back("--no-sync");
    const auto status = wait_exit(start_process(spec), options_.start_timeout * 5);
    fs::remove(password_file);
    if (status != 0) {
        const auto said = tail_of(output, 0);
        if (is_disk_full(said)) throw disk_full(options_.directory);
        throw failure(code::unavailable, "DATABASE_START", fmt::format("initdb could not make a cluster in {}; it said:\n{}", options_.directory.string(), said));
    }
    fs::rename(fresh, data());
    sync_directory(options_.directory);
    fs::remove(output);
}

void cluster::choose_socket_directory() {
    constexpr std::string_view socket_name = "/.s.PGSQL.5432.lock";
    constexpr std::size_t longest = 107;  // sockaddr_un
    if (socket_directory_is_temporary_ && fs::exists(socket_directory_)) return;
    socket_directory_ = options_.directory / "run";
    if (socket_directory_.native().size() + socket_name.size() <= longest) {
        fs::create_directories(socket_directory_);
    } else {
        char name[] = "/tmp/bv-pg-XXXXXX";
        if (::mkdtemp(name) == nullptr) throw failure(code::failed_precondition, "DATABASE_DIRECTORY", fmt::format("no directory for a socket under /tmp: {}", os_error()));
        socket_directory_ = name;
        socket_directory_is_temporary_ = true;
    }
    own(socket_directory_);
    fs::permissions(socket_directory_, fs::perms::owner_all);
}

void cluster::write_configuration() const {
    const auto file = data() / "postgresql.conf";
    write_private(file, server_configuration({.socket_directory = socket_directory_.string(),
                                              .max_connections = options_.max_connections,
                                              .shared_buffers_mb = options_.shared_buffers_mb,
                                              .log_mb = log_room(data()),
                                              .durable = options_.durable}));
    own(file);
}

std::string cluster::log_tail(std::uintmax_t from) const { return tail_of(log_file(), from); }

void cluster::launch() {
    rotate(log_file());
    process_spec spec{{program("postgres"), "-D", data()}, server_account(options_.account), log_file(), options_.stop_with_parent ? SIGQUIT : 0};
    std::error_code none;
    for (milliseconds left = options_.start_timeout;;) {
        const auto said_before = fs::exists(log_file()) ? fs::file_size(log_file(), none) : 0;
        pid_ = start_process(spec);
        for (std::optional<int> ended; !ended; left -= poll_interval) {
            if (const auto state = read_pid_file(data()); state && state->pid == pid_ && state->ready) return;
            ended = wait_exit(pid_, poll_interval);
            if (!ended && left <= milliseconds::zero()) {
                stop(mode::immediate);
                throw failure(code::unavailable, "DATABASE_START",
                              fmt::format("PostgreSQL was not ready within {} s; the end of {}:\n{}", options_.start_timeout.count(), log_file().string(), log_tail(said_before)));
            }
        }
        pid_ = 0;
        const auto said = log_tail(said_before);
        // The memory of a server that was killed goes with the last of its processes.
        const bool lingering = said.find("pre-existing shared memory block") != said.npos;
        if (lingering && left > milliseconds::zero()) {
            std::this_thread::sleep_for(poll_interval * 10);
            left -= poll_interval * 10;
            continue;
        }
        if (is_disk_full(said)) throw disk_full(options_.directory);
        throw failure(code::unavailable, "DATABASE_START", fmt::format("PostgreSQL does not start; the end of {}:\n{}", log_file().string(), said));
    }
}

void cluster::create_database() const {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> c(PQconnectdb(admin_conninfo("postgres").c_str()), PQfinish);
    const auto run = [&](const std::string& sql) { return std::unique_ptr<PGresult, void (*)(PGresult*)>(PQexec(c.get(), sql.c_str()), PQclear); };
    const auto failed = [&] {
        const std::string said = PQerrorMessage(c.get());
        return is_disk_full(said) ? disk_full(options_.directory)
                                  : failure(code::unavailable, "DATABASE_START", fmt::format("database {} cannot be made: {}", options_.database, said));
    };
    if (PQstatus(c.get()) != CONNECTION_OK) throw failed();
    const std::unique_ptr<char, void (*)(void*)> literal(PQescapeLiteral(c.get(), options_.database.data(), options_.database.size()), PQfreemem);
    const std::unique_ptr<char, void (*)(void*)> name(PQescapeIdentifier(c.get(), options_.database.data(), options_.database.size()), PQfreemem);
    const auto found = run(fmt::format("SELECT 1 FROM pg_database WHERE datname = {}", literal.get()));
    if (PQresultStatus(found.get()) != PGRES_TUPLES_OK) throw failed();
    if (PQntuples(found.get()) == 1) return;
    if (PQresultStatus(run(fmt::format("CREATE DATABASE {}", name.get())).get()) != PGRES_COMMAND_OK) throw failed();
}

void cluster::stop(mode how) noexcept {
    if (pid_ != 0) {
        ::kill(pid_, SIGCONT);  // one that stands still hears nothing
        ::kill(pid_, how == mode::fast ? SIGINT : SIGQUIT);
        if (!wait_exit(pid_, stop_patience)) {
            ::kill(pid_, SIGQUIT);
            if (!wait_exit(pid_, quit_patience)) {
                ::kill(pid_, SIGKILL);
                (void)wait_exit(pid_, quit_patience);
            }
        }
        pid_ = 0;
    }
    if (socket_directory_is_temporary_) {
        std::error_code ignored;
        fs::remove_all(socket_directory_, ignored);
        socket_directory_is_temporary_ = false;
    }
}

bool cluster::running() noexcept {
    if (is_external()) return true;
    if (pid_ != 0 && wait_exit(pid_, milliseconds::zero())) pid_ = 0;
    return pid_ != 0;
}

std::string cluster::conninfo(std::string_view role, std::string_view password, std::string_view database) const {
    if (is_external()) {
        return external_with(external_, role, password);
    }
    return fmt::format("host={} port=5432 dbname={} user={} password={}", quote_keyword(socket_directory_.string()), quote_keyword(database), quote_keyword(role),
                       quote_keyword(password));
}

std::string cluster::admin_conninfo(std::string_view database) const {
    if (is_external()) return external_;
    return conninfo(admin_role, options_.admin_password.empty() ? read_secret(options_.directory / "admin.password") : options_.admin_password, database);
}

std::optional<std::string> cluster::attach(const cluster_options& o) {
    cluster here(o);
    const auto state = read_pid_file(here.data());
    if (!state || !state->ready || ::kill(state->pid, 0) != 0) return std::nullopt;
    here.socket_directory_ = state->socket_directory;
    return here.admin_conninfo();
}

}  // namespace bv::pg
