// The inventory on a real PostgreSQL: batches, races between receipts, reservations and expiries, the table's own checks.
#include <gtest/gtest.h>

#include <algorithm>

#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "domains/audit/module.hpp"
#include "domains/commerce/inventory/adapters/api.hpp"
#include "domains/commerce/inventory/adapters/postgres_stock_store.hpp"
#include "domains/commerce/inventory/app/handle_order_events.hpp"
#include "domains/commerce/inventory/app/receive_stock.hpp"
#include "platform/events/migrations.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/testing/postgres_fixture.hpp"
#include "platform/testing/run.hpp"

namespace bv::inventory {

std::span<const bv::embedded_file> migration_files();

namespace {

namespace orders = bitvelocity::commerce::order::v1;

std::vector<pg::migration> platform_files() {
    std::vector<pg::migration> out;
    for (const auto& f : pg::platform_migration_files()) out.push_back(f);
    for (const auto& f : events::migration_files()) out.push_back(f);
    return out;
}

class inventory : public ::testing::Test {
protected:
    inventory() : database_(testing::postgres::instance().database("inventory")) {
        static const auto platform = platform_files();
        const pg::migration_set sets[]{{"platform", platform}, {"log", {}}, audit::service::migrations(), {"inventory", migration_files()}};
        database_.migrate(sets);
        db_ = std::make_unique<pg::database>(database_.options("bv_inventory"), system_clock());
        store_ = std::make_unique<postgres_stock_store>(*db_);
        receive_ = std::make_unique<receive_stock>(*db_, *store_, outbox_, system_clock(), system_rng());
        handler_ = std::make_unique<order_event_handler>(*store_, outbox_, system_clock(), system_rng(), reservation_options{});
    }
    void run(task<void> t) { testing::run(then_close(std::move(t))); }
    task<void> then_close(task<void> t) {
        co_await std::move(t);
        co_await db_->close();
        db_.reset();  // it ends before the runtime that it used
    }

    static order_id order(int n) { return {uuid::named("order " + std::to_string(n))}; }
    template <class Message>
    static events::event event_of(const Message& m, const std::string& key) {
        events::event e;
        e.type = Message::descriptor()->full_name();
        e.key = key;
        e.id = uuid::named(e.type + key);
        e.source = "orders";
        e.payload = m.SerializeAsString();
        return e;
    }
    static events::event placed(int n, std::vector<std::pair<std::string, std::int64_t>> lines) {
        orders::OrderPlaced m;
        m.set_order_id(order(n).str());
        for (auto& [sku, quantity] : lines) {
            auto* l = m.add_lines();
            l->set_sku(sku);
            l->set_quantity(quantity);
        }
        return event_of(m, order(n).str());
    }
    template <class Message>
    static events::event about(int n) {
        Message m;
        m.set_order_id(order(n).str());
        return event_of(m, order(n).str());
    }

    task<void> deliver(std::vector<events::event> batch) {
        storage::transaction_options o;
        o.identity = storage::system_identity("service:inventory");
        co_await db_->run(o, [&](storage::unit_of_work& uow) { return handler_->handle(uow, batch); });
    }
    task<void> stock(std::string sku, std::int64_t quantity, std::string reference = "first") {
        std::vector<receipt> one;
        one.push_back({std::move(reference), std::move(sku), quantity, "received"});
        const auto booked = co_await (*receive_)(storage::system_identity("test"), std::move(one));
        EXPECT_TRUE(booked);
    }
    task<stock_level> level(std::string sku) { co_return (co_await store_->find_level(std::move(sku)))->level; }
    task<std::vector<std::string>> announced() {
        static constexpr pg::statement types{"test.types", "SELECT type FROM inventory.outbox ORDER BY position"};
        std::vector<std::string> out;
        const auto rows = co_await db_->query(types);
        for (const auto row : rows) {
            const auto type = row.get<std::string>(0);
            out.push_back(type.substr(type.rfind('.') + 1));
        }
        co_return out;
    }

    testing::test_database database_;
    events::pg_outbox outbox_{"inventory"};
    std::unique_ptr<pg::database> db_;
    std::unique_ptr<postgres_stock_store> store_;
    std::unique_ptr<receive_stock> receive_;
    std::unique_ptr<order_event_handler> handler_;

public:
    task<void> a_batch_is_reserved_in_order() {
        co_await stock("a", 5);
        co_await stock("b", 5);
        co_await deliver({placed(1, {{"a", 3}, {"b", 1}}), placed(2, {{"a", 3}}), placed(3, {{"a", 2}})});
        EXPECT_EQ(co_await level("a"), (stock_level{5, 5, 0}));
        EXPECT_EQ((co_await store_->find_reservation(order(2)))->status, reservation_status::rejected);
        EXPECT_EQ((co_await store_->find_reservation(order(3)))->status, reservation_status::held);
        const auto said = co_await announced();
        EXPECT_EQ(std::vector(said.end() - 3, said.end()), (std::vector<std::string>{"StockReserved", "StockRejected", "StockReserved"}));
    }

    task<void> steps_of_one_order_in_one_batch() {
        co_await stock("a", 5);
        co_await deliver({placed(1, {{"a", 3}}), about<orders::OrderConfirmed>(1), placed(2, {{"a", 2}}), about<orders::StockReleaseRequested>(2)});
        EXPECT_EQ(co_await level("a"), (stock_level{5, 0, 3}));
        co_await deliver({about<orders::OrderConfirmed>(1), about<orders::StockReleaseRequested>(2)});  // again
        EXPECT_EQ(co_await level("a"), (stock_level{5, 0, 3}));
        co_await deliver({about<orders::StockReleaseRequested>(1)});
        EXPECT_EQ(co_await level("a"), (stock_level{5, 0, 0}));
    }

    task<void> a_delivery_counts_once() {
        co_await stock("a", 5, "delivery 7");
        co_await stock("a", 5, "delivery 7");
        EXPECT_EQ((co_await level("a")).received, 5);
        std::vector<receipt> loss;
        loss.push_back({"count", "a", -6, "lost"});
        const auto refused = co_await (*receive_)(storage::system_identity("test"), std::move(loss));
        EXPECT_FALSE(refused);
        if (!refused) EXPECT_EQ(refused.error().reason, "STOCK_SHORT");
        EXPECT_EQ((co_await level("a")).received, 5);
        std::vector<receipt> less;
        less.push_back({"count 2", "a", -2, "lost"});
        EXPECT_TRUE(co_await (*receive_)(storage::system_identity("test"), std::move(less)));
        EXPECT_EQ((co_await level("a")).received, 3);
    }

    // Orders of the same SKUs in opposite orders, receipts and expiries at once: no deadlock, nothing lost or oversold.
    task<void> many_at_once() {
        for (const char* sku : {"a", "b", "c"}) co_await stock(sku, 50);
        scope work("test");
        const auto here = co_await asio::this_coro::executor;
        for (int i = 0; i < 60; ++i) work.spawn(here, one_of_many(i));
        co_await work.join();
        std::int64_t held = 0;
        for (int i = 0; i < 60; ++i)
            if ((co_await store_->find_reservation(order(i)))->status == reservation_status::held) ++held;
        for (const char* sku : {"a", "b", "c"}) {
            const auto l = co_await level(sku);
            EXPECT_GE(l.available(), 0);
            EXPECT_EQ(l.reserved, held);
        }
        EXPECT_EQ(held, 60);  // 50 and a delivery of one for each order
    }
    task<void> one_of_many(int i) {
        const bool forward = i % 2 == 0;
        co_await stock(forward ? "a" : "c", 1, "d" + std::to_string(i));
        co_await stock("b", 1, "d" + std::to_string(i));
        co_await stock(forward ? "c" : "a", 1, "d" + std::to_string(i));
        std::vector<std::pair<std::string, std::int64_t>> lines{{"a", 1}, {"b", 1}, {"c", 1}};
        if (!forward) std::ranges::reverse(lines);
        co_await deliver({placed(i, std::move(lines))});
    }

    task<void> overdue_holds_end() {
        co_await stock("a", 5);
        handler_ = std::make_unique<order_event_handler>(*store_, outbox_, system_clock(), system_rng(), reservation_options{.hold = seconds(0)});
        co_await deliver({placed(1, {{"a", 2}})});
        storage::transaction_options o;
        o.identity = storage::system_identity("service:inventory");
        EXPECT_EQ(co_await db_->transact(o, [&](storage::unit_of_work& uow) { return handler_->expire_due(uow, 10); }), 1);
        EXPECT_EQ(co_await db_->transact(o, [&](storage::unit_of_work& uow) { return handler_->expire_due(uow, 10); }), 0);
        EXPECT_EQ((co_await level("a")).available(), 5);
        EXPECT_EQ((co_await announced()).back(), "ReservationExpired");
    }

    task<void> items_of_one_sku_are_added() {
        api a(*store_, *receive_, system_clock(), system_rng());
        rpc::context ctx;
        ctx.caller.kind = rpc::caller_kind::service;
        contract::BatchReceiveStockRequest r;
        r.set_reference("delivery 7");
        for (const auto& [sku, quantity] : {std::pair{"a", 5}, std::pair{"b", 1}, std::pair{"a", 7}}) {
            auto* item = r.add_items();
            item->set_sku(sku);
            item->set_quantity(quantity);
        }
        EXPECT_EQ((co_await a.batch_receive_stock(ctx, r))->received_items(), 2);
        EXPECT_EQ((co_await level("a")).received, 12);
        EXPECT_EQ((co_await a.batch_receive_stock(ctx, r))->received_items(), 0);
        EXPECT_EQ((co_await level("a")).received, 12);
    }

    task<void> malformed_event_is_refused() {
        auto e = placed(1, {{"a", 1}});
        e.payload = "\xff\xff\xff";
        bool refused = false;
        try {
            co_await deliver({e});
        } catch (const failure& f) {
            refused = f.error().reason == "MALFORMED_EVENT";
        }
        EXPECT_TRUE(refused);
    }
};

TEST_F(inventory, reserves_a_batch_in_the_order_of_its_events) { run(a_batch_is_reserved_in_order()); }
TEST_F(inventory, takes_several_steps_of_one_order_in_one_batch) { run(steps_of_one_order_in_one_batch()); }
TEST_F(inventory, counts_a_delivery_once_and_adjusts_no_more_than_is_available) { run(a_delivery_counts_once()); }
TEST_F(inventory, loses_nothing_of_a_delivery_with_two_items_of_one_sku) { run(items_of_one_sku_are_added()); }
TEST_F(inventory, conserves_stock_when_many_write_at_once) { run(many_at_once()); }
TEST_F(inventory, gives_back_what_was_held_too_long) { run(overdue_holds_end()); }
TEST_F(inventory, refuses_an_event_that_it_cannot_read) { run(malformed_event_is_refused()); }

}  // namespace
}  // namespace bv::inventory
