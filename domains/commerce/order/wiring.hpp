// The order service over its ports: subscriptions, jobs and the contract's API, whatever keeps the data.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/order/adapters/api.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "platform/events/log.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/storage/leased_job.hpp"

namespace bv::order {

struct options {
    saga_times times{};
    milliseconds time_out_interval{1'000};  // how often overdue sagas are looked for
    std::size_t max_batch = 128;            // orders placed in one transaction
    std::size_t placing_lanes = 2;          // such transactions at once
    std::size_t max_queued = 4'096;         // placements waiting; more are refused RESOURCE_EXHAUSTED
    std::int64_t most_open = 2'000;         // orders under way at once; more are refused UNAVAILABLE
    milliseconds admission_interval{250};   // how often they are counted
    std::size_t saga_batch = 128;           // replies handled in one transaction
    std::size_t projection_batch = 256;     // events projected in one transaction
    storage::lease_terms turn{};            // of what one process at a time does
};

// All outlive the service. `home` runs on one thread.
struct ports {
    asio::any_io_executor home;
    environment env;
    bv::events::log& log;
    catalogue& products;
    storage::lease_store& leases;
};

class wiring {
public:
    // Subscribes to what inventory, payment and the service itself tell.
    wiring(ports, options);

    [[nodiscard]] const environment& env() const noexcept { return with_.env; }
    [[nodiscard]] contract::order_service& served() noexcept { return implementation_; }
    task<void> start();
    task<void> stop();

private:
    void subscribe(std::string group, std::string source, std::vector<std::string> types, std::size_t batch, bv::events::batch_handler, milliseconds gather = milliseconds(0), bool repeatable = false);
    task<void> watch_deadlines(const storage::tenure&);
    task<void> count_open_orders();

    const ports with_;
    const options settings_;
    api::place_batcher placing_;
    admission door_;
    api implementation_;
    storage::leased_job timing_out_;
    scope jobs_{"orders"};
};

}  // namespace bv::order
