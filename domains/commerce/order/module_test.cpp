// The service as a process runs it: over the contract, with the event log, and with stand-ins for the other services.
#include "domains/commerce/order/module.hpp"

#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "bitvelocity/commerce/inventory/v1/events.pb.h"
#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "bitvelocity/commerce/order/v1/order.bv.hpp"
#include "bitvelocity/commerce/payment/v1/events.pb.h"
#include "bv_contracts_registry.hpp"
#include "domains/audit/module.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/events/migrations.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::order {
namespace {

namespace v1 = ::bitvelocity::commerce::order::v1;
namespace products = ::bitvelocity::commerce::product::v1;
namespace inventory = ::bitvelocity::commerce::inventory::v1;
namespace payment = ::bitvelocity::commerce::payment::v1;

// Sells everything whose SKU begins with "SKU" at 2.50.
class product_stub final : public products::product_service {
public:
    task<result<products::BatchGetProductsResponse>> batch_get_products(rpc::context&, products::BatchGetProductsRequest r) override {
        products::BatchGetProductsResponse out;
        for (const auto& sku : r.skus()) {
            if (!sku.starts_with("SKU")) continue;
            auto& p = *out.add_products();
            p.set_sku(sku);
            p.set_name("Thing " + sku);
            p.set_on_sale(true);
            auto& price = *p.add_prices();
            price.set_currency("GBP");
            price.set_minor_units(250);
        }
        co_return out;
    }
    task<result<products::Product>> get_product(rpc::context&, products::GetProductRequest) override { co_return none(); }
    task<result<products::ListProductsResponse>> list_products(rpc::context&, products::ListProductsRequest) override { co_return none(); }
    task<result<products::Product>> create_product(rpc::context&, products::CreateProductRequest) override { co_return none(); }
    task<result<products::Product>> update_product(rpc::context&, products::UpdateProductRequest) override { co_return none(); }
    task<result<google::protobuf::Empty>> delete_product(rpc::context&, products::DeleteProductRequest) override { co_return none(); }
    task<result<products::BatchUpsertProductsResponse>> batch_upsert_products(rpc::context&, products::BatchUpsertProductsRequest) override { co_return none(); }
    task<result<products::ListCategoriesResponse>> list_categories(rpc::context&, products::ListCategoriesRequest) override { co_return none(); }

private:
    static std::unexpected<error> none() { return fail(code::unimplemented, "NOT_HERE", "the stand-in sells, and nothing else"); }
};

// Answers every event of the order service as inventory and payment do when all goes well.
class answering_stub {
public:
    answering_stub(std::string service, pg::database& db, bv::events::log& log) : outbox_(service, [&log] { log.wake(); }) {
        bv::events::subscription s;
        s.group = service;
        s.source = "orders";
        s.consumer = service;
        s.store = &db;
        s.handler = [this](storage::unit_of_work& uow, std::span<const bv::events::event> events) { return handle(uow, events); };
        log.subscribe(std::move(s));
        is_inventory_ = service == "inventory";
    }

private:
    template <class Message>
    static bv::events::outgoing reply(const bv::events::event& to) {
        Message m;
        m.set_order_id(to.key);
        if constexpr (requires { m.set_payment_id(""); }) m.set_payment_id("pay-" + to.key);
        return {uuid::v7(system_clock(), system_rng()), m.GetTypeName(), to.key, m.SerializeAsString(), to.traceparent};
    }
    task<void> handle(storage::unit_of_work& uow, std::span<const bv::events::event> events) {
        std::vector<bv::events::outgoing> out;
        for (const auto& e : events) {
            const auto type = e.short_type();
            if (is_inventory_ && type == "OrderPlaced") out.push_back(reply<inventory::StockReserved>(e));
            if (is_inventory_ && type == "StockReleaseRequested") out.push_back(reply<inventory::StockReleased>(e));
            if (!is_inventory_ && type == "PaymentRequested") out.push_back(reply<payment::PaymentAuthorised>(e));
            if (!is_inventory_ && type == "CaptureRequested") out.push_back(reply<payment::PaymentCaptured>(e));
            if (!is_inventory_ && type == "RefundRequested") out.push_back(refund(e));
        }
        co_await outbox_.append(uow, std::move(out));
    }
    static bv::events::outgoing refund(const bv::events::event& e) {
        v1::RefundRequested asked;
        EXPECT_TRUE(asked.ParseFromString(e.payload));
        payment::PaymentRefunded m;
        m.set_order_id(e.key);
        m.set_payment_id("pay-" + e.key);
        m.set_refund_id(asked.refund_id());
        *m.mutable_amount() = asked.amount();
        return {uuid::v7(system_clock(), system_rng()), m.GetTypeName(), e.key, m.SerializeAsString(), e.traceparent};
    }

    bv::events::pg_outbox outbox_;
    bool is_inventory_ = false;
};

bv::testing::test_database migrated() {
    static constexpr std::array peer{bv::embedded_file{"0001_peer.sql", "SELECT platform.create_outbox('{{schema}}'); SELECT platform.create_consumer('{{schema}}');"}};
    auto db = bv::testing::postgres::instance().database("order_module");
    std::vector<pg::migration> platform;
    for (const auto& f : pg::platform_migration_files()) platform.push_back(f);
    for (const auto& f : bv::events::migration_files()) platform.push_back(f);
    const pg::migration_set sets[]{{"log", {}},          {"platform", platform}, audit::service::migrations(), service::migrations(),
                                   {"inventory", peer}, {"payment", peer}};
    db.migrate(sets);
    return db;
}

struct process {
    bv::testing::test_database where = migrated();
    bv::runtime machine{2};
    pg::database reader{where.options("bv_log"), system_clock()}, orders{where.options("bv_orders"), system_clock()},
        stock{where.options("bv_inventory"), system_clock()}, money{where.options("bv_payment"), system_clock()};
    bv::events::embedded_log log{machine, reader};
    product_stub catalogue;
    answering_stub inventory_service{"inventory", stock, log}, payment_service{"payment", money, log};
    service under_test{{machine, system_clock(), system_rng(), orders, log, catalogue}, {}};
    v1::order_service& implementation = *static_cast<v1::order_service*>(under_test.served().service);
    v1::order_service_client client{implementation};
};

rpc::context a_shopper() {
    rpc::context ctx;
    ctx.caller.kind = rpc::caller_kind::user;
    ctx.caller.id = uuid::named("shopper");
    ctx.caller.scopes = {"orders.read", "orders.write"};
    return ctx;
}

v1::PlaceOrderRequest a_request(int n) {
    v1::PlaceOrderRequest r;
    r.set_currency("GBP");
    r.set_payment_method("card_ok");
    for (int i = 0; i <= n % 3; ++i) {
        auto& l = *r.add_lines();
        l.set_sku("SKU-" + std::to_string(i));
        l.set_quantity(1 + n % 2);
    }
    return r;
}

task<v1::Order> place_one(process& p, int n) {
    auto ctx = a_shopper();
    const auto o = co_await p.client.place_order(ctx, a_request(n));
    EXPECT_TRUE(o) << (o ? "" : o.error().message);
    EXPECT_EQ(ctx.etag, "1");
    co_return o ? *o : v1::Order{};
}

task<v1::Order> read(process& p, std::string id) {
    auto ctx = a_shopper();
    v1::GetOrderRequest r;
    r.set_id(std::move(id));
    const auto o = co_await p.client.get_order(ctx, std::move(r));
    co_return o ? *o : v1::Order{};
}

// The order once it looks as wanted, or after ten seconds.
task<v1::Order> awaited_order(process& p, std::string id, bool (*wanted)(const v1::Order&)) {
    const auto until = system_clock().steady_now() + std::chrono::seconds(10);
    for (;;) {
        auto o = co_await read(p, id);
        if (wanted(o) || system_clock().steady_now() > until) co_return o;
        co_await system_clock().sleep_for(milliseconds(2));
    }
}
bool is_confirmed(const v1::Order& o) { return o.status() == v1::ORDER_STATUS_CONFIRMED; }
bool is_refunded(const v1::Order& o) { return o.refunded().minor_units() == o.total().minor_units(); }

// The checks once the read models have caught up, or after ten seconds.
task<check_result> checked_when_quiet(process& p) {
    const auto until = system_clock().steady_now() + std::chrono::seconds(10);
    for (;;) {
        auto found = co_await p.under_test.check();
        if (found.behind == 0 || system_clock().steady_now() > until) co_return found;
        co_await system_clock().sleep_for(milliseconds(5));
    }
}

task<void> live(process& p) {
    co_await p.under_test.lifecycle().start();
    co_await p.log.start();
    std::vector<std::future<v1::Order>> placing;
    for (int i = 0; i < 40; ++i) placing.push_back(asio::co_spawn(p.machine.context(static_cast<std::size_t>(i) % 2), place_one(p, i), asio::use_future));
    std::vector<std::string> ids;
    for (auto& f : placing) {
        while (f.wait_for(std::chrono::seconds(0)) != std::future_status::ready) co_await system_clock().sleep_for(milliseconds(1));
        ids.push_back(f.get().id());
    }
    for (const auto& id : ids) EXPECT_EQ((co_await awaited_order(p, id, is_confirmed)).status(), v1::ORDER_STATUS_CONFIRMED) << id;

    auto ctx = a_shopper();
    v1::CancelOrderRequest cancel;
    cancel.set_id(ids.front());
    EXPECT_TRUE(co_await p.client.cancel_order(ctx, cancel));
    EXPECT_TRUE(is_refunded(co_await awaited_order(p, ids.front(), is_refunded)));

    v1::ListOrderEventsRequest events;
    events.set_id(ids.back());
    const auto history = co_await p.client.list_order_events(ctx, events);
    EXPECT_TRUE(history);
    if (history) EXPECT_EQ(history->events(0).data().fields().at("order").struct_value().fields().at("orderId").string_value(), ids.back());
    const auto found = co_await checked_when_quiet(p);
    EXPECT_EQ(found.orders, 40);
    EXPECT_EQ(found.under_way, 0);
    EXPECT_EQ(found.behind, 0);
    EXPECT_EQ(found.violation_count, 0) << (found.violations.empty() ? "" : found.violations[0].what);
    EXPECT_EQ((co_await p.under_test.rebuild()).orders, 40);
    co_await p.under_test.lifecycle().stop();
    co_await p.log.stop();
}

TEST(order_service, carries_orders_to_confirmed_and_back_over_the_event_log) {
    bv::contracts::register_bv_contracts_types();
    process p;
    p.machine.start();
    p.machine.block_on(live(p));
}

}  // namespace
}  // namespace bv::order
