// What only the real store can show: row-level security, an append-only stream, the audit trail, corruption that the checks
// find, and many placing at once.
#include "domains/commerce/order/adapters/shop.hpp"
#include "domains/commerce/order/app/check_orders.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace bv::order::testing {
namespace {

class orders_database : public ::testing::Test {
protected:
    using body = task<void> (*)(postgres_backend&);
    void run(body b) {
        postgres_backend over;
        bv::testing::run(closing(over, b));
    }

private:
    static task<void> closing(postgres_backend& over, body b) {
        co_await b(over);
        co_await over.close();
    }
};

task<std::int64_t> count(storage::unit_of_work& uow, const pg::statement& s) {
    const auto rows = co_await pg::of(uow).query(s);
    co_return rows.front().get<std::int64_t>(0);
}

// Without any condition: what a wrong query would be.
constexpr pg::statement wrong_queries[]{
    {"test.events", "SELECT count(*) FROM orders.events"},
    {"test.references", "SELECT count(*) FROM orders.external_references"},
    {"test.summary", "SELECT count(*) FROM orders.order_summary"},
    {"test.detail", "SELECT count(*) FROM orders.order_detail"},
};

task<void> hides_others(postgres_backend& b) {
    const auto o = co_await placed(b.env(), an_importer(), an_import(alice, "r"));
    EXPECT_TRUE(o);
    co_await project_all(b);
    storage::transaction_options as_alice, as_bob, as_nobody;
    as_alice.identity.customer = alice.value;
    as_bob.identity.customer = bob.value;
    for (const auto& s : wrong_queries) {
        EXPECT_EQ(co_await b.db().transact(as_alice, [&](storage::unit_of_work& uow) { return count(uow, s); }), 1) << s.name;
        EXPECT_EQ(co_await b.db().transact(as_bob, [&](storage::unit_of_work& uow) { return count(uow, s); }), 0) << s.name;
        EXPECT_EQ(co_await b.db().transact(as_nobody, [&](storage::unit_of_work& uow) { return count(uow, s); }), 0) << s.name;
    }
}
TEST_F(orders_database, hides_other_customers_rows_even_from_a_wrong_query) { run(hides_others); }

task<std::string> sqlstate_of(postgres_backend& b, std::string sql) {
    try {
        co_await b.db().run(as_system(), [&](storage::unit_of_work& uow) { return pg::of(uow).execute(sql); });
    } catch (const pg::sql_error& e) {
        co_return e.sqlstate();
    }
    co_return "none";
}
task<void> append_only(postgres_backend& b) {
    co_await an_order(b.env());
    EXPECT_EQ(co_await sqlstate_of(b, "UPDATE orders.events SET type = 'x'"), "42501");
    EXPECT_EQ(co_await sqlstate_of(b, "DELETE FROM orders.events"), "42501");
    EXPECT_EQ(co_await sqlstate_of(b, "TRUNCATE orders.events"), "42501");
    EXPECT_EQ(co_await sqlstate_of(b, "UPDATE orders.external_references SET order_id = order_id"), "42501");
}
TEST_F(orders_database, does_not_let_the_service_change_a_stream) { run(append_only); }

task<void> audited(postgres_backend& b) {
    const auto id = co_await an_order(b.env());
    co_await confirm(b.env(), id);
    static constexpr pg::statement entries{"test.audit", "SELECT count(*) FROM audit.entries WHERE table_name = 'orders.events'"};
    EXPECT_EQ((co_await b.admin().query(entries)).front().get<std::int64_t>(0), 5);
}
TEST_F(orders_database, audits_every_event) { run(audited); }

task<result<order>> place_key(const environment& env, std::string key) { co_return co_await placed(env, a_shopper(alice, key), a_request()); }
task<result<order>> place_reference(const environment& env, std::string reference) {
    co_return co_await placed(env, an_importer(), an_import(alice, reference));
}
task<void> races(postgres_backend& b) {
    using namespace asio::experimental::awaitable_operators;
    const auto [first, second] = co_await (place_key(b.env(), "k") && place_key(b.env(), "k"));
    EXPECT_TRUE(first && second);
    if (first && second) EXPECT_EQ(first->id, second->id);
    const auto [one, two] = co_await (place_reference(b.env(), "r") && place_reference(b.env(), "r"));
    EXPECT_NE(one.has_value(), two.has_value());
    EXPECT_EQ((one ? two : one).error().reason, "EXTERNAL_REFERENCE_TAKEN");
    EXPECT_EQ((co_await b.published()).size(), 2U);
}
TEST_F(orders_database, two_at_once_with_one_key_or_reference_are_one_order) { run(races); }

task<std::vector<std::string>> rules_after(postgres_backend& b, std::string corruption) {
    co_await b.admin().run({}, [&](storage::unit_of_work& uow) { return pg::of(uow).execute(corruption); });
    const auto found = co_await check_orders(b.env());
    std::vector<std::string> rules;
    for (const auto& v : found.violations) {
        if (rules.empty() || rules.back() != v.rule) rules.push_back(v.rule);
    }
    co_return rules;
}
task<void> finds_corruption(postgres_backend& b) {
    const auto id = co_await an_order(b.env());
    co_await confirm(b.env(), id);
    co_await project_all(b);
    using rules = std::vector<std::string>;
    EXPECT_EQ(co_await rules_after(b, "SELECT 1"), rules{});
    EXPECT_EQ(co_await rules_after(b, "UPDATE orders.order_summary SET total = total + 1"), rules{"summary.fold"});
    EXPECT_EQ(co_await rules_after(b, "UPDATE orders.order_summary SET total = total - 1; UPDATE orders.order_detail SET document = ''"), rules{"detail.fold"});
    co_await rebuild_projections(b.env());
    EXPECT_EQ(co_await rules_after(b, "UPDATE orders.daily_sales SET units = units + 1"), rules{"sales.fold"});
    co_await rebuild_projections(b.env());
    EXPECT_EQ(co_await rules_after(b, "UPDATE orders.events SET version = 9 WHERE version = 5"), (rules{"stream.gapless", "summary.fold", "detail.fold", "sales.fold"}));
    EXPECT_EQ(co_await rules_after(b, "UPDATE orders.events SET version = 5 WHERE version = 9; DELETE FROM orders.events WHERE version = 3"),
              (rules{"stream.gapless", "stream.legal", "summary.fold", "detail.fold"}));
}
TEST_F(orders_database, checks_find_what_was_tampered_with) { run(finds_corruption); }

task<void> while_projecting(postgres_backend& b) {
    using namespace asio::experimental::awaitable_operators;
    for (int i = 0; i < 12; ++i) {
        const auto id = co_await an_order(b.env());
        if (i % 3 != 0) co_await confirm(b.env(), id);
    }
    // The consumer and the rebuild take turns, whatever their order.
    co_await (rebuild_projections(b.env(), {}, 3) && project_all(b) && project_all(b));
    const auto found = co_await check_orders(b.env());
    EXPECT_EQ(found.behind, 0);
    EXPECT_EQ(found.violation_count, 0);
}
TEST_F(orders_database, a_rebuild_beside_the_running_consumer_counts_nothing_twice) { run(while_projecting); }

}  // namespace
}  // namespace bv::order::testing
