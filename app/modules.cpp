#include "app/modules.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "app/forward.hpp"
#include "app/mail_jobs.hpp"
#include "app/shared_store.hpp"
#include "app/stack/provider_child.hpp"
#include "platform/events/migrations.hpp"
#include "platform/storage/postgres/migrations.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::gateway {
std::span<const bv::embedded_file> migration_files();
}

namespace bv::app {

namespace {

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

storage::lease_terms turn_of(const process& p) { return {.life = p.settings.get<milliseconds>("leases.life")}; }

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
    o.turn = turn_of(p);
    return o;
}

order::options order_options(const process& p) {
    const auto& c = p.settings;
    order::options o;
    o.most_open = c.get<std::int64_t>("orders.most_open");
    o.times.stock = c.get<milliseconds>("orders.stock_timeout");
    o.times.authorisation = o.times.capture = c.get<milliseconds>("orders.payment_timeout");
    o.turn = turn_of(p);
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

inventory::options inventory_options(const process& p) {
    inventory::options o;
    o.reservations.hold = p.settings.get<seconds>("inventory.hold");
    o.turn = turn_of(p);
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

bool process::holds(std::string_view role) const { return std::ranges::find(roles, role) != roles.end(); }

namespace {

constexpr pg::statement probe{"database.probe", "SELECT 1"};
constexpr milliseconds probe_interval{500};

using databases = std::map<std::string, std::unique_ptr<pg::database>, std::less<>>;

void connect(const process& p, std::string_view service, database_logins* logins, databases& to) {
    pg::options o{.conninfo = p.conninfo(service), .name = std::string(service), .max_connections_per_core = p.settings.get<int>("database.connections"), .by_index = true};
    if (logins != nullptr) logins->prepare(service, o);
    const auto& db = to.emplace(service, std::make_unique<pg::database>(std::move(o), p.clock)).first->second;
    if (logins != nullptr) logins->give(service, *db);
}

// Opens them. Gives what renews their logins, which ends before them.
std::unique_ptr<database_logins> connect(const process& p, databases& to) {
    const auto from = vault::parse_place(p.settings.get<std::string>("vault.database"));
    std::unique_ptr<database_logins> logins;
    if (p.vault != nullptr && from && from->given()) logins = std::make_unique<database_logins>(*p.vault, p.clock, *from);
    connect(p, "log", logins.get(), to);
    for (const auto& r : roles())
        if (p.holds(r.name)) connect(p, r.schema, logins.get(), to);
    return logins;
}

std::map<std::string, std::unique_ptr<rpc::peer_channel>, std::less<>> channels_of(const process& p) {
    std::map<std::string, std::unique_ptr<rpc::peer_channel>, std::less<>> out;
    if (p.peers == nullptr) return out;
    for (const auto& r : roles())
        if (!p.holds(r.name)) out.emplace(r.name, std::make_unique<rpc::peer_channel>(std::string(r.name), *p.peers, p.identity, p.clock, p.rng));
    return out;
}

// Of the roles, these share something.
std::unique_ptr<shared_store> shared_store_of(const process& p) {
    if (p.redis.empty() || (!p.holds("product") && !p.holds("gateway"))) return nullptr;
    return std::make_unique<shared_store>(p.redis, p.settings, p.runtime, p.clock, p.rng);
}

}  // namespace

modules::modules(process p)
    : process_(std::move(p)), logins_(connect(process_, databases_)), channels_(channels_of(process_)), shared_(shared_store_of(process_)),
      log_(make_event_log(process_, database("log"))), log(*log_) {
    if (holds("notification")) mails_ = std::make_unique<mail_jobs>(process_, database("notification"));
    bind();
    if (!holds("gateway")) return;
    // A claim cannot outlive its request, unless the process or the database died under it.
    answers.emplace(database("gateway"), "gateway", pg::idempotency_store::settings{.lease = process_.settings.get<milliseconds>("http.request_timeout") + seconds(5)});
    if (holds("identity")) return;
    gateway::remote_authenticator_options o;
    const auto tokens = identity_options(process_).tokens;
    o.known.expected = {tokens.issuer, tokens.audience};
    trust_.emplace(std::move(o), identity.contract(), process_.clock);
}

modules::~modules() = default;

template <class Part, class Deps, class Options>
void modules::bind(std::string_view role, Part& it, Deps deps_of, Options options_of) {
    if (holds(role)) it.hold(deps_of(), options_of(process_));
    else it.reach(channel(role));
}

// In the order of the table of roles: a contract is bound before who calls it.
void modules::bind() {
    auto& p = process_;
    bind("audit", audit, [&] { return audit::deps{p.clock, database("audit")}; }, [](const process&) { return audit::options{}; });
    bind("identity", identity, [&] { return identity::deps{p.runtime, p.clock, p.rng, database("identity"), log, p.secrets}; }, identity_options);
    bind("product", products, [&] { return product::deps{p.runtime, p.clock, p.rng, database("product"), log, shared_ ? &shared_->products() : nullptr}; }, [](const process&) { return product::options{}; });
    bind("inventory", inventory, [&] { return inventory::deps{p.runtime, p.clock, p.rng, database("inventory"), log}; }, inventory_options);
    bind("payment", payments, [&] { return payment::deps{p.runtime, p.clock, p.rng, database("payment"), log}; }, payment_options);
    bind("order", orders, [&] { return order::deps{p.runtime, p.clock, p.rng, database("orders"), log, products.contract()}; }, order_options);
    bind("notification", notifications, [&] { return notification::deps{p.runtime, p.clock, database("notification"), log, mails_->queue(), identity.contract()}; },
         notification_options);
}

rpc::peer_channel& modules::channel(std::string_view role) {
    const auto it = channels_.find(role);
    BV_ASSERT(it != channels_.end());
    return *it->second;
}

pg::database& modules::database(std::string_view service) {
    const auto it = databases_.find(service);
    BV_ASSERT(it != databases_.end());
    return *it->second;
}

rpc::authenticator& modules::authenticator() {
    if (trust_) return *trust_;
    return identity.here().authenticator();
}

gateway::edge_shared modules::shared() noexcept {
    if (!shared_) return {};
    return {&shared_->limits(), &shared_->answers()};
}

std::vector<bv::module> modules::lifecycle() {
    std::vector<bv::module> out;
    if (process_.vault != nullptr) out.push_back(vault_lifecycle(*process_.vault, logins_.get(), process_.clock));
    if (shared_) out.push_back(shared_->lifecycle());  // nobody needs it: the first to start is the last to stop
    // Pools open at first use; a database that is away shows in readiness.
    out.push_back({.name = "database",
                   .needs = {},
                   .start = [this] { return start_watching(); },
                   .stop = [this] { return stop_watching(); },
                   .unready = [this] { return database_away_.load() ? std::string("it does not answer") : std::string{}; }});
    out.push_back({.name = "events", .needs = {"database"}, .start = [this] { return log.start(); }, .stop = [this] { return log.stop(); },
                   .degraded = [this] { return log.trouble(); }});
    if (mails_) out.push_back(mails_->lifecycle());
    const auto add = [&out](auto& it) {
        if (it.held()) out.push_back(it.here().lifecycle());
    };
    add(audit), add(identity), add(products), add(inventory), add(payments), add(orders), add(notifications);
    if (trust_) out.push_back(trust_->lifecycle());
    // What is in another process is waited for where it is called.
    const auto is_here = [&out](const std::string& name) { return std::ranges::any_of(out, [&](const bv::module& m) { return m.name == name; }); };
    for (auto& m : out) std::erase_if(m.needs, [&](const std::string& n) { return !is_here(n); });
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
    edge.add(audit.served(bitvelocity::audit::v1::audit_service_methods()));
    edge.add(identity.served(bitvelocity::identity::v1::identity_service_methods()));
    edge.add(products.served(bitvelocity::commerce::product::v1::product_service_methods()));
    edge.add(inventory.served(bitvelocity::commerce::inventory::v1::inventory_service_methods()));
    edge.add(payments.served(bitvelocity::commerce::payment::v1::payment_service_methods()));
    edge.add(orders.served(bitvelocity::commerce::order::v1::order_service_methods()));
    edge.add(notifications.served(bitvelocity::commerce::notification::v1::notification_service_methods()));
    if (identity.held())
        for (auto& r : identity.here().raw_routes()) edge.add(std::move(r));
    else for (auto& r : forwarded_routes("identity", channel("identity"))) edge.add(std::move(r));
    if (payments.held())
        for (auto& r : payments.here().routes()) edge.add(std::move(r));
    else for (auto& r : forwarded_routes("payment", channel("payment"))) edge.add(std::move(r));
    edge.add(products.held() ? products.here().import_route() : forwarded_import(channel("product"), process_.settings.get<std::size_t>("http.max_stream")),
             process_.settings.get<std::size_t>("http.max_stream"));
    edge.add(products.held() ? products.here().import_stream() : forwarded_import_stream(channel("product")));
}

void modules::mount(rpc::peer_listener& to) {
    const auto add = [&to](auto& it) {
        if (it.held()) to.add(it.here().served());
    };
    add(audit), add(identity), add(products), add(inventory), add(payments), add(orders), add(notifications);
    if (identity.held())
        for (auto& r : identity.here().raw_routes()) to.add(std::move(r));
    if (payments.held())
        for (auto& r : payments.here().routes()) to.add(std::move(r));
    if (products.held()) {
        to.add(products.here().import_route());
        to.add(products.here().import_stream());
    }
}

task<void> modules::close() {
    for (auto& [name, channel] : channels_) co_await channel->close();
    for (auto& [name, db] : databases_) co_await db->close();
}

}  // namespace bv::app
