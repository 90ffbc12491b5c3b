#include "domains/commerce/inventory/module.hpp"

#include "domains/commerce/inventory/adapters/api.hpp"
#include "domains/commerce/inventory/adapters/postgres_stock_store.hpp"
#include "platform/events/pg_outbox.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::inventory {

std::span<const bv::embedded_file> migration_files();

struct service::impl {
    impl(deps given, options chosen)
        : d(given), o(chosen), outbox("inventory", [log = &d.log] { log->wake(); }), store(d.db), receive(d.db, store, outbox, d.clock, d.rng),
          orders(store, outbox, d.clock, d.rng, o.reservations), endpoint(store, receive, d.clock, d.rng) {
        d.log.subscribe({.group = "inventory",
                         .source = "orders",
                         .types = order_event_handler::types(),
                         .max_batch = o.max_batch,
                         .handler = [this](storage::unit_of_work& uow, std::span<const events::event> batch) { return orders.handle(uow, batch); },
                         .store = &d.db,
                         .consumer = "inventory"});
    }

    static task<void> expire_overdue(impl* self) {
        while (!self->jobs.stopping()) {
            co_await self->d.clock.sleep_for(self->o.expiry_interval);
            try {
                storage::transaction_options options;
                options.identity = storage::system_identity("service:inventory");
                const int expired = co_await self->d.db.transact(options, [self](storage::unit_of_work& uow) { return self->orders.expire_due(uow, 100); });
                if (expired > 0) telemetry::info("inventory.reservations_expired", {{"count", expired}});
            } catch (const failure& f) {
                telemetry::warn("inventory.expiry_failed", {{"reason", f.error().reason}});
            }
        }
    }

    static task<void> start(impl* self) {
        self->jobs.spawn(co_await asio::this_coro::executor, expire_overdue(self));
    }
    static task<void> stop(impl* self) {
        self->jobs.stop();
        co_await self->jobs.join();
    }

    deps d;
    options o;
    events::pg_outbox outbox;
    postgres_stock_store store;
    receive_stock receive;
    order_event_handler orders;
    api endpoint;
    scope jobs{"inventory"};
};

service::service(deps d, options o) : impl_(std::make_unique<impl>(d, o)) {}
service::~service() = default;

rpc::served service::served() {
    return contract::serve(impl_->endpoint);
}

bv::module service::lifecycle() {
    auto* self = impl_.get();
    return {.name = "inventory",
            .needs = {"database", "events"},
            .start = [self] { return impl::start(self); },
            .stop = [self] { return impl::stop(self); }};
}

pg::migration_set service::migrations() { return {"inventory", migration_files()}; }

}  // namespace bv::inventory
