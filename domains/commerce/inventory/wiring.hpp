// The inventory service over its ports: subscriptions, jobs and the contract's API, whatever keeps the data.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/inventory/adapters/api.hpp"
#include "domains/commerce/inventory/app/handle_order_events.hpp"
#include "platform/events/log.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/leased_job.hpp"

namespace bv::inventory {

struct options {
    reservation_options reservations{};
    seconds expiry_interval{5};
    std::size_t max_batch = 128;  // orders reserved in one transaction
    storage::lease_terms turn{};  // of what one process at a time does
};

// All outlive the service. `home` runs on one thread.
struct ports {
    asio::any_io_executor home;
    bv::clock& clock;
    bv::rng& rng;
    storage::transactor& db;
    stock_store& store;
    events::outbox& outbox;
    events::log& log;
    storage::lease_store& leases;
};

class wiring {
public:
    // Subscribes to the order service's events.
    wiring(ports, options);

    [[nodiscard]] contract::inventory_service& served() noexcept { return endpoint_; }
    task<void> start();
    task<void> stop();

private:
    task<void> expire_overdue(const storage::tenure&);

    const ports with_;
    const options settings_;
    receive_stock receive_;
    order_event_handler orders_;
    api endpoint_;
    storage::leased_job expiring_;
    scope jobs_{"inventory"};
};

}  // namespace bv::inventory
