// Concurrent writers, crashing consumers and a crashing server: every committed event has one effect per group, in order.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "platform/events/held_transaction.hpp"
#include "platform/events/pg_log_world.hpp"
#include "platform/runtime/scope.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::effects;
using contract::eventually;
using contract::publish;
using contract::running;
using contract::subscribed;

constexpr int keys = 12;
constexpr pg::statement take_numbers{"test.take_numbers", R"(
    WITH locked AS (SELECT key FROM maker.stream WHERE key = ANY ($1) ORDER BY key FOR UPDATE)
    UPDATE maker.stream s SET n = n + 1 FROM locked l WHERE s.key = l.key RETURNING s.key, s.n)"};

struct rolled_back {};

// One transaction of a service: takes its aggregates' locks, decides, appends; sometimes slowly, sometimes in vain.
task<void> write_in(pg_log_world* w, storage::unit_of_work* uow, seeded_rng* random) {
    if (random->below(3) == 0) {  // an old transaction id
        static constexpr pg::statement early{"test.early", "SELECT pg_current_xact_id()::text"};
        co_await pg::of(*uow).query(early);
        co_await system_clock().sleep_for(microseconds(random->below(8'000)));
    }
    std::vector<std::string> some;
    for (auto n = 1 + random->below(3); n > 0; --n) some.push_back("k" + std::to_string(random->below(keys)));
    std::vector<outgoing> events;
    for (auto row : co_await pg::of(*uow).query(take_numbers, pg::params(some)))
        events.push_back(an_event(row.get<std::string>(0), static_cast<int>(row.get<std::int64_t>(1))));
    co_await w->box().append(*uow, std::move(events));
    if (random->below(2) == 0) {
        static constexpr pg::statement flush{"test.flush", "SELECT 1"};
        co_await pg::of(*uow).query(flush);
        co_await system_clock().sleep_for(microseconds(random->below(6'000)));
    }
    if (random->below(6) == 0) throw rolled_back{};
}

task<void> writer(pg_log_world* w, std::uint64_t seed, int transactions) {
    seeded_rng random(seed);
    for (int i = 0; i < transactions; ++i) {
        try {
            co_await w->producer().run({}, [&](storage::unit_of_work& uow) { return write_in(w, &uow, &random); });
        } catch (const rolled_back&) {
            // As meant.
        }
    }
}

embedded_log_options harsh() {
    auto o = pg_log_world::fast();
    o.ring.events = 24;        // readers fall out of it
    o.tail.fetch_rows = 7;
    o.stop_grace = milliseconds(0);  // batches in hand are cancelled
    return o;
}

class fault_run : public ::testing::TestWithParam<int> {};

TEST_P(fault_run, gives_each_committed_event_one_effect_per_group_in_order) {
    pg_log_world w(harsh());
    w.execute("CREATE TABLE maker.stream (key text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);"
              "GRANT SELECT, UPDATE ON maker.stream TO bv_maker;"
              "INSERT INTO maker.stream SELECT 'k' || i FROM generate_series(0, 11) i");
    const auto seed = static_cast<std::uint64_t>(GetParam());
    scope writers("writers");
    for (std::uint64_t i = 0; i < 8; ++i)
        writers.spawn(w.cores().context(i % 2).get_executor(), writer(&w, seed * 100 + i, 60));

    seeded_rng chance(seed);
    std::mutex mutex;  // handlers run on two cores
    const contract::fault crashes = [&](std::span<const event>) -> std::optional<error> {
        std::lock_guard lock(mutex);
        switch (chance.below(12)) {
            case 0: return error{code::unavailable, "CRASH", "after the effect, before the commit"};
            case 1: return error{code::internal, "CRASH", "after the effect, before the commit"};
            default: return std::nullopt;
        }
    };
    const auto groups = [&] {
        std::vector<subscription> out{subscribed(w, "g1", crashes), subscribed(w, "g2", crashes)};
        for (auto& s : out) s.max_batch = 9, s.retry.attempts = 1'000;
        return out;
    };
    running beside(w, groups());  // another process, with the same groups
    for (int life = 0; life < 6; ++life) {
        running log(w, groups());
        std::this_thread::sleep_for(milliseconds(60));
    }
    w.cores().block_on(writers.join());
    const auto written = static_cast<std::size_t>(w.number("SELECT sum(n)::bigint FROM maker.stream"));
    ASSERT_GT(written, 200u);
    EXPECT_TRUE(eventually([&] { return count(w, "g1") >= written && count(w, "g2") >= written; }));
    beside.stop();
    for (const auto* group : {"g1", "g2"}) {
        const auto all = effects(w, group);
        EXPECT_EQ(all.size(), written);
        std::map<std::string, int> seen;
        for (const auto& e : all) ASSERT_EQ(e.payload, e.key + ":" + std::to_string(++seen[e.key])) << group;
    }
}
INSTANTIATE_TEST_SUITE_P(seeds, fault_run, ::testing::Values(1, 2, 3));

TEST(server_crash, in_the_middle_loses_and_doubles_nothing) {
    pg_log_world w;
    auto& server = testing::postgres::instance();
    // The shared server answers commits before they are written; here they must survive.
    w.execute("ALTER ROLE bv_maker SET synchronous_commit = on; ALTER ROLE bv_taker SET synchronous_commit = on");
    running log(w, {subscribed(w, "g")});
    publish(w, {"a", "b"}, 1, 20);
    ASSERT_TRUE(eventually([&] { return count(w, "g") >= 10; }));
    for (int crash = 1; crash <= 2; ++crash) {
        // Its position is drawn and never committed: the sequence may hand it out again.
        held_transaction open(w, {an_event("c", 1)});
        server.stop(pg::cluster::mode::immediate);
        EXPECT_FALSE(open.commit());
        server.start();
        ASSERT_TRUE(eventually([&] {
            try {
                return w.number("SELECT 1") == 1;
            } catch (const failure&) {
                return false;
            }
        }));
        const int first = 20 * crash + 1;
        for (int n = first; n < first + 20; ++n) {
            std::vector<outgoing> some{an_event("a", n), an_event("b", n)};
            ASSERT_TRUE(eventually([&] {
                try {
                    publish(w, some);
                    return true;
                } catch (const failure& e) {
                    return e.error().reason == "COMMIT_UNKNOWN";
                }
            }));
        }
    }
    ASSERT_TRUE(eventually([&] {
        try {
            return count(w, "g") >= 120;
        } catch (const failure&) {
            return false;
        }
    }));
    contract::expect_complete(effects(w, "g"), {"a", "b"}, 60);
}

}  // namespace
}  // namespace bv::events
