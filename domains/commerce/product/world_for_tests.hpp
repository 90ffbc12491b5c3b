// The product service on a private PostgreSQL: fresh for each test.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bitvelocity/commerce/product/v1/events.bv.hpp"
#include "bitvelocity/commerce/product/v1/product.bv.hpp"
#include "domains/audit/module.hpp"
#include "domains/commerce/product/module.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/events/migrations.hpp"
#include "platform/rpc/message_json.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/testing/postgres_fixture.hpp"

namespace bv::product {

namespace v1 = bitvelocity::commerce::product::v1;

class world : public ::testing::Test {
protected:
    world() { machine.start(); }
    ~world() override {
        machine.block_on(close(this));
    }

    static task<void> close(world* w) {
        if (w->events_run) co_await w->log.stop();
        co_await w->db.close();
        co_await w->admin.close();
        co_await w->reader.close();
    }

    static testing::test_database migrated() {
        auto database = testing::postgres::instance().database("product");
        std::vector<pg::migration> platform(pg::platform_migration_files().begin(), pg::platform_migration_files().end());
        platform.insert(platform.end(), events::migration_files().begin(), events::migration_files().end());
        database.migrate(std::array{pg::migration_set{"log", {}}, pg::migration_set{"platform", platform}, audit::service::migrations(),
                                    service::migrations()});
        return database;
    }

    static events::embedded_log_options quick() {
        events::embedded_log_options o;
        o.tail.poll_max = milliseconds(20);
        return o;
    }

    static rpc::context as(rpc::caller_kind kind, std::vector<std::string> scopes = {}) {
        rpc::context out;
        out.caller.kind = kind;
        if (kind == rpc::caller_kind::user) out.caller.id = uuid::v7(system_clock(), system_rng());
        out.caller.scopes = std::move(scopes);
        return out;
    }
    static rpc::context anyone() { return as(rpc::caller_kind::anonymous); }
    static rpc::context writer() { return as(rpc::caller_kind::user, {"products.write"}); }

    static v1::Product a_product(std::string sku, std::string name = "Kettle", std::int64_t gbp = 1'799) {
        v1::Product p;
        p.set_sku(std::move(sku));
        p.set_name(std::move(name));
        p.set_category("kitchen");
        p.set_on_sale(true);
        add_price(p, "GBP", gbp);
        return p;
    }
    static void add_price(v1::Product& p, const std::string& currency, std::int64_t minor) {
        auto* m = p.add_prices();
        m->set_currency(currency);
        m->set_minor_units(minor);
    }

    // Calls as transports do: authorized and validated.
    template <class Response, class Request>
    result<Response> call(task<result<Response>> (v1::product_service_client::*method)(rpc::context&, Request), rpc::context& ctx, Request request) {
        return machine.block_on((client.*method)(ctx, std::move(request)));
    }
    using api = v1::product_service_client;

    result<v1::Product> get(const std::string& sku) {
        auto ctx = anyone();
        v1::GetProductRequest r;
        r.set_sku(sku);
        return call(&api::get_product, ctx, r);
    }
    result<v1::Product> create(v1::Product p) {
        auto ctx = writer();
        v1::CreateProductRequest r;
        *r.mutable_product() = std::move(p);
        return call(&api::create_product, ctx, r);
    }
    result<v1::Product> update(v1::Product p, std::vector<std::string> mask, std::string if_match = {}) {
        auto ctx = writer();
        ctx.if_match = std::move(if_match);
        v1::UpdateProductRequest r;
        *r.mutable_product() = std::move(p);
        for (auto& m : mask) r.mutable_update_mask()->add_paths(std::move(m));
        return call(&api::update_product, ctx, r);
    }
    result<google::protobuf::Empty> remove(const std::string& sku, std::string if_match = {}) {
        auto ctx = writer();
        ctx.if_match = std::move(if_match);
        v1::DeleteProductRequest r;
        r.set_sku(sku);
        return call(&api::delete_product, ctx, r);
    }
    result<v1::BatchUpsertProductsResponse> upsert(const std::vector<v1::Product>& all) {
        auto ctx = writer();
        v1::BatchUpsertProductsRequest r;
        for (const auto& p : all) *r.add_products() = p;
        return call(&api::batch_upsert_products, ctx, r);
    }
    result<v1::ListProductsResponse> list(v1::ListProductsRequest r) {
        auto ctx = r.include_off_sale() ? writer() : anyone();
        return call(&api::list_products, ctx, r);
    }
    std::vector<std::string> skus(v1::ListProductsRequest r) {
        const auto page = list(std::move(r));
        EXPECT_TRUE(page) << page.error().message;
        std::vector<std::string> out;
        if (page)
            for (const auto& p : page->products()) out.push_back(p.sku());
        return out;
    }
    // Short types with keys, in the outbox's order.
    std::vector<std::string> events_written() {
        static constexpr pg::statement sql{"test.events", "SELECT type, key FROM product.outbox ORDER BY position"};
        std::vector<std::string> out;
        for (const auto row : machine.block_on(db.query(sql))) {
            const auto type = row.get<std::string>(0);
            out.push_back(type.substr(type.rfind('.') + 1) + " " + row.get<std::string>(1));
        }
        return out;
    }
    void execute(std::string sql) { machine.block_on(run_sql(this, std::move(sql))); }
    static task<void> run_sql(world* w, std::string sql) {
        co_await w->admin.run({}, [&sql](storage::unit_of_work& uow) { return pg::of(uow).execute(sql); });
    }
    void start_events() {
        machine.block_on(log.start());
        events_run = true;
    }

    testing::test_database database = migrated();
    runtime machine{2};
    pg::database db{database.options("bv_product"), system_clock()};
    pg::database reader{database.options("bv_log"), system_clock()};
    pg::database admin{database.admin_options(), system_clock()};
    events::embedded_log log{machine, reader, quick()};
    service products{deps{machine, system_clock(), system_rng(), db, log}, options{}};
    v1::product_service_client client{products.contract()};
    bool events_run = false;
};

}  // namespace bv::product
