// Every service that the process holds, wired, and the way to those that it does not: the one place that knows them all.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/database_logins.hpp"
#include "app/event_log.hpp"
#include "app/part.hpp"
#include "app/role_directory.hpp"
#include "app/roles.hpp"
#include "bitvelocity/audit/v1/audit.bv.hpp"
#include "bitvelocity/commerce/inventory/v1/inventory.bv.hpp"
#include "bitvelocity/commerce/notification/v1/notification.bv.hpp"
#include "bitvelocity/commerce/order/v1/order.bv.hpp"
#include "bitvelocity/commerce/payment/v1/payment.bv.hpp"
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
#include "gateway/remote_authenticator.hpp"
#include "platform/core/config.hpp"
#include "platform/events/platform_log.hpp"
#include "platform/rpc/peer/peer_channel.hpp"
#include "platform/rpc/peer/peer_listener.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/security/secrets.hpp"
#include "platform/storage/postgres/database.hpp"
#include "platform/storage/postgres/idempotency.hpp"

namespace bv::app {

class mail_jobs;
class shared_store;

// How RabbitMQ is reached; no endpoints: there is none.
struct rabbitmq_access {
    std::vector<std::string> endpoints{};
    std::string user{}, password{};
    bool tls = false;
};

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
    std::vector<std::string> roles = role_names();                       // that it holds
    std::vector<std::string> redis{};                                    // endpoints of what processes share; empty: there is none
    std::string kafka_brokers{};                                         // that carry the event log; empty: it is the embedded one
    std::string registry_url{};                                          // of the schemas of events that Kafka carries; empty: there is none
    rabbitmq_access rabbitmq{};                                          // that announces jobs
    role_directory* peers = nullptr;                                     // who holds the others; null: it holds all
    rpc::peer_identity identity{};                                       // where others are held
    vault::client* vault = nullptr;                                      // that the secrets are in; null: a sealed file

    [[nodiscard]] bool holds(std::string_view role) const;
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
    // Gives every contract and raw route to the edge, also of services that are elsewhere.
    void mount(gateway::edge&);
    // Gives what is held to the other processes.
    void mount(rpc::peer_listener&);
    [[nodiscard]] rpc::authenticator& authenticator();
    // What the gateways share.
    [[nodiscard]] gateway::edge_shared shared() noexcept;
    task<void> close();

    [[nodiscard]] bool holds(std::string_view role) const { return process_.holds(role); }
    // Null: another process has them.
    [[nodiscard]] mail_jobs* mails() const noexcept { return mails_.get(); }
    [[nodiscard]] const process& of() const noexcept { return process_; }
    // To the processes of a role that is not held.
    [[nodiscard]] rpc::peer_channel& channel(std::string_view role);
    [[nodiscard]] pg::database& database(std::string_view service);
    [[nodiscard]] const std::map<std::string, std::unique_ptr<pg::database>, std::less<>>& databases() const noexcept { return databases_; }

private:
    void bind();
    template <class Part, class Deps, class Options>
    void bind(std::string_view role, Part&, Deps deps_of, Options options_of);
    task<void> watch_database();
    task<void> start_watching();
    task<void> stop_watching();
    process process_;
    scope watching_{"database"};
    std::atomic<bool> database_away_{false};
    std::map<std::string, std::unique_ptr<pg::database>, std::less<>> databases_;
    std::unique_ptr<database_logins> logins_;  // of those; null: passwords that stay
    std::map<std::string, std::unique_ptr<rpc::peer_channel>, std::less<>> channels_;
    std::unique_ptr<shared_store> shared_;
    std::unique_ptr<mail_jobs> mails_;

    const std::unique_ptr<events::platform_log> log_;

public:
    events::platform_log& log;
    std::optional<pg::idempotency_store> answers;  // of the gateway

    part<audit::service, bitvelocity::audit::v1::audit_service, bitvelocity::audit::v1::audit_service_client, bitvelocity::audit::v1::audit_service_remote> audit;
    part<identity::service, bitvelocity::identity::v1::identity_service, bitvelocity::identity::v1::identity_service_client,
         bitvelocity::identity::v1::identity_service_remote> identity;
    part<product::service, bitvelocity::commerce::product::v1::product_service, bitvelocity::commerce::product::v1::product_service_client,
         bitvelocity::commerce::product::v1::product_service_remote> products;
    part<inventory::service, bitvelocity::commerce::inventory::v1::inventory_service, bitvelocity::commerce::inventory::v1::inventory_service_client,
         bitvelocity::commerce::inventory::v1::inventory_service_remote> inventory;
    part<payment::service, bitvelocity::commerce::payment::v1::payment_service, bitvelocity::commerce::payment::v1::payment_service_client,
         bitvelocity::commerce::payment::v1::payment_service_remote> payments;
    part<order::service, bitvelocity::commerce::order::v1::order_service, bitvelocity::commerce::order::v1::order_service_client,
         bitvelocity::commerce::order::v1::order_service_remote> orders;
    part<notification::service, bitvelocity::commerce::notification::v1::notification_service,
         bitvelocity::commerce::notification::v1::notification_service_client, bitvelocity::commerce::notification::v1::notification_service_remote> notifications;

private:
    std::optional<gateway::remote_authenticator> trust_;
};

}  // namespace bv::app
