#include "platform/events/pg_outbox.hpp"

#include <gtest/gtest.h>

#include "platform/events/names.hpp"
#include "platform/events/pg_log_world.hpp"

namespace bv::events {
namespace {

using contract::publish;

task<void> append_then_fail(log_world* w, storage::unit_of_work* uow) {
    co_await w->box().append(*uow, {an_event("a", 1)});
    throw failure(code::internal, "LATER", "for the test");
}

TEST(pg_outbox, keeps_the_order_of_one_append_and_takes_actor_and_trace_from_the_transaction) {
    pg_log_world w;
    storage::transaction_options o;
    o.identity = storage::system_identity("user:1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    std::vector<outgoing> some;
    for (int n = 1; n <= 300; ++n) some.push_back(an_event("k", n));
    some[1].traceparent = "00-11111111111111111111111111111111-b7ad6b7169203331-01";
    w.cores().block_on(w.producer().run(o, [&](storage::unit_of_work& uow) { return contract::append(&w, &uow, some); }));
    EXPECT_EQ(w.number("SELECT count(*) FROM (SELECT payload, 'k:' || row_number() OVER (ORDER BY position) AS due FROM maker.outbox) t "
                       "WHERE convert_from(payload, 'UTF8') = due"), 300);
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox WHERE actor = 'user:1'"), 300);
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox WHERE traceparent LIKE '00-0af7%'"), 299);
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox WHERE traceparent LIKE '00-1111%'"), 1);
}

TEST(pg_outbox, holds_no_event_of_a_transaction_that_failed) {
    pg_log_world w;
    EXPECT_THROW(w.cores().block_on(w.producer().run({}, [&](storage::unit_of_work& uow) { return append_then_fail(&w, &uow); })), failure);
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox"), 0);
}

TEST(pg_outbox, refuses_an_event_id_that_was_used_before) {
    pg_log_world w;
    const auto e = an_event("a", 1);
    publish(w, std::vector{e});
    try {
        publish(w, std::vector{e});
        FAIL() << "appended twice";
    } catch (const failure& f) {
        EXPECT_EQ(f.error().code, code::already_exists);
    }
}

TEST(pg_outbox, wakes_the_log_once_an_event_is_on_its_way) {
    pg_log_world w;
    int wakes = 0;
    pg_outbox box("maker", [&] { ++wakes; });
    w.cores().block_on(w.producer().run({}, [&](storage::unit_of_work& uow) { return box.append(uow, {an_event("a", 1), an_event("a", 2)}); }));
    EXPECT_EQ(wakes, 1);
    EXPECT_EQ(w.number("SELECT count(*) FROM maker.outbox"), 2);
}

TEST(pg_outbox, can_be_appended_to_by_its_service_read_by_the_log_and_changed_by_neither) {
    pg_log_world w;
    const auto may = [&](const std::string& role, const std::string& privilege) {
        return w.number("SELECT has_table_privilege('" + role + "', 'maker.outbox', '" + privilege + "')::int::bigint") == 1;
    };
    EXPECT_TRUE(may("bv_maker", "INSERT"));
    EXPECT_FALSE(may("bv_maker", "UPDATE"));
    EXPECT_FALSE(may("bv_maker", "DELETE"));
    EXPECT_TRUE(may("bv_log", "SELECT"));
    EXPECT_FALSE(may("bv_log", "INSERT"));
    EXPECT_FALSE(may("bv_log", "UPDATE"));
    EXPECT_EQ(w.number("SELECT has_schema_privilege('bv_taker', 'maker', 'USAGE')::int::bigint"), 0);
}

TEST(service_names, are_checked_before_they_become_sql) {
    for (const auto* good : {"order", "a", "order_2"}) EXPECT_NO_THROW(check_service_name(good)) << good;
    for (const auto* bad : {"", "Order", "2nd", "a b", "a\"; DROP TABLE x; --", "_a"}) EXPECT_THROW(check_service_name(bad), failure) << bad;
}

TEST(subscriptions, are_refused_when_they_cannot_work) {
    pg_log_world w;
    const auto log = w.make_embedded();
    auto good = contract::subscribed(w, "g");
    log->subscribe(good);
    EXPECT_THROW(log->subscribe(good), failure) << "the same group and source twice";
    auto bad = contract::subscribed(w, "h");
    bad.handler = {};
    EXPECT_THROW(log->subscribe(bad), failure);
    bad = contract::subscribed(w, "h");
    bad.max_batch = 0;
    EXPECT_THROW(log->subscribe(bad), failure);
}

}  // namespace
}  // namespace bv::events
