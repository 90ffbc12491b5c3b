// bench_event_log_kafka DIRECTORY JARS [events [rounds]]: events a second from the commit of their outbox rows to the last
// effect's, over Kafka and over the embedded log, and records a second of Kafka's own producer tool. In turns, on one private cluster
// with fsync on and one private broker; prints one JSON object with each round.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/json.hpp>

#include "bench/events/tables.hpp"
#include "platform/core/assert.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/events/kafka/broker.hpp"
#include "platform/events/kafka/kafka_log.hpp"
#include "platform/events/kafka/topics.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace {

using namespace bv;
using namespace bv::bench;
namespace kafka = events::kafka;

constexpr std::int32_t partitions = 3;

events::subscription subscribed(pg::database& taker, const std::string& group) {
    events::subscription s;
    s.group = group;
    s.source = "maker";
    s.consumer = "taker";
    s.store = &taker;
    s.max_batch = batch;
    s.handler = [group](storage::unit_of_work& uow, std::span<const events::event> some) { return apply(uow, group, some); };
    return s;
}

// The log runs and has caught up before the events are there.
double applied_by(events::platform_log& log, runtime& threads, const session& admin, const std::string& group, int events) {
    threads.block_on(log.start());
    const auto effects = [&] { return std::stoi(run(admin, fmt::format("SELECT count(*) FROM taker.effect WHERE group_name = '{}'", group))); };
    const auto before = std::stoi(run(admin, "SELECT count(*) FROM maker.outbox"));
    const auto wait_for = [&](int n) {
        while (effects() < n) std::this_thread::sleep_for(milliseconds(20));
    };
    fill(admin, 1);  // whoever delivers it is at work
    wait_for(before + 1);
    fill(admin, events);
    const auto begun = std::chrono::steady_clock::now();
    wait_for(before + 1 + events);
    const double took = seconds_since(begun);
    threads.block_on(log.stop());
    BV_ASSERT(effects() == before + 1 + events);
    run(admin, "TRUNCATE taker.effect");
    run(admin, "DELETE FROM maker.outbox");
    return events / took;
}

// "50000 records sent, 81234.5 records/sec (…": the last such line.
double by_tool(const std::filesystem::path& folder, const std::string& jars, const std::string& brokers, int events) {
    const auto output = folder / "producer.log";
    std::filesystem::remove(output);
    const auto pid = pg::start_process({.arguments = {"/usr/bin/java", "-Xmx256m", "-cp", jars + "/*", "org.apache.kafka.tools.ProducerPerformance", "--topic", "tool",
                                                      "--num-records", std::to_string(events), "--record-size", "300", "--throughput", "-1", "--producer-props",
                                                      "bootstrap.servers=" + brokers, "acks=all", "enable.idempotence=true"},
                                        .output = output});
    if (pg::wait_exit(pid, seconds(120)) != 0) throw std::runtime_error("Kafka's producer tool failed; see " + output.string());
    std::ifstream in(output);
    double rate = 0;
    for (std::string line; std::getline(in, line);)
        if (const auto at = line.find("records sent, "); at != line.npos) rate = std::stod(line.substr(at + 14));
    return rate;
}

void make_topic(const std::string& brokers) {
    kafka::topic_keeper keeper({brokers}, {{"tool", partitions, 1, std::chrono::hours(1)}}, [] {});
    keeper.start();
    while (!keeper.ready()) std::this_thread::sleep_for(milliseconds(20));
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 3) return std::fputs("bench_event_log_kafka DIRECTORY JARS [events [rounds]]\n", stderr), 2;
    const int events = argc > 3 ? std::atoi(argv[3]) : 50'000, rounds = argc > 4 ? std::atoi(argv[4]) : 3;
    const std::filesystem::path folder = std::filesystem::absolute(argv[1]);
    pg::cluster cluster({.directory = folder / "cluster", .stop_with_parent = true});
    cluster.start();
    kafka::broker broker({.directory = folder / "kafka", .jars = std::filesystem::absolute(argv[2])});
    broker.start();
    make_topic(broker.address());
    runtime threads(2);
    threads.start();
    pg::database admin({.conninfo = cluster.admin_conninfo(), .name = "admin"}, system_clock());
    migrate(threads, admin);
    pg::database reader({.conninfo = cluster.conninfo("bv_log", "bench"), .name = "log"}, system_clock());
    pg::database taker({.conninfo = cluster.conninfo("bv_taker", "bench"), .name = "taker"}, system_clock());
    const auto superuser = connect(cluster.admin_conninfo());
    boost::json::array over_kafka, embedded, tool;
    for (int i = 0; i < rounds; ++i) {
        {
            kafka::kafka_log_options o;
            o.brokers.brokers = broker.address();
            o.relays = {"maker"};
            o.prefix = fmt::format("round{}.", i);
            o.partitions = partitions;
            kafka::kafka_log log(threads, reader, o);
            const auto group = fmt::format("kafka-{}", i);
            log.subscribe(subscribed(taker, group));
            over_kafka.push_back(applied_by(log, threads, superuser, group, events));
        }
        {
            bv::events::embedded_log log(threads, reader);
            const auto group = fmt::format("embedded-{}", i);
            log.subscribe(subscribed(taker, group));
            embedded.push_back(applied_by(log, threads, superuser, group, events));
        }
        tool.push_back(by_tool(folder, std::filesystem::absolute(argv[2]).string(), broker.address(), events));
    }
    for (auto* d : {&admin, &reader, &taker}) threads.block_on(d->close());
    threads.stop();
    threads.join();
    broker.stop();
    cluster.stop();
    std::puts(boost::json::serialize(boost::json::object{{"events", events}, {"batch", batch}, {"partitions", partitions}, {"kafka", over_kafka},
                                                         {"embedded", embedded}, {"tool", tool}}).c_str());
} catch (const std::exception& e) {
    std::fprintf(stderr, "bench_event_log_kafka: %s\n", e.what());
    return 1;
}
