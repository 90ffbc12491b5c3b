#include "domains/commerce/order/module.hpp"

#include <span>

#include "domains/commerce/order/adapters/api.hpp"
#include "domains/commerce/order/adapters/contract_catalogue.hpp"
#include "domains/commerce/order/adapters/postgres_event_store.hpp"
#include "domains/commerce/order/adapters/postgres_projection_store.hpp"
#include "domains/commerce/order/adapters/postgres_saga_store.hpp"
#include "domains/commerce/order/app/handle_replies.hpp"
#include "domains/commerce/order/app/time_out_orders.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::order {

std::span<const bv::embedded_file> migration_files();

namespace {

constexpr std::int64_t overdue_batch = 64;

// Takes overdue sagas until none is left; false when it has to be tried again later.
task<bool> time_out_all(const environment& env) {
    try {
        while (co_await time_out_orders(env, overdue_batch) == overdue_batch) {
        }
        co_return true;
    } catch (const failure& e) {
        telemetry::warn("order.time_out_failed", {{"reason", e.error().reason}, {"message", e.error().message}});
    }
    co_return false;
}

}  // namespace

struct service::impl {
    deps with;
    options settings;
    postgres_event_store streams;
    postgres_saga_store sagas;
    postgres_projection_store projections;
    bv::events::pg_outbox outbox;
    environment env;
    contract_catalogue products;
    api::place_batcher placing;
    admission door;
    api implementation;
    scope jobs{"orders"};

    impl(deps d, options o)
        : with(std::move(d)),
          settings(o),
          outbox("orders", [&log = with.log] { log.wake(); }),
          env{with.clock, with.rng, with.db, streams, sagas, projections, outbox, o.times},
          products(with.products),
          placing({"orders.place", o.max_batch, o.max_queued, o.placing_lanes, true}, with.clock, with.runtime.context(0).get_executor(),
                  [this](std::vector<placement> p) { return place_orders(env, std::move(p)); }),
          door(o.most_open),
          implementation(env, products, placing, door) {
        subscribe_saga("inventory", inventory_reply_types());
        subscribe_saga("payment", payment_reply_types());
        auto s = subscription("orders-projections", "orders", projected_types(), o.projection_batch);
        s.handler = [this](storage::unit_of_work& uow, std::span<const bv::events::event> events) { return project_orders(env, uow, events); };
        with.log.subscribe(std::move(s));
    }

    bv::events::subscription subscription(std::string group, std::string source, std::vector<std::string> types, std::size_t batch) {
        bv::events::subscription s;
        s.group = std::move(group);
        s.source = std::move(source);
        s.types = std::move(types);
        s.max_batch = batch;
        s.store = &with.db;
        s.consumer = "orders";
        return s;
    }

    void subscribe_saga(std::string source, std::vector<std::string> types) {
        auto s = subscription("orders-saga", std::move(source), std::move(types), settings.saga_batch);
        s.handler = [this](storage::unit_of_work& uow, std::span<const bv::events::event> events) { return handle_replies(env, uow, events); };
        with.log.subscribe(std::move(s));
    }

    task<void> watch_deadlines() {
        while (!jobs.stopping()) {
            co_await with.clock.sleep_for(settings.time_out_interval);
            if (!jobs.stopping()) co_await time_out_all(env);
        }
    }

    task<void> count_open_orders() {
        while (!jobs.stopping()) {
            try {
                co_await door.refresh(env);
            } catch (const failure& e) {
                telemetry::warn("order.count_failed", {{"reason", e.error().reason}});
            }
            co_await with.clock.sleep_for(settings.admission_interval);
        }
    }

    task<void> start() {
        jobs.spawn(with.runtime.context(0).get_executor(), watch_deadlines());
        jobs.spawn(with.runtime.context(0).get_executor(), count_open_orders());
        co_return;
    }

    task<void> stop() {
        co_await placing.stop();
        jobs.stop();
        co_await jobs.join();
    }
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(std::move(d), o)) {}
service::~service() = default;

rpc::served service::served() { return contract::serve(impl_->implementation); }

bv::module service::lifecycle() {
    return {"orders", {"database", "events", "product"}, [this] { return impl_->start(); }, [this] { return impl_->stop(); }, {}};
}

pg::migration_set service::migrations() { return {"orders", migration_files()}; }

task<rebuilt> service::rebuild(std::function<void(const rebuilt&)> report) { return rebuild_projections(impl_->env, std::move(report)); }

task<check_result> service::check(std::size_t max_violations) { return check_orders(impl_->env, max_violations); }

}  // namespace bv::order
