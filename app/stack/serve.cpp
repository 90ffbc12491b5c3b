#include "app/stack/serve.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/stack/identity_files.hpp"
#include "app/stack/identity_link.hpp"
#include "app/stack/node.hpp"
#include "app/stack/own_metrics.hpp"
#include "app/stack/port.hpp"
#include "app/stack/rabbitmq_child.hpp"
#include "app/stack/secret_store.hpp"
#include "app/stack/settings.hpp"
#include "app/stack/surroundings.hpp"
#include "app/stack/telemetry_export.hpp"
#include "platform/runtime/signals.hpp"
#include "platform/storage/postgres/cluster.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace json = boost::json;

namespace {

constexpr seconds stop_patience{25};  // less than the supervisor's

pg::cluster database_of(const config& c, const data_dir& dir) {
    if (auto url = c.get<std::string>("database.url"); !url.empty()) return pg::cluster::external(url);
    pg::cluster_options o;
    o.directory = dir.path() / "postgres";
    o.account = c.get<std::string>("database.account");
    auto running = pg::cluster::attach(o);
    if (!running) throw failure(code::failed_precondition, "NOT_RUNNING", fmt::format("the database in {} does not run; bv up --profile full starts it", o.directory.string()));
    return pg::cluster::external(std::move(*running));
}

void write_instance(const std::filesystem::path& file, const instance& i) {
    if (file.empty()) return;
    json::array logins;
    for (const auto& l : i.logins) logins.emplace_back(l);
    const auto fresh = file.string() + ".new";
    std::ofstream(fresh) << json::serialize(json::object{{"pid", i.pid}, {"port", i.port}, {"logins", std::move(logins)}}) << '\n';
    std::filesystem::permissions(fresh, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::rename(fresh, file);  // whoever waits for it sees it whole
}

http::tls_identity as_tls(const security::svid& s) { return {s.certificate, s.private_key, s.trust}; }

// Ends the process when draining takes too long: what was acknowledged is stored, and another instance goes on.
std::jthread patience_of(seconds most) {
    return std::jthread([most](const std::stop_token& over) {
        std::mutex m;
        std::condition_variable_any ended;
        std::unique_lock hold(m);
        ended.wait_for(hold, over, most, [] { return false; });
        if (over.stop_requested()) return;
        telemetry::error("serve.stop_timed_out", {{"seconds", most.count()}});
        std::_Exit(1);
    });
}

}  // namespace

std::optional<instance> read_instance(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    boost::system::error_code ec;
    const auto v = json::parse(text.str(), ec);
    if (ec || !v.is_object()) return std::nullopt;
    instance out;
    out.pid = static_cast<pid_t>(v.at("pid").to_number<std::int64_t>());
    out.port = static_cast<std::uint16_t>(v.at("port").to_number<std::int64_t>());
    for (const auto& l : v.at("logins").as_array()) out.logins.emplace_back(l.as_string());
    return out;
}

namespace {

std::unique_ptr<identity_source> identity_of(const config& c, const std::vector<std::string>& roles, int descriptor, bv::runtime& runtime) {
    const identity_paths files{c.get<std::string>("peers.certificate_file"), c.get<std::string>("peers.key_file"), c.get<std::string>("peers.ca_file")};
    if (descriptor >= 0 || files.certificate.empty()) return std::make_unique<identity_receiver>(descriptor, runtime);
    if (roles.size() != 1) throw failure(code::invalid_argument, "ONE_ROLE", "a certificate names one role: bv serve with peers.certificate_file takes one --role, and each role is a process of its own");
    if (files.key.empty() || files.authorities.empty())
        throw failure(code::failed_precondition, "SETTING_MISSING", "peers.certificate_file needs peers.key_file and peers.ca_file beside it");
    return std::make_unique<identity_files>(files, security::spiffe_id{c.get<std::string>("peers.trust_domain"), '/' + roles.front()}, runtime, system_clock());
}

// What the process shows others, and goes on to show as it is given new ones.
rpc::peer_identity follow(identity_source& from, const config& c) {
    rpc::peer_identity own{c.get<std::string>("peers.trust_domain"), std::make_shared<http::mutual_tls>(as_tls(from.first()))};
    note_certificate("peers", from.first().not_after);
    from.follow([tls = own.tls](const security::svid& next) {
        tls->replace(as_tls(next));
        note_certificate("peers", next.not_after);
        telemetry::info("identity.replaced", {{"until", rfc3339(next.not_after)}});
    });
    return own;
}

listening_place place_of(const config& c, bool supervised) {
    if (supervised) return {"127.0.0.1"};
    auto given = parse_listening_place(c.get<std::string>("peers.listen"));
    if (!given) throw failure(given.error());
    return std::move(*given);
}

// What of the process has to end in order, also when it does not get to its end by itself: a port that is taken, a database that is away.
struct running_role {
    explicit running_role(std::size_t cores) : runtime(cores) { runtime.start(); }
    running_role(const running_role&) = delete;
    running_role& operator=(const running_role&) = delete;
    ~running_role() {
        const auto patience = patience_of(stop_patience);
        const auto quietly = [](const char* what, auto&& step) {
            try {
                step();
            } catch (const std::exception& e) {
                telemetry::error("serve.stop_failed", {{"step", what}, {"error", e.what()}});
            }
        };
        if (services) {
            quietly("http", [&] { services->drain(); });
            quietly("services", [&] { services->stop(); });
            quietly("pools", [&] { services->close(); });
        }
        if (exports) quietly("telemetry export", [&] { exports->stop(); });
        if (identities) quietly("identity", [&] { identities->stop(); });
        quietly("runtime", [&] { runtime.stop(), runtime.join(); });
    }

    bv::runtime runtime;
    std::unique_ptr<identity_source> identities{};
    std::unique_ptr<telemetry_export> exports{};
    std::unique_ptr<node> services{};
};

}  // namespace

void serve(const config& settings, const data_dir& dir, std::vector<std::string> roles, const std::filesystem::path& instance_file, int identity) {
    const bool supervised = identity >= 0, is_edge = std::ranges::find(roles, "gateway") != roles.end();
    const bool alone = !supervised && !settings.get<std::vector<std::string>>("peers.addresses").empty();
    const auto around = alone ? as_given(settings, dir, roles.front()) : of_running(settings, dir);
    const auto place = place_of(settings, supervised);
    configure_telemetry(settings);
    const auto role = roles.size() == 1 ? std::string_view(roles.front()) : platform_role;
    const auto store = alone ? open_secrets(settings, dir.path(), role) : find_secrets(settings, dir.path(), role);
    const auto& secrets = store.secrets;
    const auto database = database_of(settings, dir);
    running_role me(settings.get<std::size_t>("runtime.cores"));
    me.identities = identity_of(settings, roles, identity, me.runtime);
    const auto own = follow(*me.identities, settings);
    std::optional<claimed_port> edge;
    if (is_edge && !around.port_is_held) edge.emplace(claim_port(settings.get<std::string>("http.address"), around.port));
    me.exports = std::make_unique<telemetry_export>(settings, me.runtime, fmt::format("{}:{}", host_name(), ::getpid()));
    me.services = std::make_unique<node>(app::process{
        .runtime = me.runtime,
        .clock = system_clock(),
        .rng = system_rng(),
        .settings = settings,
        .secrets = *secrets,
        .data = dir.path(),
        .conninfo = [&](std::string_view service) { return database.conninfo(fmt::format("bv_{}", service), app::role_password(*secrets, service)); },
        .provider_url = around.provider_url,
        .url = around.url,
        .roles = roles,
        .redis = around.redis,
        .kafka_brokers = around.kafka,
        .registry_url = around.registry,
        .rabbitmq = rabbitmq_of(settings, *secrets, around.rabbitmq),
        .peers = around.peers.get(),
        .identity = own,
        .vault = store.vault.get()});
    me.services->start();
    instance said{::getpid(), 0, {}};
    if (settings.get<bool>("demo.seed")) said.logins = me.services->seed();
    said.port = me.services->listen_to_peers(place.address, place.port);
    if (is_edge) me.services->listen(edge ? edge->number() : around.port);
    write_instance(instance_file, said);
    telemetry::info("serve.ready", {{"roles", fmt::format("{}", fmt::join(roles, ","))}, {"port", static_cast<std::int64_t>(said.port)}});
    me.runtime.block_on(wait_for_stop_signal());
}

}  // namespace bv::stack
