#include "domains/commerce/payment/wiring.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "platform/storage/fenced_transactor.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::payment {

wiring::wiring(ports p, service_options o)
    : with_(std::move(p)), settings_(std::move(o)),
      worker_(with_.clock, with_.rng, with_.db, with_.store, with_.outbox, with_.provider, settings_.worker),
      leased_(worker_), consumer_store_(with_.db, leased_, [this](handover::batch b) { give(std::move(b)); }),
      handle_(with_.clock, with_.rng, with_.store, with_.outbox, leased_),
      compare_(with_.clock, with_.rng, with_.db, with_.store, with_.outbox, with_.provider, settings_.reconciliation), read_(with_.db, with_.store),
      endpoint_(read_),
      reconciling_(with_.leases, named("payment:reconciliation", settings_.turn), [this](const storage::tenure& t) { return reconcile_now_and_then(t); },
                   with_.home, with_.clock, with_.rng) {
    with_.log.subscribe({.group = "payment",
                         .source = settings_.order_source,
                         .types = handle_order_events::types(),
                         .max_batch = settings_.max_batch,
                         .handler = [this](storage::unit_of_work& uow, std::span<const events::event> batch) { return handle_(uow, batch); },
                         .store = &consumer_store_,
                         .leases = &with_.leases,
                         .consumer = "payment"});
}

// Two at once would store each finding twice.
task<void> wiring::reconcile_now_and_then(const storage::tenure& under) {
    storage::fenced_transactor db(with_.db, under);
    reconcile compare(with_.clock, with_.rng, db, with_.store, with_.outbox, with_.provider, settings_.reconciliation);
    while (!jobs_.stopping()) {
        co_await with_.clock.sleep_for(settings_.reconcile_interval);
        try {
            const auto r = co_await compare();
            for (const auto& f : r.findings)
                telemetry::warn("payment.reconciliation_finding", {{"kind", f.kind}, {"key", f.key}, {"detail", f.detail}, {"mended", f.mended}});
        } catch (const failure& f) {
            telemetry::warn("payment.reconciliation_waits", {{"reason", f.error().reason}});
        }
    }
}

task<void> wiring::start() {
    work_.spawn(with_.home, worker_.run());
    jobs_.spawn(with_.home, reconciling_.run());
    co_return;
}

task<void> wiring::stop() {
    jobs_.stop();
    co_await jobs_.join();
    worker_.stop();
    co_await work_.join();
}

void wiring::give(handover::batch b) {
    if (b.more) worker_.wake();
    asio::post(with_.home, [this, b = std::move(b)]() mutable { worker_.take_over(std::move(b.operations), b.places); });
}

void wiring::hurry(std::vector<std::string> keys) {
    asio::post(with_.home, [this, keys = std::move(keys)]() mutable { worker_.hurry(std::move(keys)); });
}

}  // namespace bv::payment
