// The order service: what the process needs to run it.
#pragma once

#include <memory>

#include "bitvelocity/commerce/product/v1/product.bv.hpp"
#include "domains/commerce/order/app/check_orders.hpp"
#include "domains/commerce/order/app/project_orders.hpp"
#include "domains/commerce/order/wiring.hpp"
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
