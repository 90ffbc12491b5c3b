#include "app/modules.hpp"

#include <fmt/format.h>

#include "app/stack/provider_child.hpp"
#include "platform/events/migrations.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::gateway {
std::span<const bv::embedded_file> migration_files();
}

namespace bv::app {

namespace {

// Who has a schema and a role of its own; "log" reads the outboxes.
constexpr std::string_view services[] = {"log", "gateway", "audit", "identity", "product", "inventory", "payment", "orders", "notification"};

// The platform's own migrations come from two folders.
std::span<const pg::migration> platform_files() {
    static const std::vector<pg::migration> files = [] {
        std::vector<pg::migration> out;
        for (const auto& f : pg::platform_migration_files()) out.push_back(f);
        for (const auto& f : events::migration_files()) out.push_back(f);
        return out;
    }();
    return files;
}

payment::provider_options provider_of(const process& p) {
    // "http://host:port"
    const auto rest = p.provider_url.substr(p.provider_url.find("//") + 2);
    const auto colon = rest.rfind(':');
    payment::provider_options o;
    o.host = rest.substr(0, colon);
    o.port = static_cast<std::uint16_t>(std::stoi(rest.substr(colon + 1)));
    o.api_key = p.secrets.get_or_put(stack::provider_api_key, security::random_secret());
    o.timeout = p.settings.get<milliseconds>("provider.timeout");
    return o;
}

payment::options payment_options(const process& p) {
    payment::options o;
    o.provider = provider_of(p);
    o.callback_secret = p.secrets.get_or_put(stack::provider_callback_secret, security::random_secret());
    o.core = p.runtime.cores() - 1;  // away from core 0, where jobs start
    return o;
}

order::options order_options(const config& c) {
    order::options o;
    o.most_open = c.get<std::int64_t>("orders.most_open");
    o.times.stock = c.get<milliseconds>("orders.stock_timeout");
    o.times.authorisation = o.times.capture = c.get<milliseconds>("orders.payment_timeout");
    return o;
}

notification::options notification_options(const process& p) {
    notification::options o;
    o.mail_folder = p.data / "mail";
    o.smtp.host = p.settings.get<std::string>("mail.smtp_host");
    o.smtp.port = p.settings.get<std::uint16_t>("mail.smtp_port");
    const auto security = p.settings.get<std::string>("mail.smtp_security");
    o.smtp.security = security == "tls"        ? notification::smtp_security::tls
                      : security == "starttls" ? notification::smtp_security::starttls
                                               : notification::smtp_security::none;
    o.smtp.ca_file = p.settings.get<std::string>("mail.smtp_ca_file");
    o.smtp.user = p.settings.get<std::string>("mail.smtp_user");
    o.smtp.password = p.settings.get<std::string>("mail.smtp_password");
    o.sender.address = p.settings.get<std::string>("mail.sender");
    o.mailer = o.smtp.host.empty() ? notification::mailer_kind::file : notification::mailer_kind::smtp;
    return o;
}

identity::options identity_options(const process& p) {
    identity::options o;
    o.tokens.issuer = p.url;
    o.longest_request = p.settings.get<milliseconds>("http.request_timeout");
    return o;
}

inventory::options inventory_options(const config& c) {
    inventory::options o;
    o.reservations.hold = c.get<seconds>("inventory.hold");
    return o;
}

events::embedded_log_options log_options(const config& c) {
    events::embedded_log_options o;
    o.retention = c.get<std::chrono::hours>("events.retention");
    return o;
}

}  // namespace

std::vector<pg::migration_set> migration_sets() {
    return {{"platform", platform_files()}, {"log", {}},
            audit::service::migrations(),   {"gateway", gateway::migration_files()},
            identity::service::migrations(), product::service::migrations(),
            inventory::service::migrations(), payment::service::migrations(),
            order::service::migrations(),   notification::service::migrations()};
}

std::string role_password(security::secrets& secrets, std::string_view service) {
    const auto name = fmt::format("database.{}.password", service);
    if (auto known = secrets.get(name)) return *known;
    return secrets.get_or_put(name, security::random_secret());
}

namespace {

// What a module serves, as its contract: `served` points to the abstract class.
template <class Contract>
Contract& contract_of(const rpc::served& s) {
    return *static_cast<Contract*>(s.service);
}

constexpr pg::statement probe{"database.probe", "SELECT 1"};
constexpr milliseconds probe_interval{500};

std::map<std::string, std::unique_ptr<pg::database>, std::less<>> connect(const process& p) {
    std::map<std::string, std::unique_ptr<pg::database>, std::less<>> out;
    for (const auto service : services)
        out.emplace(service, std::make_unique<pg::database>(pg::options{.conninfo = p.conninfo(service),
                                                                        .name = std::string(service),
                                                                        .max_connections_per_core = p.settings.get<int>("database.connections")},
                                                            p.clock));
    return out;
}

}  // namespace

modules::modules(process p)
    : process_(std::move(p)), databases_(connect(process_)), log(process_.runtime, database("log"), log_options(process_.settings)),
      // A claim cannot outlive its request, unless the process or the database died under it.
      answers(database("gateway"), "gateway", {.lease = process_.settings.get<milliseconds>("http.request_timeout") + seconds(5)}),
      audit({process_.clock, database("audit")}, {}),
      identity({process_.runtime, process_.clock, process_.rng, database("identity"), log, process_.secrets}, identity_options(process_)),
      products({process_.runtime, process_.clock, process_.rng, database("product"), log}, {}),
      inventory({process_.runtime, process_.clock, process_.rng, database("inventory"), log}, inventory_options(process_.settings)),
      payments({process_.runtime, process_.clock, process_.rng, database("payment"), log}, payment_options(process_)),
      product_client(products.contract()), identity_client(contract_of<bitvelocity::identity::v1::identity_service>(identity.served())),
      orders({process_.runtime, process_.clock, process_.rng, database("orders"), log, product_client}, order_options(process_.settings)),
      notifications({process_.runtime, process_.clock, process_.rng, database("notification"), log, identity_client}, notification_options(process_)) {}

bitvelocity::commerce::order::v1::order_service& modules::order_contract() {
    return contract_of<bitvelocity::commerce::order::v1::order_service>(orders.served());
}

bitvelocity::commerce::inventory::v1::inventory_service& modules::inventory_contract() {
    return contract_of<bitvelocity::commerce::inventory::v1::inventory_service>(inventory.served());
}

modules::~modules() = default;

pg::database& modules::database(std::string_view service) {
    const auto it = databases_.find(service);
    BV_ASSERT(it != databases_.end());
    return *it->second;
}

std::vector<bv::module> modules::lifecycle() {
    std::vector<bv::module> out;
    // Pools open at first use; a database that is away shows in readiness.
    out.push_back({.name = "database",
                   .needs = {},
                   .start = [this] { return start_watching(); },
                   .stop = [this] { return stop_watching(); },
                   .unready = [this] { return database_away_.load() ? std::string("it does not answer") : std::string{}; }});
    out.push_back({.name = "events", .needs = {"database"}, .start = [this] { return log.start(); }, .stop = [this] { return log.stop(); }});
    out.push_back(audit.lifecycle());
    out.push_back(identity.lifecycle());
    out.push_back(products.lifecycle());
    out.push_back(inventory.lifecycle());
    out.push_back(payments.lifecycle());
    out.push_back(orders.lifecycle());
    out.push_back(notifications.lifecycle());
    return out;
}

task<void> modules::watch_database() {
    while (!watching_.stopping()) {
        bool away = false;
        try {
            co_await database("log").query(probe);
        } catch (const failure&) {
            away = true;
        }
        database_away_.store(away);
        co_await process_.clock.sleep_for(probe_interval);
    }
}

task<void> modules::start_watching() {
    watching_.spawn(process_.runtime.context(0).get_executor(), watch_database());
    co_return;
}

task<void> modules::stop_watching() {
    watching_.stop();
    co_await watching_.join();
}

void modules::mount(gateway::edge& edge) {
    for (const auto& s : {audit.served(), identity.served(), products.served(), inventory.served(), payments.served(), orders.served(), notifications.served()})
        edge.add(s);
    for (auto& r : identity.raw_routes()) edge.add(std::move(r));
    for (auto& r : payments.routes()) edge.add(std::move(r));
    edge.add(products.import_route(), process_.settings.get<std::size_t>("http.max_stream"));
}

task<void> modules::close() {
    for (auto& [name, db] : databases_) co_await db->close();
}

}  // namespace bv::app
