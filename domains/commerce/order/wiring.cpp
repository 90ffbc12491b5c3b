#include "domains/commerce/order/wiring.hpp"

#include <utility>

#include "domains/commerce/order/app/handle_replies.hpp"
#include "domains/commerce/order/app/project_orders.hpp"
#include "domains/commerce/order/app/time_out_orders.hpp"
#include "platform/storage/fenced_transactor.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::order {
namespace {

constexpr std::int64_t overdue_batch = 64;
constexpr milliseconds projection_gather{50};  // how much the read models may lag so that they cost less; GET of one order does not

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

wiring::wiring(ports p, options o)
    : with_(std::move(p)),
      settings_(o),
      placing_({"orders.place", o.max_batch, o.max_queued, o.placing_lanes, true}, with_.env.clock, with_.home,
               [this](std::vector<placement> all) { return place_orders(with_.env, std::move(all)); }),
      door_(o.most_open),
      implementation_(with_.env, with_.products, placing_, door_),
      timing_out_(with_.leases, named("orders:time-outs", settings_.turn), [this](const storage::tenure& t) { return watch_deadlines(t); }, with_.home,
                  with_.env.clock, with_.env.rng) {
    const auto handle = [this](storage::unit_of_work& uow, std::span<const bv::events::event> events) { return handle_replies(with_.env, uow, events); };
    const auto project = [this](storage::unit_of_work& uow, std::span<const bv::events::event> events) { return project_orders(with_.env, uow, events); };
    subscribe("orders-saga", "inventory", inventory_reply_types(), o.saga_batch, handle);
    subscribe("orders-saga", "payment", payment_reply_types(), o.saga_batch, handle);
    subscribe("orders-projections", "orders", projected_types(), o.projection_batch, project, projection_gather, true);
}

void wiring::subscribe(std::string group, std::string source, std::vector<std::string> types, std::size_t batch, bv::events::batch_handler handler,
                       milliseconds gather, bool repeatable) {
    bv::events::subscription s;
    s.group = std::move(group);
    s.source = std::move(source);
    s.types = std::move(types);
    s.max_batch = batch;
    s.handler = std::move(handler);
    s.store = &with_.env.db;
    s.leases = &with_.leases;
    s.consumer = "orders";
    s.gather = gather;
    s.repeatable = repeatable;
    with_.log.subscribe(std::move(s));
}

task<void> wiring::watch_deadlines(const storage::tenure& under) {
    const auto& e = with_.env;
    storage::fenced_transactor db(e.db, under);
    const environment fenced{e.clock, e.rng, db, e.streams, e.sagas, e.projections, e.outbox, e.times};
    while (!jobs_.stopping()) {
        co_await e.clock.sleep_for(settings_.time_out_interval);
        if (!jobs_.stopping()) co_await time_out_all(fenced);
    }
}

task<void> wiring::count_open_orders() {
    while (!jobs_.stopping()) {
        try {
            co_await door_.refresh(with_.env);
        } catch (const failure& e) {
            telemetry::warn("order.count_failed", {{"reason", e.error().reason}});
        }
        co_await with_.env.clock.sleep_for(settings_.admission_interval);
    }
}

task<void> wiring::start() {
    jobs_.spawn(with_.home, timing_out_.run());
    jobs_.spawn(with_.home, count_open_orders());
    co_return;
}

task<void> wiring::stop() {
    co_await placing_.stop();
    jobs_.stop();
    co_await jobs_.join();
}

}  // namespace bv::order
