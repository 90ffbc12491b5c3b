// The private cluster: first start, restart, crashes, orphans, and errors that say how to mend them.
#include "platform/storage/postgres/cluster.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "platform/core/error.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace bv::pg {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class a_cluster : public ::testing::Test {
protected:
    a_cluster() {
        std::string name = (fs::temp_directory_path() / "bv-cluster-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        home = name;
        fs::permissions(home, fs::perms::owner_all | fs::perms::others_exec | fs::perms::group_exec);
    }
    ~a_cluster() override { fs::remove_all(home); }

    [[nodiscard]] cluster_options options() const { return {.directory = home / "db", .shared_buffers_mb = 16, .durable = false, .stop_with_parent = true}; }

    static std::string ask(const std::string& conninfo, const char* sql) {
        const std::unique_ptr<PGconn, void (*)(PGconn*)> c(PQconnectdb(conninfo.c_str()), PQfinish);
        const std::unique_ptr<PGresult, void (*)(PGresult*)> r(PQexec(c.get(), sql), PQclear);
        if (PQresultStatus(r.get()) == PGRES_COMMAND_OK) return "done";
        return PQntuples(r.get()) == 1 ? PQgetvalue(r.get(), 0, 0) : PQerrorMessage(c.get());
    }
    template <class F>
    static error refusal(F f) {
        try {
            f();
        } catch (const failure& e) {
            return e.error();
        }
        ADD_FAILURE() << "it was not refused";
        return {};
    }

    fs::path home;
};

TEST_F(a_cluster, keeps_its_data_over_a_restart_and_a_crash) {
    std::vector<std::string> said;
    cluster c(options());
    c.start([&](std::string_view what) { said.emplace_back(what); });
    EXPECT_THAT(said, ::testing::ElementsAre("creating a PostgreSQL cluster", "starting PostgreSQL"));
    EXPECT_TRUE(c.running());
    EXPECT_FALSE(c.adopted());
    EXPECT_EQ(ask(c.admin_conninfo(), "CREATE TABLE kept AS SELECT 7 AS n"), "done");
    EXPECT_EQ(ask(c.admin_conninfo(), "SHOW listen_addresses"), "");
    EXPECT_EQ(ask(c.admin_conninfo(), "SHOW data_checksums"), "on");
    c.stop();
    EXPECT_FALSE(c.running());
    c.start();
    EXPECT_EQ(ask(c.admin_conninfo(), "SELECT n FROM kept"), "7");
    ::kill(c.pid(), SIGKILL);
    while (c.running()) ::usleep(1000);
    c.start();
    EXPECT_EQ(ask(c.admin_conninfo(), "SELECT n FROM kept"), "7");
}

TEST_F(a_cluster, that_stands_still_is_stopped_in_order) {
    cluster c(options());
    c.start();
    ::kill(c.pid(), SIGSTOP);
    c.stop();
    std::ifstream log(c.log_file());
    EXPECT_THAT((std::string{std::istreambuf_iterator<char>(log), {}}), HasSubstr("database system is shut down"));
}

TEST_F(a_cluster, is_durable_unless_told_otherwise) {
    auto o = options();
    o.durable = true;
    cluster c(o);
    c.start();
    EXPECT_EQ(ask(c.admin_conninfo(), "SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes')"), "ononon");
}

TEST_F(a_cluster, keeps_as_much_log_as_its_disk_has_room_for) {
    const auto small = home / "small";
    fs::create_directories(small);
    if (::mount("bv-test", small.c_str(), "tmpfs", 0, "size=1600m,mode=0755") != 0) GTEST_SKIP() << "a small disk needs the right to mount one";
    auto o = options();
    o.directory = small / "db";
    {
        cluster c(o);
        c.start();
        EXPECT_EQ(ask(c.admin_conninfo(), "SELECT setting::int BETWEEN 129 AND 200 FROM pg_settings WHERE name = 'max_wal_size'"), "t");
    }
    ::umount2(small.c_str(), MNT_DETACH);
}

TEST_F(a_cluster, replaces_a_server_that_an_earlier_run_left) {
    cluster earlier(options());
    earlier.start();
    EXPECT_EQ(ask(earlier.admin_conninfo(), "CREATE TABLE kept AS SELECT 7 AS n"), "done");
    const pid_t left = earlier.pid();
    ASSERT_TRUE(cluster::attach(options()).has_value());
    EXPECT_EQ(ask(*cluster::attach(options()), "SELECT n FROM kept"), "7");

    cluster later(options());
    later.start();
    EXPECT_TRUE(later.adopted());
    EXPECT_NE(later.pid(), left);
    EXPECT_FALSE(earlier.running());
    EXPECT_EQ(ask(later.admin_conninfo(), "SELECT n FROM kept"), "7");
}

TEST_F(a_cluster, starts_over_an_interrupted_creation_and_a_stale_pid_file) {
    fs::create_directories(home / "db" / "pgdata.new" / "base");
    std::ofstream(home / "db" / "pgdata.new" / "PG_VERSION") << "15\n";
    cluster c(options());
    c.start();
    c.stop();
    std::ofstream(home / "db" / "pgdata" / "postmaster.pid") << "999999\n" << (home / "db" / "pgdata").string() << "\n1\n5432\n/nowhere\n\n1 1\nready\n";
    EXPECT_FALSE(cluster::attach(options()).has_value());
    c.start();
    EXPECT_TRUE(c.running());
}

// PostgreSQL takes any process of that id for a server, also a zombie or a stranger, and refuses to start.
TEST_F(a_cluster, starts_though_the_stale_pid_is_another_processs_now) {
    cluster c(options());
    c.start();
    c.stop();
    std::ofstream(home / "db" / "pgdata" / "postmaster.pid") << "1\n" << (home / "db" / "pgdata").string() << "\n1\n5432\n/nowhere\n\n1 1\nready\n";
    c.start();
    EXPECT_TRUE(c.running());
}

TEST_F(a_cluster, puts_its_socket_elsewhere_when_its_path_is_too_long) {
    auto o = options();
    o.directory = home / std::string(120, 'd');
    cluster c(o);
    c.start();
    EXPECT_EQ(ask(c.admin_conninfo(), "SELECT 1"), "1");
    EXPECT_THAT(c.admin_conninfo(), HasSubstr("host='/tmp/"));
}

TEST_F(a_cluster, ends_with_the_thread_that_started_it_when_asked_to) {
    auto o = options();
    const auto data = o.directory / "pgdata";
    cluster c(o);
    std::thread([&] { c.start(); }).join();
    while (c.running()) ::usleep(1000);
    EXPECT_TRUE(servers_in(data).empty() || !c.running());
}

TEST_F(a_cluster, says_what_is_missing) {
    auto o = options();
    o.binaries = home;
    const auto e = refusal([&] { cluster(o).start(); });
    EXPECT_EQ(e.reason, "DATABASE_NOT_INSTALLED");
    EXPECT_THAT(e.message, HasSubstr("apt-get install postgresql-15"));
}

TEST_F(a_cluster, says_which_directory_keeps_the_servers_account_out) {
    if (::geteuid() != 0) GTEST_SKIP() << "only a server of another account is kept out";
    fs::create_directories(home / "closed");
    fs::permissions(home / "closed", fs::perms::owner_all);
    auto o = options();
    o.directory = home / "closed" / "db";
    const auto e = refusal([&] { cluster(o).start(); });
    EXPECT_EQ(e.reason, "DATABASE_DIRECTORY");
    EXPECT_THAT(e.message, HasSubstr((home / "closed").string() + " on the way to"));
    EXPECT_THAT(e.message, HasSubstr("--data-dir"));
    EXPECT_THAT(e.message, HasSubstr("chmod o+x"));
}

TEST_F(a_cluster, refuses_an_account_that_is_not_there) {
    if (::geteuid() != 0) GTEST_SKIP() << "no other account is used";
    auto o = options();
    o.account = "no-such-account";
    EXPECT_EQ(refusal([&] { cluster(o).start(); }).reason, "DATABASE_ACCOUNT");
}

TEST_F(a_cluster, says_that_the_disk_is_full) {
    const auto small = home / "small";
    fs::create_directories(small);
    if (::mount("bv-test", small.c_str(), "tmpfs", 0, "size=16m,mode=0755") != 0) GTEST_SKIP() << "a small disk needs the right to mount one";
    auto o = options();
    o.directory = small / "db";
    const auto e = refusal([&] { cluster(o).start(); });
    ::umount2(small.c_str(), MNT_DETACH);
    EXPECT_EQ(e.reason, "DATABASE_DISK_FULL");
    EXPECT_THAT(e.message, HasSubstr(o.directory.string()));
}

TEST_F(a_cluster, quotes_the_log_of_a_server_that_does_not_start) {
    cluster c(options());
    c.start();
    c.stop();
    std::ofstream(home / "db" / "pgdata" / "local.conf") << "max_connections = 'many'\n";
    const auto e = refusal([&] { c.start(); });
    EXPECT_EQ(e.reason, "DATABASE_START");
    EXPECT_THAT(e.message, HasSubstr("max_connections"));
    std::ofstream(home / "db" / "pgdata" / "PG_VERSION") << "14\n";
    EXPECT_EQ(refusal([&] { c.start(); }).reason, "DATABASE_VERSION");
}

TEST(an_external_server, is_used_with_the_role_and_password_of_the_caller) {
    auto c = cluster::external("host=/run/pg dbname='the shop' user=admin password=secret");
    EXPECT_TRUE(c.running()) << "that is for others to see to";
    const auto text = c.conninfo("bv_order", "it's");
    EXPECT_THAT(text, HasSubstr("host='/run/pg'"));
    EXPECT_THAT(text, HasSubstr("dbname='the shop'"));
    EXPECT_THAT(text, HasSubstr("user='bv_order' password='it\\'s'"));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace bv::pg
