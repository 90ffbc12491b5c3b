#include "platform/events/retention.hpp"

#include <gtest/gtest.h>

#include "platform/events/pg_log_world.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::eventually;
using contract::publish;
using contract::running;
using contract::subscribed;

// Everything is old at once, and only what the test asks for is deleted.
embedded_log_options kept_for(std::chrono::hours keep) {
    auto o = pg_log_world::fast();
    o.retention = keep;
    o.retention_interval = std::chrono::minutes(60);
    return o;
}

struct started {
    started(pg_log_world& world, std::vector<std::string> groups, std::chrono::hours keep) : w(world), log(w.make_embedded(kept_for(keep))) {
        for (auto& g : groups) log->subscribe(subscribed(w, g));
        w.cores().block_on(log->start());
    }
    ~started() { w.cores().block_on(log->stop()); }
    std::int64_t prune() { return w.cores().block_on(log->prune()); }
    pg_log_world& w;
    std::unique_ptr<embedded_log> log;
};

constexpr std::chrono::hours at_once{-1};
const std::string rows = "SELECT count(*) FROM maker.outbox";

TEST(retention, deletes_nothing_that_a_known_group_has_not_consumed_even_when_it_does_not_run) {
    pg_log_world w;
    {
        started both(w, {"g1", "g2"}, std::chrono::hours(1));
        publish(w, {"a"}, 1, 10);
        ASSERT_TRUE(eventually([&] { return count(w, "g1") == 10 && count(w, "g2") == 10; }));
        both.prune();  // registered
        EXPECT_EQ(w.number(rows), 10);  // too young
    }
    started only(w, {"g1"}, at_once);
    publish(w, {"a"}, 11, 25);
    ASSERT_TRUE(eventually([&] { return count(w, "g1") == 25; }));
    only.prune();
    EXPECT_EQ(w.number(rows), 15);
    EXPECT_EQ(only.prune(), 0);

    started other(w, {"g2"}, at_once);
    ASSERT_TRUE(eventually([&] { return count(w, "g2") == 25; }));
    only.prune();
    EXPECT_EQ(w.number(rows), 0);
    contract::expect_complete(contract::effects(w, "g2"), {"a"}, 25);
}

TEST(retention, deletes_nothing_for_a_group_that_has_no_position_yet) {
    pg_log_world w;
    publish(w, {"a"}, 1, 5);
    w.execute("INSERT INTO platform.event_groups (group_name, source, consumer) VALUES ('late', 'maker', 'taker')");
    started log(w, {"g"}, at_once);
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 5; }));
    EXPECT_EQ(log.prune(), 0);
    EXPECT_EQ(w.number(rows), 5);
}

TEST(retention, leaves_an_empty_outbox_from_which_a_restarted_log_goes_on) {
    pg_log_world w;
    {
        started log(w, {"g"}, at_once);
        publish(w, {"a"}, 1, 5);
        ASSERT_TRUE(eventually([&] { return count(w, "g") == 5; }));
        log.prune();
        EXPECT_EQ(w.number(rows), 0);
    }
    started log(w, {"g"}, at_once);
    publish(w, {"a"}, 6, 9);
    ASSERT_TRUE(eventually([&] { return count(w, "g") == 9; }));
    contract::expect_complete(contract::effects(w, "g"), {"a"}, 9);
}

}  // namespace
}  // namespace bv::events
