// Every service of the process, wired: the one place that knows them all.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bitvelocity/commerce/inventory/v1/inventory.bv.hpp"
#include "bitvelocity/commerce/order/v1/order.bv.hpp"
#include "bitvelocity/commerce/product/v1/product.bv.hpp"
#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "domains/audit/module.hpp"
#include "domains/commerce/inventory/module.hpp"
#include "domains/commerce/notification/module.hpp"
#include "domains/commerce/order/module.hpp"
#include "domains/commerce/payment/module.hpp"
#include "domains/commerce/product/module.hpp"
#include "domains/identity/module.hpp"
#include "gateway/edge.hpp"
#include "platform/core/config.hpp"
#include "platform/events/embedded_log.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/security/secrets.hpp"
#include "platform/storage/postgres/database.hpp"
#include "platform/storage/postgres/idempotency.hpp"

namespace bv::app {

// What the process gives to its modules.
struct process {
    bv::runtime& runtime;
    bv::clock& clock;
    bv::rng& rng;
    const config& settings;
    security::secrets& secrets;
    std::filesystem::path data;                                          // the data directory
    std::function<std::string(std::string_view service)> conninfo;       // as bv_<service>
    std::string provider_url;                                            // of the payment provider
    std::string url;                                                     // where clients reach this platform: the issuer of its tokens
};

// All migration sets in the order they are applied in.
[[nodiscard]] std::vector<pg::migration_set> migration_sets();
// The password of a service's database role: made at first use, kept in the secrets.
[[nodiscard]] std::string role_password(security::secrets&, std::string_view service);

class modules {
public:
    explicit modules(process);
    ~modules();

    // In no particular order: start_all sorts them.
    [[nodiscard]] std::vector<bv::module> lifecycle();
    // Gives every contract and raw route to the edge.
    void mount(gateway::edge&);
    task<void> close();

    [[nodiscard]] pg::database& database(std::string_view service);
    [[nodiscard]] const std::map<std::string, std::unique_ptr<pg::database>, std::less<>>& databases() const noexcept { return databases_; }

private:
    task<void> watch_database();
    task<void> start_watching();
    task<void> stop_watching();
    process process_;
    scope watching_{"database"};
    std::atomic<bool> database_away_{false};
    std::map<std::string, std::unique_ptr<pg::database>, std::less<>> databases_;

public:
    events::embedded_log log;
    pg::idempotency_store answers;
    audit::service audit;
    identity::service identity;
    product::service products;
    inventory::service inventory;
    payment::service payments;
    // What services call of each other: clients of the contracts, in this process.
    bitvelocity::commerce::product::v1::product_service_client product_client;
    bitvelocity::identity::v1::identity_service_client identity_client;
    order::service orders;
    notification::service notifications;

    // For the process's own use: the start page, the seed.
    [[nodiscard]] bitvelocity::commerce::order::v1::order_service& order_contract();
    [[nodiscard]] bitvelocity::commerce::inventory::v1::inventory_service& inventory_contract();
};

}  // namespace bv::app
