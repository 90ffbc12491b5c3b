#include "platform/testing/postgres_fixture.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <optional>
#include <stdexcept>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>

namespace bv::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "bv-test-";

// Directories of processes that were killed.
void remove_leftovers() {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(), ec)) {
        if (!entry.path().filename().string().starts_with(prefix)) continue;
        pid_t owner = 0;
        std::ifstream(entry.path() / "owner") >> owner;
        struct stat s {};
        if (owner <= 0 || ::kill(owner, 0) == 0 || errno != ESRCH) continue;
        if (::lstat(entry.path().c_str(), &s) != 0 || s.st_uid != ::geteuid()) continue;
        fs::remove_all(entry.path(), ec);
    }
}

fs::path make_directory() {
    std::string name = (fs::temp_directory_path() / (std::string(prefix) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory for a test server: " + name);
    ::chmod(name.c_str(), 0711);  // the server's account goes through
    std::ofstream(fs::path(name) / "owner") << ::getpid() << '\n';
    return name;
}

}  // namespace

struct postgres::impl {
    // The kernel ends the server with the thread that started it, so one thread does it all and lives long.
    template <class F>
    auto on_keeper(F f) {
        std::packaged_task<decltype(f())()> job(std::move(f));
        auto done = job.get_future();
        asio::post(keeper, [&job] { job(); });
        return done.get();
    }

    asio::thread_pool keeper{1};
    fs::path directory = make_directory();
    pg::cluster server{pg::cluster_options{.directory = directory / "postgres",
                                           .database = "template_test",
                                           .max_connections = 100,
                                           .shared_buffers_mb = 32,
                                           .durable = false,
                                           .stop_with_parent = true}};
    std::atomic<int> databases{0};
};

postgres& postgres::instance() {
    static postgres one;
    return one;
}

postgres::postgres() {
    remove_leftovers();
    impl_ = std::make_unique<impl>();
    try {
        start();
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(impl_->directory, ignored);
        throw;
    }
}

postgres::~postgres() {
    stop(pg::cluster::mode::immediate);
    impl_->keeper.join();
    std::error_code ignored;
    fs::remove_all(impl_->directory, ignored);
}

void postgres::stop(pg::cluster::mode how) {
    impl_->on_keeper([this, how] { impl_->server.stop(how); });
}
void postgres::start() {
    impl_->on_keeper([this] { impl_->server.start(); });
}
pid_t postgres::pid() const { return impl_->server.pid(); }
std::string postgres::conninfo(std::string_view role, std::string_view password, std::string_view database) const {
    return impl_->server.conninfo(role, password, database);
}
std::string postgres::admin_conninfo(std::string_view database) const { return impl_->server.admin_conninfo(database); }

test_database postgres::database(std::string_view name) {
    const auto full = fmt::format("{}_{}", name, ++impl_->databases);
    const std::unique_ptr<PGconn, void (*)(PGconn*)> c(PQconnectdb(admin_conninfo("postgres").c_str()), PQfinish);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> r(PQexec(c.get(), fmt::format("CREATE DATABASE \"{}\"", full).c_str()), PQclear);
    if (PQresultStatus(r.get()) != PGRES_COMMAND_OK) throw std::runtime_error(fmt::format("database {}: {}", full, PQerrorMessage(c.get())));
    return test_database(full);
}

std::string test_database::admin_conninfo() const { return postgres::instance().admin_conninfo(name_); }
std::string test_database::conninfo(std::string_view role) const { return postgres::instance().conninfo(role, postgres::role_password, name_); }

pg::options test_database::options(std::string_view role) const {
    pg::options o;
    o.conninfo = conninfo(role);
    o.name = std::string(role);
    return o;
}

pg::options test_database::admin_options() const {
    pg::options o;
    o.conninfo = admin_conninfo();
    o.name = "admin";
    return o;
}

namespace {

task<void> migrate_as_admin(pg::options o, std::span<const pg::migration_set> sets) {
    pg::database admin(std::move(o), system_clock());
    co_await pg::migrate(admin, sets, [](std::string_view) { return std::string(postgres::role_password); }, {});
    co_await admin.close();
}

}  // namespace

void test_database::migrate(std::span<const pg::migration_set> sets) const { run(migrate_as_admin(admin_options(), sets)); }

}  // namespace bv::testing
