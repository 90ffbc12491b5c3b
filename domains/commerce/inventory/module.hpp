// The inventory service: what the process needs to run it.
#pragma once

#include <memory>

#include "domains/commerce/inventory/wiring.hpp"
#include "platform/rpc/method.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::inventory {

struct deps {
    bv::runtime& runtime;
    bv::clock& clock;
    bv::rng& rng;
    pg::database& db;  // connected as bv_inventory
    events::log& log;
};

class service {
public:
    // Subscribes to the order service's events.
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] static pg::migration_set migrations();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::inventory
