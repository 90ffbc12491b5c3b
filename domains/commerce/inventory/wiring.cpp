#include "domains/commerce/inventory/wiring.hpp"

#include "platform/storage/fenced_transactor.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::inventory {

wiring::wiring(ports p, options o)
    : with_(std::move(p)), settings_(o), receive_(with_.db, with_.store, with_.outbox, with_.clock, with_.rng),
      orders_(with_.store, with_.outbox, with_.clock, with_.rng, o.reservations), endpoint_(with_.store, receive_, with_.clock, with_.rng),
      expiring_(with_.leases, named("inventory:expiry", settings_.turn), [this](const storage::tenure& t) { return expire_overdue(t); }, with_.home, with_.clock,
                with_.rng) {
    with_.log.subscribe({.group = "inventory",
                         .source = "orders",
                         .types = order_event_handler::types(),
                         .max_batch = o.max_batch,
                         .handler = [this](storage::unit_of_work& uow, std::span<const events::event> batch) { return orders_.handle(uow, batch); },
                         .store = &with_.db,
                         .leases = &with_.leases,
                         .consumer = "inventory"});
}

task<void> wiring::expire_overdue(const storage::tenure& under) {
    storage::fenced_transactor db(with_.db, under);
    while (!jobs_.stopping()) {
        co_await with_.clock.sleep_for(settings_.expiry_interval);
        try {
            storage::transaction_options options;
            options.identity = storage::system_identity("service:inventory");
            const int expired = co_await db.transact(options, [this](storage::unit_of_work& uow) { return orders_.expire_due(uow, 100); });
            if (expired > 0) telemetry::info("inventory.reservations_expired", {{"count", expired}});
        } catch (const failure& f) {
            telemetry::warn("inventory.expiry_failed", {{"reason", f.error().reason}});
        }
    }
}

task<void> wiring::start() {
    jobs_.spawn(with_.home, expiring_.run());
    co_return;
}

task<void> wiring::stop() {
    jobs_.stop();
    co_await jobs_.join();
}

}  // namespace bv::inventory
