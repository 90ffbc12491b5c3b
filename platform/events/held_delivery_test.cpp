// A transaction that stays open, in whichever database of the server: who holds delivery back is told.
#include <gtest/gtest.h>

#include "platform/events/held_transaction.hpp"
#include "platform/events/pg_log_world.hpp"

namespace bv::events {
namespace {

using contract::count;
using contract::eventually;
using contract::publish;
using contract::subscribed;

embedded_log_options impatient() {
    auto o = pg_log_world::fast();
    o.tail.watch.patience = milliseconds(20);
    return o;
}

struct held_world {
    pg_log_world world{impatient()};
    std::unique_ptr<embedded_log> log = world.make_embedded();

    held_world() {
        log->subscribe(subscribed(world, "g"));
        world.cores().block_on(log->start());
        publish(world, {an_event("first", 1)});
        EXPECT_TRUE(eventually([&] { return count(world, "g") == 1; }));
    }
    ~held_world() { world.cores().block_on(log->stop()); }

    // The maker's transaction, once it is known to hold delivery back.
    open_transaction holder() {
        open_transaction out;
        EXPECT_TRUE(eventually([&] {
            const auto held = log->held();
            if (!held || held->by.size() != 1 || held->by.front().role != "bv_maker") return false;
            out = held->by.front();
            EXPECT_EQ(held->sources, std::vector<std::string>{"maker"});
            return true;
        }));
        return out;
    }
};

TEST(held_delivery, the_open_transaction_is_named_until_it_ends) {
    held_world w;
    EXPECT_FALSE(w.log->held());
    held_transaction slow(w.world, {an_event("a", 1)});
    publish(w.world, {an_event("b", 1)});
    const auto by = w.holder();
    EXPECT_EQ(by.state, "idle in transaction");
    EXPECT_TRUE(by.application.starts_with("bitvelocity/")) << by.application;
    EXPECT_EQ(w.world.number("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(by.pid) + " AND usename = 'bv_maker'"), 1);
    EXPECT_EQ(by.database, w.world.cores().block_on(w.world.admin().query({"test.database", "SELECT current_database()::text"})).front().get<std::string>(0));
    EXPECT_EQ(count(w.world, "g"), 1u);

    ASSERT_TRUE(slow.commit());
    ASSERT_TRUE(eventually([&] { return count(w.world, "g") == 3 && !w.log->held(); }));
}

// An external server's owner need not be allowed to see others' sessions.
TEST(held_delivery, without_the_right_to_see_sessions_the_process_and_its_role_are_told) {
    held_world w;
    w.world.execute("ALTER FUNCTION platform.open_transaction OWNER TO bv_taker");
    held_transaction slow(w.world, {an_event("a", 1)});
    publish(w.world, {an_event("b", 1)});
    const auto by = w.holder();
    EXPECT_GT(by.pid, 0);
    EXPECT_EQ(by.state, "");
    EXPECT_TRUE(slow.commit());
}

TEST(held_delivery, when_nobody_can_be_named_that_it_is_held_is_told) {
    held_world w;
    w.world.execute("REVOKE EXECUTE ON FUNCTION platform.open_transaction FROM bv_log");
    held_transaction slow(w.world, {an_event("a", 1)});
    publish(w.world, {an_event("b", 1)});
    ASSERT_TRUE(eventually([&] { return w.log->held().has_value(); }));
    EXPECT_TRUE(w.log->held()->by.empty());
    ASSERT_TRUE(slow.commit());
    ASSERT_TRUE(eventually([&] { return count(w.world, "g") == 3; })) << "delivery goes on all the same";
}

TEST(held_delivery, sessions_are_shown_to_the_log_alone) {
    pg_log_world w;
    const auto may = [&](const std::string& role) {
        return w.number("SELECT has_function_privilege('" + role + "', 'platform.open_transaction(bigint)', 'EXECUTE')::int");
    };
    EXPECT_EQ(may("bv_log"), 1);
    EXPECT_EQ(may("bv_maker"), 0);
}

}  // namespace
}  // namespace bv::events
