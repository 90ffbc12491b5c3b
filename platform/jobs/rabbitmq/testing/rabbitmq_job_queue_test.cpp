// The job queue over a RabbitMQ that this process starts: the contract of every queue, and what is RabbitMQ's own.
#include <csignal>

#include <fmt/format.h>
#include <unistd.h>

#include "platform/jobs/pg_job_world.hpp"
#include "platform/jobs/rabbitmq/job_queue.hpp"
#include "platform/jobs/rabbitmq/private_server.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/storage/postgres/lease_store.hpp"
#include "platform/telemetry/metrics.hpp"
#include "platform/testing/certificate.hpp"

namespace bv::jobs::rabbitmq {
namespace {

using namespace contract;

constexpr const char* password = "of the test's server";

// One for all tests of the process; names are each test's own.
struct started_server {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("bv-rabbitmq-" + std::to_string(::getpid()));
    bv::testing::certificate certificate{"DNS:localhost"};
    std::uint16_t tls_port = keep_loopback_port(0);
    private_server one{{.directory = folder, .account = "postgres", .password = password, .more = fmt::format(R"(listeners.ssl.1 = 127.0.0.1:{0}
ssl_options.cacertfile = {1}/cert.pem
ssl_options.certfile = {1}/cert.pem
ssl_options.keyfile = {1}/key.pem
)", tls_port, folder.string())}};

    started_server() {
        std::filesystem::create_directories(folder);
        for (const auto& [from, to] : {std::pair(certificate.chain(), "cert.pem"), std::pair(certificate.key(), "key.pem")}) {
            std::filesystem::copy_file(from, folder / to);
            std::filesystem::permissions(folder / to, std::filesystem::perms(0644));
        }
        one.launch();
        one.await();
    }
    ~started_server() {
        one.stop();
        std::filesystem::remove_all(folder);
    }
};
started_server& server_with_tls() {
    static started_server s;
    return s;
}
private_server& the_server() { return server_with_tls().one; }

class rabbitmq_world final : public pg_job_world {
public:
    rabbitmq_world() : endpoint_(*parse_address(the_server().address())) {
        static int worlds = 0;
        options.at = {.endpoints = {endpoint_}, .user = private_server::user, .password = password, .heartbeat = seconds(4)};
        options.made = {.prefix = "test" + std::to_string(++worlds) + ".", .queue = "letters"};
        options.poll = milliseconds(20);
        options.overdue = milliseconds(50);
        options.look_every = milliseconds(20);
        options.turn.life = milliseconds(2'000);
    }
    jobs::job_queue& make(policy p) override {
        auto turn = options;
        turn.turn.owner = "instance " + std::to_string(++instances_);
        if (!leases_) leases_ = std::make_unique<pg::lease_store>(database(), "shop");
        return keep(std::make_unique<job_queue>(database(), "shop", std::move(p), turn, *leases_, home_, system_clock(), system_rng()));
    }
    void run(std::function<task<void>(job_world&)> body) override {
        pg_job_world::run([this, body = std::move(body)](job_world& w) { return with_home(this, body, &w); });
    }
    // What a test does at the server by itself.
    [[nodiscard]] connection at_server() const { return {options.at, endpoint_, "test"}; }
    [[nodiscard]] std::string work() const { return options.made.prefix + "jobs.letters"; }

    job_queue_options options;

private:
    static task<void> with_home(rabbitmq_world* self, std::function<task<void>(job_world&)> body, job_world* w) {
        self->home_ = co_await asio::this_coro::executor;
        co_await body(*w);
    }
    const address endpoint_;
    asio::any_io_executor home_;
    std::unique_ptr<pg::lease_store> leases_;
    int instances_ = 0;
};

std::unique_ptr<job_world> make_rabbitmq_world() { return std::make_unique<rabbitmq_world>(); }

TEST(rabbitmq_address, is_a_host_with_a_port) {
    EXPECT_EQ(parse_address("mq.example:5671")->str(), "mq.example:5671");
    EXPECT_EQ(parse_address("mq.example")->port, 5672);
    for (const char* wrong : {"", ":5672", "host:", "host:0", "host:70000", "amqp://host", "a b"}) EXPECT_EQ(parse_address(wrong).error().reason, "RABBITMQ_ENDPOINT") << wrong;
}

TEST(rabbitmq_topology, sends_to_the_tier_that_ends_when_a_job_is_due) {
    const topology t({.prefix = "p.", .queue = "q", .tiers = {seconds(5), seconds(20), seconds(80)}});
    EXPECT_EQ(t.key_after(milliseconds(-3)), "p.jobs.q");
    EXPECT_EQ(t.key_after(milliseconds(1)), "p.jobs.q.wait.5000");
    EXPECT_EQ(t.key_after(milliseconds(4'990)), "p.jobs.q.wait.5000");
    EXPECT_EQ(t.key_after(seconds(17)), "p.jobs.q.wait.20000");
    EXPECT_EQ(t.key_after(seconds(7)), "p.jobs.q.wait.5000") << "twenty would be far too late: it comes early, and is sent on";
    EXPECT_EQ(t.key_after(seconds(9'000)), "p.jobs.q.wait.80000");
    EXPECT_THROW(topology({.queue = "q", .tiers = {}}), failure);
    EXPECT_THROW(topology({.queue = "q", .tiers = {seconds(5), seconds(5)}}), failure);
}

task<void> until(job_queue& q, std::function<bool(const std::string&)> is_it) {
    for (const auto end = system_clock().steady_now() + seconds(40); !is_it(q.trouble()) && system_clock().steady_now() < end;) co_await system_clock().sleep_for(milliseconds(10));
    EXPECT_TRUE(is_it(q.trouble())) << q.trouble();
}
task<void> until_up(job_queue& q) {
    return until(q, [](const std::string& t) { return t.empty(); });
}

#define RABBITMQ_TEST(name)                                               \
    static task<void> rabbitmq_test_##name(rabbitmq_world&);              \
    TEST(rabbitmq_job_queue_, name) {                                     \
        rabbitmq_world world;                                             \
        world.run([](job_world& w) { return rabbitmq_test_##name(static_cast<rabbitmq_world&>(w)); }); \
    }                                                                     \
    static task<void> rabbitmq_test_##name(rabbitmq_world& w)

RABBITMQ_TEST(a_message_that_comes_again_is_no_second_job) {
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("a")});
    const auto first = co_await one.next();
    auto c = w.at_server();
    for (int i = 0; i < 3; ++i) c.publish({w.options.made.prefix + "jobs", w.work(), uuid::named("a").str(), "write", ""});
    co_await enqueue(w, one.queue, {named("b")});
    const auto second = co_await one.next();
    EXPECT_EQ(second.size(), 1U);
    EXPECT_EQ(second.at(0).id, uuid::named("b"));
    co_await finish(w, one.queue, first, verdict::done);
    c.publish({w.options.made.prefix + "jobs", w.work(), uuid::named("a").str(), "write", ""});
    c.publish({w.options.made.prefix + "jobs", w.work(), "not an id", "write", ""});
    co_await enqueue(w, one.queue, {named("c")});
    EXPECT_EQ((co_await one.next()).at(0).id, uuid::named("c"));
}

RABBITMQ_TEST(what_the_server_lost_is_told_again) {
    auto one = co_await at_work(w);
    co_await until_up(static_cast<job_queue&>(one.queue));
    // Told, and lost: no message is there.
    co_await w.database().query({"test.lost", "INSERT INTO shop.jobs (id, queue, kind, payload, traceparent, due_at, told_at) "
                                              "VALUES ('00000000-0000-4000-8000-000000000001', 'letters', 'write', '', '', now() - interval '1 minute', now() - interval '1 minute')"});
    EXPECT_EQ((co_await one.next()).size(), 1U);
}

// Processes that end again and again with messages in hand, for whatever reason, and never came to look at the job.
RABBITMQ_TEST(a_message_that_outlives_too_many_processes_does_not_end_its_job) {
    w.options.made.delivery_limit = 2;
    w.options.overdue = seconds(3'600);
    auto one = worker{w.make(patient), std::make_shared<signal>(co_await asio::this_coro::executor, system_clock())};
    one.queue.attach(one.work);
    topology t({.prefix = w.options.made.prefix, .queue = "letters", .tiers = {soon}, .delivery_limit = 2});
    {
        auto c = w.at_server();
        t.declare(c);
        c.publish({t.exchange(), t.work(), uuid::named("innocent").str(), "write", ""});
    }
    co_await enqueue(w, one.queue, {named("innocent")});
    co_await w.database().query({"test.told", "UPDATE shop.jobs SET told_at = now()"});
    for (int process = 0; process < 3; ++process) {
        auto c = w.at_server();
        c.consume(t.work(), "work", 1);
        std::optional<incoming> got;
        for (const auto end = system_clock().steady_now() + seconds(10); !got && system_clock().steady_now() < end;) {
            c.wait(-1, milliseconds(20));
            got = c.next();
        }
        EXPECT_TRUE(got.has_value()) << "process " << process;
    }
    {
        auto c = w.at_server();
        for (const auto end = system_clock().steady_now() + seconds(10); c.ready_in(t.dead()) == 0 && system_clock().steady_now() < end;) c.wait(-1, milliseconds(20));
        EXPECT_EQ(c.ready_in(t.dead()), 1) << "RabbitMQ has given it up";
    }
    co_await one.queue.start();
    const auto got = co_await one.next();
    EXPECT_EQ(got.size(), 1U);
    EXPECT_EQ((co_await one.queue.count()).dead, 0);
}

RABBITMQ_TEST(what_waits_in_the_queue_is_not_told_again_while_more_is_told) {
    w.options.batch = 1;
    w.options.prefetch = 1;
    w.options.overdue = seconds(1);
    auto one = co_await at_work(w);
    co_await until_up(static_cast<job_queue&>(one.queue));
    auto& again = telemetry::count("bv_jobs_told_again_total", "", {{"queue", "letters"}});
    const auto before = again.value();
    std::vector<new_job> many;
    for (int i = 0; i < 1'000; ++i) many.push_back(named("job " + std::to_string(i)));
    co_await enqueue(w, one.queue, many);
    const pg::statement untold{"test.untold", "SELECT count(*) FROM shop.jobs WHERE told_at IS NULL"};
    for (const auto end = system_clock().steady_now() + seconds(40); system_clock().steady_now() < end; co_await system_clock().sleep_for(milliseconds(20)))
        if ((co_await w.database().query(untold)).front().get<std::int64_t>(0) == 0) break;
    EXPECT_EQ(again.value(), before) << "nobody takes them, and all of them are there";
}

RABBITMQ_TEST(a_queue_that_is_full_leaves_jobs_in_the_database) {
    w.options.made.most = 2;
    auto one = co_await at_work(w);
    std::vector<new_job> many;
    for (int i = 0; i < 60; ++i) many.push_back(named("job " + std::to_string(i)));
    co_await enqueue(w, one.queue, many);
    std::set<uuid> seen;
    while (seen.size() < many.size()) {
        const auto got = co_await one.next();
        if (got.empty()) break;
        for (const auto& j : got) seen.insert(j.id);
        co_await finish(w, one.queue, got, verdict::done);
    }
    EXPECT_EQ(seen.size(), many.size());
}

RABBITMQ_TEST(queues_that_were_made_otherwise_are_told_and_not_changed) {
    auto made = w.options.made;
    made.tiers = {soon};
    made.delivery_limit = 7;
    auto c = w.at_server();
    topology(made).declare(c);
    auto& q = static_cast<job_queue&>(w.make(patient));
    co_await q.start();
    co_await until(q, [&](const std::string& t) { return t.find("x-delivery-limit") != t.npos && t.find(w.work()) != t.npos && t.find("delete_queue") != t.npos; });
}

RABBITMQ_TEST(a_login_that_is_refused_is_told) {
    w.options.at.user = "guest";
    w.options.at.password = "guest";
    auto& q = static_cast<job_queue&>(w.make(patient));
    co_await q.start();
    co_await until(q, [](const std::string& t) { return t.find("logging in as \"guest\"") != t.npos; });
}

RABBITMQ_TEST(tls_is_spoken_with_a_server_that_shows_who_it_is) {
    auto& s = server_with_tls();
    w.options.at.tls = true;
    w.options.at.ca_file = s.folder / "cert.pem";
    w.options.at.endpoints = {{"localhost", s.tls_port}};
    auto one = co_await at_work(w);
    co_await enqueue(w, one.queue, {named("a")});
    EXPECT_EQ((co_await one.next()).size(), 1U);
    w.options.at.endpoints = {{"127.0.0.1", s.tls_port}};  // which its certificate does not name
    auto& stranger = static_cast<job_queue&>(w.make(patient));
    co_await stranger.start();
    co_await until(stranger, [](const std::string& t) { return t.find("SSL") != t.npos; });
    w.options.at.ca_file.clear();
    auto& without = static_cast<job_queue&>(w.make(patient));
    co_await without.start();
    co_await until(without, [](const std::string& t) { return t.find("rabbitmq.ca_file") != t.npos; });
}

RABBITMQ_TEST(jobs_wait_for_a_server_that_stands_still) {
    auto one = co_await at_work(w);
    auto& q = static_cast<job_queue&>(one.queue);
    co_await until_up(q);
    ::kill(the_server().pid(), SIGSTOP);
    co_await enqueue(w, q, {named("a")});
    co_await until(q, [](const std::string& t) { return !t.empty(); });
    ::kill(the_server().pid(), SIGCONT);
    std::vector<job> got;
    for (int i = 0; i < 4 && got.empty(); ++i) got = co_await one.next();
    EXPECT_EQ(got.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(rabbitmq, job_contract, ::testing::Values(make_rabbitmq_world));

}  // namespace
}  // namespace bv::jobs::rabbitmq

