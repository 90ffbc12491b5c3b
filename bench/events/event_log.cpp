// bench_event_log DIRECTORY [events [rounds]]: how fast one subscription applies events that are there already, against a
// bare SQL loop that does the same on the same tables: read 64 rows, insert an effect of each, move the position, commit.
// Both in turns on one private cluster with fsync on; prints one JSON object with events a second of each round.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bench/events/tables.hpp"
#include "platform/core/assert.hpp"
#include "platform/core/error.hpp"
#include "platform/events/embedded_log.hpp"

namespace {

using namespace bv;
using namespace bv::bench;

double by_subscription(runtime& threads, pg::database& reader, pg::database& taker, const session& admin, int round, int events) {
    const auto group = fmt::format("group-{}", round);
    events::embedded_log log(threads, reader);
    events::subscription s;
    s.group = group;
    s.source = "maker";
    s.consumer = "taker";
    s.store = &taker;
    s.max_batch = batch;
    s.handler = [group](storage::unit_of_work& uow, std::span<const events::event> some) { return apply(uow, group, some); };
    log.subscribe(std::move(s));
    const auto last = std::stoll(run(admin, "SELECT max(position) FROM maker.outbox"));
    const auto begun = std::chrono::steady_clock::now();
    threads.block_on(log.start());
    while (log.status().front().position < last) std::this_thread::sleep_for(milliseconds(1));
    const double took = seconds_since(begun);
    threads.block_on(log.stop());
    BV_ASSERT(std::stoi(run(admin, fmt::format("SELECT count(*) FROM taker.effect WHERE group_name = '{}'", group))) == events);
    return events / took;
}

// Prepared, and one round trip for each of the statements, as a plain program does it.
double by_loop(const session& taker, const session& reader, int round, int events) {
    run(taker, "DEALLOCATE ALL");
    run(taker, "PREPARE effects (text, uuid[], text[], bytea[]) AS INSERT INTO taker.effect (group_name, id, key, payload) SELECT $1, * FROM unnest($2, $3, $4)");
    run(taker, fmt::format("PREPARE moved (bigint) AS INSERT INTO taker.consumer_position (group_name, source, position) VALUES ('loop-{}', 'maker', $1) "
                           "ON CONFLICT (group_name, source) DO UPDATE SET position = excluded.position", round));
    run(reader, "DEALLOCATE ALL");
    run(reader, "PREPARE next_events (bigint) AS SELECT position, id, type, key, time, actor, traceparent, payload FROM maker.outbox "
                "WHERE position > $1 ORDER BY position LIMIT 64");
    long long position = 0;
    int done = 0;
    const auto begun = std::chrono::steady_clock::now();
    while (true) {
        const std::unique_ptr<PGresult, void (*)(PGresult*)> some(PQexec(reader.get(), fmt::format("EXECUTE next_events ({})", position).c_str()), PQclear);
        const int n = PQntuples(some.get());
        if (n == 0) break;
        std::string ids, keys, payloads;
        for (int i = 0; i < n; ++i) {
            const auto comma = i == 0 ? "" : ",";
            ids += fmt::format("{}{}", comma, PQgetvalue(some.get(), i, 1));
            keys += fmt::format("{}{}", comma, PQgetvalue(some.get(), i, 3));
            payloads += fmt::format("{}\"\\{}\"", comma, PQgetvalue(some.get(), i, 7));
        }
        position = std::stoll(PQgetvalue(some.get(), n - 1, 0));
        run(taker, "BEGIN");
        run(taker, fmt::format("EXECUTE effects ('loop-{}', '{{{}}}', '{{{}}}', '{{{}}}')", round, ids, keys, payloads));
        run(taker, fmt::format("EXECUTE moved ({})", position));
        run(taker, "COMMIT");
        done += n;
    }
    BV_ASSERT(done == events);
    return events / seconds_since(begun);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 2) return std::fputs("bench_event_log DIRECTORY [events [rounds]]\n", stderr), 2;
    const int events = argc > 2 ? std::atoi(argv[2]) : 50'000, rounds = argc > 3 ? std::atoi(argv[3]) : 5;
    pg::cluster cluster({.directory = argv[1], .stop_with_parent = true});
    cluster.start();
    runtime threads(1);
    threads.start();
    pg::database admin({.conninfo = cluster.admin_conninfo(), .name = "admin"}, system_clock());
    migrate(threads, admin);
    pg::database reader({.conninfo = cluster.conninfo("bv_log", "bench"), .name = "log"}, system_clock());
    pg::database taker({.conninfo = cluster.conninfo("bv_taker", "bench"), .name = "taker"}, system_clock());
    const auto superuser = connect(cluster.admin_conninfo()), plain_reader = connect(cluster.conninfo("bv_log", "bench")),
               plain_taker = connect(cluster.conninfo("bv_taker", "bench"));
    fill(superuser, events);
    boost::json::array subscription, loop;
    for (int i = 0; i < rounds; ++i) {
        subscription.push_back(by_subscription(threads, reader, taker, superuser, i, events));
        loop.push_back(by_loop(plain_taker, plain_reader, i, events));
    }
    for (auto* d : {&admin, &reader, &taker}) threads.block_on(d->close());
    threads.stop();
    threads.join();
    cluster.stop();
    std::puts(boost::json::serialize(boost::json::object{{"events", events}, {"batch", batch}, {"subscription", subscription}, {"loop", loop}}).c_str());
} catch (const std::exception& e) {
    std::fprintf(stderr, "bench_event_log: %s\n", e.what());
    return 1;
}
