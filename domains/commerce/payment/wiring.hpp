// The payment service over its ports: subscription, operation worker, reconciliation and the contract's API, whatever
// keeps the data and whoever the provider is.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/payment/adapters/api.hpp"
#include "domains/commerce/payment/adapters/handing_transactor.hpp"
#include "domains/commerce/payment/app/handle_order_events.hpp"
#include "domains/commerce/payment/app/perform_operations.hpp"
#include "domains/commerce/payment/app/reconcile.hpp"
#include "platform/events/log.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/leased_job.hpp"

namespace bv::payment {

struct service_options {
    std::string order_source = "orders"; // the event source that asks
    std::size_t max_batch = 128;         // events applied in one transaction
    worker_options worker{};
    seconds reconcile_interval{60};
    reconcile_options reconciliation{};
    storage::lease_terms turn{};         // of what one process at a time does
};

// All outlive the service. `home` runs on one thread; the provider is called on it.
struct ports {
    asio::any_io_executor home;
    bv::clock& clock;
    bv::rng& rng;
    storage::transactor& db;
    bv::payment::store& store;
    events::outbox& outbox;
    events::log& log;
    bv::payment::provider& provider;
    storage::lease_store& leases;
};

class wiring {
public:
    // Subscribes to the order service's events.
    wiring(ports, service_options);

    [[nodiscard]] contract::payment_service& served() noexcept { return endpoint_; }
    task<void> start();
    // The calls under way end, or time out, and are applied.
    task<void> stop();
    // The provider says that these operations have moved. Thread-safe.
    void hurry(std::vector<std::string> keys);
    // On `home`.
    task<reconciliation> reconcile_now(bool everything) { return compare_(everything); }

private:
    task<void> reconcile_now_and_then(const storage::tenure&);
    void give(handover::batch);

    const ports with_;
    const service_options settings_;
    operation_worker worker_;
    handover leased_;
    handing_transactor consumer_store_;
    handle_order_events handle_;
    reconcile compare_;
    read_payments read_;
    api endpoint_;
    storage::leased_job reconciling_;
    scope work_{"payment.worker"}, jobs_{"payment"};
};

}  // namespace bv::payment
