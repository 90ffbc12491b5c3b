#include "app/stack/platform.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "app/stack/companions.hpp"
#include "app/stack/migrate.hpp"
#include "app/stack/node.hpp"
#include "app/stack/observability.hpp"
#include "app/stack/port.hpp"
#include "app/stack/public_url.hpp"
#include "app/stack/secret_store.hpp"
#include "app/stack/settings.hpp"
#include "app/stack/supervisor.hpp"
#include "app/stack/telemetry_export.hpp"
#include "app/stack/vault_child.hpp"
#include "platform/net/http/tls.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/runtime/signals.hpp"
#include "platform/storage/postgres/cluster.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace {

constexpr seconds stop_patience{40};        // of the whole stop
constexpr seconds many_stop_patience{110};  // where each role's process drains in its turn

// Where clients reach it: as the setting says, else where it listens.
std::string public_url_of(const config& c, const std::string& listening) {
    const auto given = c.get<std::string>("http.public_url");
    if (given.empty()) return listening;
    auto parsed = parse_public_url(given);
    if (!parsed) throw failure(parsed.error());
    return std::move(*parsed);
}

bool is_many(const config& c) { return c.get<std::string>("profile") == "full"; }

pg::cluster make_cluster(const config& c, const data_dir& dir) {
    if (auto url = c.get<std::string>("database.url"); !url.empty()) return pg::cluster::external(url);
    pg::cluster_options o;
    o.directory = dir.folder("postgres", 0711);
    o.account = c.get<std::string>("database.account");
    if (is_many(c)) o.max_connections = 250;  // each process has pools of its own
    return pg::cluster(o);
}

constexpr pg::statement drop_claims{"stack.drop_unfinished_claims", "DELETE FROM gateway.idempotency_keys WHERE status IS NULL"};

task<void> drop_unfinished_claims(pg::database& admin) { co_await admin.query(drop_claims); }

}  // namespace

struct platform::impl {
    impl(const config& c, data_dir& d, reporter r)
        : settings(c), dir(d), report(std::move(r)), store(find_store()), secrets(store.secrets), database(make_cluster(c, d)),
          runtime(c.get<std::size_t>("runtime.cores")), beside(c, d, *secrets, state, report) {}

    secret_store find_store();
    void heed_signals();  // from here on SIGINT and SIGTERM end the platform in order, also while it starts
    bool is_asked_to_stop();
    void start_database();
    void migrate();
    void launch_watchers();
    void start_services();
    void start_roles();
    void listen();
    void drop_claims();
    void tend_children();

    const config& settings;
    data_dir& dir;
    reporter report;
    running_platform state;
    vault_child vault;
    secret_store store;
    const std::unique_ptr<security::secrets>& secrets;
    pg::cluster database;
    bv::runtime runtime;
    std::unique_ptr<observability> watchers;
    std::unique_ptr<telemetry_export> exports;
    companions beside;
    std::unique_ptr<node> services;      // profile one
    std::unique_ptr<supervisor> roles;   // profile full
    std::vector<std::string> role_arguments;
    std::unique_ptr<scope> waiting;
    std::vector<std::string> logins;
    std::mutex mutex;
    std::condition_variable changed;
    bool asked_to_stop = false;
};

// A private Vault has to serve before anything that needs a secret.
secret_store platform::impl::find_store() {
    const auto data = dir.path();
    vault.start(settings, dir, report);
    state.vault_pid = vault.pid();
    state.vault = vault.address();
    if (vault.started() && has_sealed_file(data)) report(fmt::format("vault: {} secrets were moved from the sealed file", move_to_vault(settings, data)));
    return open_secrets(settings, data);
}

void platform::impl::start_database() {
    report(database.is_external() ? "database: using the one given" : "database: starting PostgreSQL");
    database.start([this](std::string_view what) { report(fmt::format("database: {}", what)); });
    state.postgres_pid = database.pid();
}

void platform::impl::migrate() {
    const int applied = stack::migrate(runtime, database, *secrets);
    drop_claims();
    vault.lend_logins(settings, dir, database);
    if (applied > 0) report(fmt::format("database: {} migrations applied", applied));
}

// Before anything that is watched.
void platform::impl::launch_watchers() {
    watchers = std::make_unique<observability>(settings, dir, state);
    watchers->launch();
    state.servers = watchers->servers();
    if (!state.servers.empty()) report("observability: starting");
    for (const auto& s : watchers->settings()) role_arguments.insert(role_arguments.end(), {"--set", s});
    exports = std::make_unique<telemetry_export>(settings, runtime, fmt::format("{}:{}", host_name(), state.port), watchers->settings());
}

void platform::impl::start_services() {
    report("services: starting");
    services = std::make_unique<node>(app::process{
        .runtime = runtime,
        .clock = system_clock(),
        .rng = system_rng(),
        .settings = settings,
        .secrets = *secrets,
        .data = dir.path(),
        .conninfo = [this](std::string_view service) {
            return database.conninfo(fmt::format("bv_{}", service), app::role_password(*secrets, service));
        },
        .provider_url = beside.provider_url(),
        .url = state.public_url,
        .redis = beside.redis_endpoints(),
        .kafka_brokers = beside.kafka_brokers(),
        .registry_url = beside.registry_url(),
        .rabbitmq = beside.rabbitmq(),
        .vault = store.vault.get()});
    services->start();
    if (settings.get<bool>("demo.seed")) logins = services->seed();
}

void platform::impl::listen() { services->listen(state.port), watchers->targets().write(); }

// Only while nobody runs the requests that a crash cut off: their keys are free again.
void platform::impl::drop_claims() {
    if (database.is_external()) return;
    pg::database admin({.conninfo = database.admin_conninfo(), .name = "admin", .max_connections_per_core = 1}, system_clock());
    runtime.block_on(drop_unfinished_claims(admin));
    runtime.block_on(admin.close());
}

void platform::impl::start_roles() {
    report("services: starting a process for each");
    supervisor_options o;
    o.arguments = role_arguments;
    o.before_gateway = [this] { drop_claims(); };
    o.report = report;
    o.published = [this](std::span<const app::role_process> processes) { watchers->targets().write(processes); };
    o.certificate_life = std::chrono::duration_cast<seconds>(settings.get<milliseconds>("peers.certificate_life"));
    o.trust_domain = settings.get<std::string>("peers.trust_domain");
    roles = std::make_unique<supervisor>(dir, runtime, certificates_from(store, settings), std::move(o));
    roles->start([this] { return is_asked_to_stop(); });
    logins = roles->logins();
}

void platform::impl::tend_children() {
    if (vault.tend()) state.vault_pid = vault.pid(), dir.write_state(state);
    if (beside.tend()) dir.write_state(state);
    if (watchers->tend()) state.servers = watchers->servers(), dir.write_state(state);
    if (roles) roles->tend();
    if (!database.is_external() && !database.running()) {
        telemetry::error("stack.database_ended", {{"pid", static_cast<std::int64_t>(state.postgres_pid)}});
        try {
            database.start();
            state.postgres_pid = database.pid();
            dir.write_state(state);
            telemetry::info("stack.database_restarted", {{"pid", static_cast<std::int64_t>(state.postgres_pid)}});
        } catch (const failure& f) {
            telemetry::error("stack.database_restart_failed", {{"error", f.error().message}});
        }
    }
}

platform::platform(const config& c, data_dir& d, reporter r, std::vector<std::string> role_arguments) : impl_(std::make_unique<impl>(c, d, std::move(r))) {
    impl_->role_arguments = std::move(role_arguments);
}
platform::~platform() { stop(); }

void platform::start() {
    auto& p = *impl_;
    configure_telemetry(p.settings);
    if (end_stale_roles(p.dir.path())) p.report("services: processes that an earlier run left were ended");
    const bool many = is_many(p.settings);
    p.state.profile = many ? "full" : "one";
    p.state.pid = ::getpid();
    p.state.started_at = rfc3339(system_clock().now());
    const auto address = p.settings.get<std::string>("http.address");
    const auto port = claim_port(address, p.settings.get<std::uint16_t>("http.port"));
    p.state.port = port.number();
    const auto tls = tls_of(p.settings);
    if (tls) {
        (void)http::server_tls(*tls);  // a file that cannot be used is told before anything starts
        p.state.certificate = std::filesystem::absolute(tls->certificate_chain).string();
    }
    p.state.url = fmt::format("{}://{}:{}", tls ? "https" : "http", address == "0.0.0.0" ? "127.0.0.1" : address, p.state.port);
    p.state.public_url = public_url_of(p.settings, p.state.url);
    p.dir.write_state(p.state);
    p.runtime.start();
    p.launch_watchers();
    p.heed_signals();
    const auto asked = [&p] { return p.is_asked_to_stop(); };
    const std::function<void()> steps[] = {[&p] { p.beside.launch_slow(), p.start_database(), p.dir.write_state(p.state); }, [&p] { p.migrate(); },
                                           [&p] { p.beside.start_quick(), p.dir.write_state(p.state); },
                                           [&p, many] { many ? p.start_roles() : p.start_services(); }, [&p] { if (p.services) p.listen(); },
                                           [&p, asked] { p.beside.await(asked), p.watchers->await(asked); }};
    for (const auto& step : steps) {
        if (p.is_asked_to_stop()) return;  // run() returns at once
        step();
    }
    p.state.ready = true;
    p.dir.write_state(p.state);
}

namespace {

task<void> tell_when_asked_to_stop(std::function<void()> tell) {
    co_await wait_for_stop_signal();
    tell();
}

}  // namespace

void platform::impl::heed_signals() {
    waiting = std::make_unique<scope>("stop signal");
    waiting->spawn(runtime.context(0).get_executor(), tell_when_asked_to_stop([this] {
        const std::lock_guard hold(mutex);
        asked_to_stop = true;
        changed.notify_all();
    }));
}

bool platform::impl::is_asked_to_stop() {
    const std::lock_guard hold(mutex);
    return asked_to_stop;
}

void platform::run() {
    auto& p = *impl_;
    std::unique_lock hold(p.mutex);
    for (std::string told; !p.changed.wait_for(hold, milliseconds(500), [&p] { return p.asked_to_stop; });) {
        hold.unlock();
        std::string trouble;
        try {
            p.tend_children();
        } catch (const std::exception& e) {
            trouble = e.what();
        }
        // A full disk, say. What runs goes on, and is looked after again in a moment.
        if (std::exchange(told, trouble) != trouble && !trouble.empty()) telemetry::error("stack.tend_failed", {{"error", trouble}});
        hold.lock();
    }
}

namespace {

// "http (1), events (2)"
std::string tasks_left() {
    std::string out;
    for (const auto& [name, tasks] : scope::running_tasks()) out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", name, tasks);
    return out;
}

}  // namespace

void platform::stop() noexcept {
    if (!impl_ || impl_->state.pid == 0) return;
    auto& p = *impl_;
    std::atomic<const char*> step_in_hand{"signals"};
    // What does not end by itself is cut off, as a crash would: what was acknowledged is stored, and the next start goes on.
    std::jthread patience([&p, &step_in_hand](const std::stop_token& over) {
        std::mutex m;
        std::condition_variable_any ended;
        std::unique_lock hold(m);
        const auto most = p.roles ? many_stop_patience : stop_patience;
        ended.wait_for(hold, over, most, [] { return false; });
        if (over.stop_requested()) return;
        telemetry::error("stack.stop_timed_out", {{"seconds", most.count()}, {"step", step_in_hand.load()}, {"tasks", tasks_left()}});
        p.beside.stop();
        if (p.watchers) p.watchers->stop();
        p.vault.stop();
        p.database.stop();
        p.dir.remove_state();
        std::_Exit(1);
    });
    const auto quietly = [&step_in_hand](const char* what, auto&& step) {
        step_in_hand = what;
        try {
            step();
        } catch (const std::exception& e) {
            telemetry::error("stack.stop_failed", {{"step", what}, {"error", e.what()}});
        }
    };
    if (p.waiting) {
        p.waiting->stop();
        quietly("signals", [&] { p.runtime.block_on(p.waiting->join()); });
    }
    if (p.roles) quietly("roles", [&] { p.roles->stop(); });
    if (p.services) {
        quietly("http", [&] { p.services->drain(); });
        quietly("services", [&] { p.services->stop(); });
        quietly("pools", [&] { p.services->close(); });
    }
    if (p.exports) quietly("telemetry export", [&] { p.exports->stop(); });
    quietly("runtime", [&] { p.runtime.stop(), p.runtime.join(); });
    step_in_hand = "children";
    p.exports.reset();
    p.services.reset();
    p.beside.stop();
    if (p.watchers) p.watchers->stop();
    if (p.store.vault) p.store.vault->stop();
    p.vault.stop();
    p.database.stop();
    p.dir.remove_state();
    p.state.pid = 0;
}

const running_platform& platform::state() const noexcept { return impl_->state; }
std::vector<std::string> platform::logins() const { return impl_->logins; }

}  // namespace bv::stack
