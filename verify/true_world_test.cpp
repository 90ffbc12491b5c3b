#include "verify/true_world.hpp"

#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "bitvelocity/commerce/inventory/v1/inventory.bv.hpp"
#include "bitvelocity/commerce/order/v1/events.pb.h"
#include "bitvelocity/commerce/order/v1/order.bv.hpp"
#include "domains/audit/module.hpp"
#include "domains/commerce/inventory/module.hpp"
#include "domains/commerce/notification/module.hpp"
#include "domains/commerce/order/module.hpp"
#include "domains/commerce/product/module.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/events/migrations.hpp"
#include "verify/quiet.hpp"

namespace bv::verify::testing {
namespace {

namespace orders = ::bitvelocity::commerce::order::v1;
namespace products = ::bitvelocity::commerce::product::v1;
namespace stock = ::bitvelocity::commerce::inventory::v1;

// Sells SKU-0 to SKU-9 at 2.50.
class catalogue final : public products::product_service {
public:
    task<result<products::BatchGetProductsResponse>> batch_get_products(rpc::context&, products::BatchGetProductsRequest r) override {
        products::BatchGetProductsResponse out;
        for (const auto& sku : r.skus()) {
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

// Keeps one notification an outcome, as the notification service does; writes no letters.
class teller {
public:
    teller(pg::database& db, events::log& log) {
        log.subscribe({.group = "notification",
                       .source = "orders",
                       .types = {"bitvelocity.commerce.order.v1.OrderConfirmed", "bitvelocity.commerce.order.v1.OrderCancelled",
                                 "bitvelocity.commerce.order.v1.OrderReturned"},
                       .handler = [](storage::unit_of_work& uow, std::span<const events::event> batch) { return tell(uow, batch); },
                       .store = &db,
                       .consumer = "notification"});
    }

private:
    template <class Message>
    static Message read(const events::event& e) {
        Message m;
        EXPECT_TRUE(m.ParseFromString(e.payload)) << e.type;
        return m;
    }
    static void add(storage::unit_of_work& uow, const events::event& e, const std::string& customer, std::int16_t kind, const std::string& return_id = {}) {
        constexpr pg::statement sql{"test.tell", R"(
            INSERT INTO notification.notifications (id, customer_id, order_id, kind, return_id, subject, text, created_at)
            VALUES (gen_random_uuid(), $1, $2, $3, $4, 'Your order', 'Dear customer', now()))"};
        pg::of(uow).send(sql, pg::params(uuid::parse(customer).value(), uuid::parse(e.key).value(), kind, return_id));
    }
    static task<void> tell(storage::unit_of_work& uow, std::span<const events::event> batch) {
        for (const auto& e : batch) {
            if (e.short_type() == "OrderConfirmed") add(uow, e, read<orders::OrderConfirmed>(e).customer_id(), 1);
            if (e.short_type() == "OrderCancelled") add(uow, e, read<orders::OrderCancelled>(e).customer_id(), 2);
            if (e.short_type() == "OrderReturned") add(uow, e, read<orders::OrderReturned>(e).customer_id(), 3, read<orders::OrderReturned>(e).return_id());
        }
        co_return;
    }
};

bv::testing::test_database migrated() {
    auto db = bv::testing::postgres::instance().database("verify_world");
    std::vector<pg::migration> platform;
    for (const auto& f : pg::platform_migration_files()) platform.push_back(f);
    for (const auto& f : events::migration_files()) platform.push_back(f);
    const pg::migration_set sets[]{{"log", {}},          {"platform", platform}, audit::service::migrations(), product::service::migrations(), inventory::service::migrations(),
                                   payment::service::migrations(), order::service::migrations(), notification::service::migrations()};
    db.migrate(sets);
    return db;
}

task<void> execute(pg::database& db, std::string sql) {
    co_await db.run({.identity = storage::system_identity("test")}, [&sql](storage::unit_of_work& uow) { return pg::of(uow).execute(sql); });
}

// The services, running.
struct shop {
    shop(runtime& m, const bv::testing::test_database& where, payment::provider_options provider)
        : machine(m), admin(where.admin_options(), system_clock()), reader(where.options("bv_log"), system_clock()), orders_db(where.options("bv_orders"), system_clock()),
          stock_db(where.options("bv_inventory"), system_clock()), money_db(where.options("bv_payment"), system_clock()),
          told_db(where.options("bv_notification"), system_clock()), log(m, reader), inventory({m, system_clock(), system_rng(), stock_db, log}, {}),
          payments({m, system_clock(), system_rng(), money_db, log}, {.provider = std::move(provider), .callback_secret = "secret"}),
          orders({m, system_clock(), system_rng(), orders_db, log, sells}, {}), told(told_db, log) {}

    task<void> start() {
        co_await inventory.lifecycle().start();
        co_await payments.lifecycle().start();
        co_await orders.lifecycle().start();
        co_await log.start();
    }
    task<void> stop() {
        co_await log.stop();
        co_await orders.lifecycle().stop();
        co_await payments.lifecycle().stop();
        co_await inventory.lifecycle().stop();
    }
    task<void> close() {
        for (auto* db : {&admin, &reader, &orders_db, &stock_db, &money_db, &told_db}) co_await db->close();
    }

    runtime& machine;
    pg::database admin, reader, orders_db, stock_db, money_db, told_db;
    events::embedded_log log;
    catalogue sells;
    inventory::service inventory;
    payment::service payments;
    order::service orders;
    teller told;
};

rpc::context a_caller(std::vector<std::string> scopes) {
    rpc::context ctx;
    ctx.caller.kind = rpc::caller_kind::user;
    ctx.caller.id = uuid::named("shopper");
    ctx.caller.scopes = std::move(scopes);
    return ctx;
}

struct wish {
    std::string fate, method;
    std::int64_t lines, quantity;
    std::string reference;
};

task<void> receive_stock(shop& s) {
    stock::inventory_service_client client(*static_cast<stock::inventory_service*>(s.inventory.served().service));
    auto ctx = a_caller({"inventory.write"});
    for (const auto* reference : {"delivery-1", "delivery-2"}) {
        stock::BatchReceiveStockRequest r;
        r.set_reference(reference);
        for (int i = 0; i < 4; ++i) {
            auto& item = *r.add_items();
            item.set_sku(fmt::format("SKU-{}", i));
            item.set_quantity(50);
        }
        const auto done = co_await client.batch_receive_stock(ctx, r);
        if (!done) throw failure(done.error());
    }
}

task<std::string> place(orders::order_service& service, wish w) {
    orders::PlaceOrderRequest r;
    r.set_currency("GBP");
    r.set_payment_method(w.method);
    r.set_external_reference(w.reference);
    for (std::int64_t i = 0; i < w.lines; ++i) {
        auto& l = *r.add_lines();
        l.set_sku(fmt::format("SKU-{}", i));
        l.set_quantity(w.quantity);
    }
    auto ctx = a_caller({"orders.write", "orders.write.any"});
    const auto o = co_await service.place_order(ctx, r);
    if (!o) throw failure(o.error());
    co_return o->id();
}

task<void> settle(shop& s) {
    const auto until = system_clock().steady_now() + std::chrono::seconds(30);
    for (;;) {
        const auto now = co_await s.admin.transact({}, [](storage::unit_of_work& uow) { return read_activity(pg::of(uow)); });
        if (now.none()) co_return;
        if (system_clock().steady_now() > until) throw std::runtime_error("the world does not come to rest: " + now.str());
        co_await system_clock().sleep_for(milliseconds(10));
    }
}

task<void> send_back(orders::order_service& service, std::string id, bool all) {
    orders::ReturnOrderRequest r;
    r.set_id(std::move(id));
    if (!all) {
        auto& l = *r.add_lines();
        l.set_sku("SKU-1");
        l.set_quantity(1);
    }
    auto ctx = a_caller({"orders.write"});
    const auto o = co_await service.return_order(ctx, r);
    if (!o) throw failure(o.error());
}

task<void> cancel(orders::order_service& service, std::string id) {
    orders::CancelOrderRequest r;
    r.set_id(std::move(id));
    auto ctx = a_caller({"orders.write"});
    const auto o = co_await service.cancel_order(ctx, r);
    if (!o) throw failure(o.error());
}

task<std::map<std::string, std::string>> trade(shop& s) {
    co_await s.start();
    co_await execute(s.admin, R"(
        INSERT INTO product.products (sku, name, description, category, prices, on_sale, version, created_at, updated_at)
             VALUES ('SKU-0', 'Thing', '', '', '{"GBP": 250, "EUR": 300}', true, 1, now(), now());
        INSERT INTO product.price_points VALUES ('GBP', 'SKU-0', 250), ('EUR', 'SKU-0', 300))");
    co_await receive_stock(s);
    auto& service = *static_cast<orders::order_service*>(s.orders.served().service);
    orders::order_service_client client(service);
    std::map<std::string, std::string> ids;
    for (const auto& w : std::initializer_list<wish>{{"confirmed", "card_ok", 1, 2, "A/17"},
                                                     {"bigger", "card_ok", 4, 3, ""},
                                                     {"declined", "card_insufficient_funds", 2, 1, ""},
                                                     {"short", "card_ok", 1, 5'000, ""},
                                                     {"capture_failed", "card_capture_fails", 2, 1, ""},
                                                     {"returned_partly", "card_ok", 3, 2, ""},
                                                     {"returned", "card_ok", 2, 2, ""},
                                                     {"cancelled", "card_ok", 2, 4, ""}})
        ids[w.fate] = co_await place(client, w);
    co_await settle(s);
    co_await send_back(client, ids["returned_partly"], false);
    co_await send_back(client, ids["returned"], true);
    co_await cancel(client, ids["cancelled"]);
    co_await settle(s);
    co_await s.stop();
    co_return ids;
}

task<void> started(payment_provider::server* server) {
    server->start();
    co_return;
}

void create_copy(const std::string& name, const std::string& of) {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> c(PQconnectdb(bv::testing::postgres::instance().admin_conninfo("postgres").c_str()), PQfinish);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> r(PQexec(c.get(), fmt::format("CREATE DATABASE \"{}\" TEMPLATE \"{}\"", name, of).c_str()), PQclear);
    if (PQresultStatus(r.get()) != PGRES_COMMAND_OK) throw std::runtime_error(PQerrorMessage(c.get()));
}

}  // namespace

true_world& true_world::instance() {
    static true_world one;
    return one;
}

true_world::true_world() : folder_(std::filesystem::temp_directory_path() / fmt::format("bv-verify-test-{}", ::getpid())), database_(migrated()) {
    contracts::register_bv_contracts_types();
    machine_.start();
    payment_provider::options o{.journal_file = folder_ / "journal", .sync = false, .api_key = "key"};
    provider_ = std::make_unique<payment_provider::server>(machine_, system_clock(), std::move(o));
    machine_.block_on(started(provider_.get()));
    run_the_shop();
}

void true_world::run_the_shop() {
    shop s(machine_, database_, provider());
    orders_ = machine_.block_on(trade(s));
    for (std::size_t core = 0; core < machine_.cores(); ++core) machine_.block_on(s.close(), core);
}

true_world::~true_world() {
    machine_.block_on(provider_->stop(milliseconds(100)));
    provider_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string true_world::with_ids(std::string text) const {
    for (const auto& [fate, id] : orders_) {
        const auto hole = "{" + fate + "}";
        for (auto at = text.find(hole); at != std::string::npos; at = text.find(hole)) text.replace(at, hole.size(), id);
    }
    return text;
}

bv::testing::test_database true_world::copy() {
    const auto name = fmt::format("verify_copy_{}", ++copies_);
    create_copy(name, database_.name());
    return bv::testing::test_database(name);
}

report true_world::check_after(const std::string& sql, options o) {
    const auto where = copy();
    auto with = where.admin_options();
    with.statement_timeout = milliseconds(0);
    pg::database admin(with, system_clock());
    if (!sql.empty()) machine_.block_on(execute(admin, with_ids(sql)));
    auto found = machine_.block_on(check(machine_, admin, std::move(o)));
    for (std::size_t core = 0; core < machine_.cores(); ++core) machine_.block_on(admin.close(), core);
    return found;
}

}  // namespace bv::verify::testing
