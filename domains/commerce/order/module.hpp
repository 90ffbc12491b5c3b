// The order service: what the process needs to run it.
#pragma once

#include <memory>

#include "bitvelocity/commerce/product/v1/product.bv.hpp"
#include "domains/commerce/order/app/check_orders.hpp"
#include "domains/commerce/order/app/environment.hpp"
#include "domains/commerce/order/app/project_orders.hpp"
#include "platform/events/log.hpp"
#include "platform/rpc/method.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::order {

struct deps {
    bv::runtime& runtime;
    bv::clock& clock;
    bv::rng& rng;
    pg::database& db;          // connected as bv_orders
    bv::events::log& log;      // the service subscribes in its constructor, and wakes it when it has appended
    ::bitvelocity::commerce::product::v1::product_service& products;
};

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
};

class service {
public:
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] static pg::migration_set migrations();

    // For the command line; needs neither start nor log.
    task<rebuilt> rebuild(std::function<void(const rebuilt&)> report = {});
    task<check_result> check(std::size_t max_violations = 20);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::order
