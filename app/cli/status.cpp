// bv status, bv settings.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/cli/local_api.hpp"
#include "app/role_directory.hpp"
#include "app/stack/local_client.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace json = boost::json;

namespace {

// Resident memory of a process and of its children (PostgreSQL's back ends), shared pages counted once: the sum of their
// proportional set sizes. 0 when it is gone.
std::int64_t memory_of(pid_t pid) {
    if (pid <= 0) return 0;
    std::int64_t kilobytes = 0;
    std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
    for (std::string word; rollup >> word;)
        if (word == "Pss:") {
            rollup >> kilobytes;
            break;
        }
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid));
    for (pid_t child = 0; children >> child;) kilobytes += memory_of(child) / 1024;
    return kilobytes * 1024;
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{} MB", bytes >> 20); }

// Of "127.0.0.1:9092", "http://127.0.0.1:8081/path".
std::int64_t port_of(const std::string& address) { return std::atoi(address.substr(address.rfind(':') + 1).c_str()); }

json::object processes_of(const stack::running_platform& p, const std::vector<app::role_process>& processes) {
    // The platform's own memory without that of its child processes, which are listed by themselves.
    const auto postgres = memory_of(p.postgres_pid), provider = memory_of(p.provider_pid), redis = memory_of(p.redis_pid), kafka = memory_of(p.kafka_pid), registry = memory_of(p.registry_pid),
               rabbitmq = memory_of(p.rabbitmq_pid), vault = memory_of(p.vault_pid);
    auto children = postgres + provider + redis + kafka + registry + rabbitmq + vault;
    json::object servers;
    for (const auto& s : p.servers) {
        const auto bytes = memory_of(s.pid);
        children += bytes;
        servers[s.name] = {{"pid", s.pid}, {"port", s.port}, {"bytes", bytes}, {"state", s.pid == 0 ? "waiting to be started again" : s.url}};
    }
    json::object roles;
    std::map<std::string, int> instances;
    for (const auto& r : processes) {
        const auto bytes = memory_of(r.pid);
        children += bytes;
        const int n = ++instances[r.role];
        roles[n == 1 ? r.role : fmt::format("{}.{}", r.role, n)] = {{"pid", r.pid}, {"port", r.port}, {"bytes", bytes}, {"restarts", r.restarts}, {"state", r.state}, {"since", r.since}};
    }
    const auto all = memory_of(p.pid);
    json::object out{{"platform", {{"pid", p.pid}, {"port", p.port}, {"bytes", all > children ? all - children : all}}},
                     {"postgres", {{"pid", p.postgres_pid}, {"bytes", postgres}}},
                     {"provider", {{"pid", p.provider_pid}, {"port", p.provider_port}, {"bytes", provider}}}};
    if (p.redis_pid != 0) out["redis"] = {{"pid", p.redis_pid}, {"bytes", redis}};
    if (p.kafka_pid != 0) out["kafka"] = {{"pid", p.kafka_pid}, {"port", port_of(p.kafka)}, {"bytes", kafka}};
    if (p.registry_pid != 0) out["registry"] = {{"pid", p.registry_pid}, {"port", port_of(p.registry)}, {"bytes", registry}};
    if (p.rabbitmq_pid != 0) out["rabbitmq"] = {{"pid", p.rabbitmq_pid}, {"port", port_of(p.rabbitmq)}, {"bytes", rabbitmq}};
    if (!p.vault.empty()) out["vault"] = {{"pid", p.vault_pid}, {"port", port_of(p.vault)}, {"bytes", vault}, {"state", p.vault_pid == 0 ? "waiting to be started again" : ""}};
    for (auto& [name, role] : roles) out[name] = role;
    for (auto& [name, server] : servers) out[name] = server;
    return out;
}

// Events that wait for a transaction somebody left open, and how to end it.
void print_held_delivery(const json::value& status) {
    const auto* held = status.as_object().if_contains("heldDelivery");
    if (held == nullptr) return;
    std::string sources;
    for (const auto& s : items_of(*held, "sources")) sources += (sources.empty() ? "" : ", ") + std::string(s.as_string());
    std::cout << fmt::format("\nevents of {} have been waiting for {} for a transaction that stays open\n", sources, text_of(*held, "held"));
    for (const auto& t : items_of(*held, "transactions")) {
        const auto known = [&t](const char* key) { const auto text = text_of(t, key); return text.empty() ? std::string("not shown") : text; };
        const auto prepared = text_of(t, "prepared");
        std::cout << fmt::format("  {}  role {}  database {}  application {}  state {}  open for {}\n", prepared.empty() ? "pid " + text_of(t, "pid") : "prepared " + prepared,
                                 known("role"), known("database"), known("application"), known("state"), known("open"));
        std::cout << (prepared.empty() ? fmt::format("  commit or roll it back where it was begun, or end it: SELECT pg_terminate_backend({})\n", text_of(t, "pid"))
                                       : fmt::format("  end it in that database: ROLLBACK PREPARED '{}'\n", prepared));
    }
    if (items_of(*held, "transactions").empty()) std::cout << "  which one is not known: see pg_stat_activity and pg_prepared_xacts of the database server\n";
}

void print_processes(const json::object& processes) {
    std::cout << fmt::format("{:<16} {:>8} {:>7} {:>8} {:>9}  {}\n", "process", "pid", "port", "memory", "restarts", "health");
    for (const auto& [name, v] : processes) {
        const auto& o = v.as_object();
        if (o.at("pid").to_number<std::int64_t>() == 0 && !o.contains("state")) continue;
        std::cout << fmt::format("{:<16} {:>8} {:>7} {:>8} {:>9}  {}\n", std::string_view(name), json::serialize(o.at("pid")), o.contains("port") ? json::serialize(o.at("port")) : "socket",
                                 megabytes(o.at("bytes").to_number<std::int64_t>()), o.contains("restarts") ? json::serialize(o.at("restarts")) : "", text_of(v, "state"));
    }
}

// Roles that do not work, since when, and where their reason is.
void print_down(const std::vector<app::role_process>& processes) {
    for (const auto& p : processes)
        if (p.state != "ready")
            std::cout << fmt::format("\n{} is down: {} since {}, {} restart{}; its log: bv logs {}", p.role, p.state, p.since, p.restarts, p.restarts == 1 ? "" : "s", p.role);
    if (std::ranges::any_of(processes, [](const auto& p) { return p.state != "ready"; })) std::cout << '\n';
}

void print_table(const stack::running_platform& p, const json::object& processes, const json::value& status) {
    std::cout << fmt::format("{}  {}  since {}\n\n", p.url, text_of(status, "ready") == "true" ? "ready" : "NOT READY", p.started_at);
    print_processes(processes);
    std::cout << fmt::format("\n{:<14} {}\n", "service", "health");
    for (const auto& m : items_of(status, "modules"))
        std::cout << fmt::format("{:<14} {}\n", text_of(m, "name"), text_of(m, "reason").empty() ? "ready" : text_of(m, "reason"));
    std::cout << fmt::format("\n{:<22} {:<12} {:>10} {:>8} {:>6}\n", "event group", "reads", "position", "behind", "dead");
    const auto number = [](const std::string& s) { return s.empty() ? std::string("0") : s; };
    for (const auto& g : items_of(status, "groups"))
        std::cout << fmt::format("{:<22} {:<12} {:>10} {:>8} {:>6}\n", text_of(g, "group"), text_of(g, "source"), number(text_of(g, "position")), number(text_of(g, "lag")),
                                 number(text_of(g, "deadLetters")));
    std::cout << fmt::format("\n{:<22} {:>8} {:>6}\n", "job queue", "waiting", "dead");
    for (const auto& q : items_of(status, "jobQueues")) std::cout << fmt::format("{:<22} {:>8} {:>6}\n", text_of(q, "queue"), number(text_of(q, "waiting")), number(text_of(q, "dead")));
    print_held_delivery(status);
}

// The gateway does not answer: what the supervisor has written down.
int show_what_is_known(const stack::running_platform& p, const std::vector<app::role_process>& roles, const failure& why, bool as_json) {
    const auto processes = processes_of(p, roles);
    if (as_json) {
        std::cout << json::serialize(json::object{{"url", p.url}, {"started_at", p.started_at}, {"processes", processes}, {"error", why.error().message}}) << '\n';
    } else {
        std::cout << fmt::format("{}  NOT READY  since {}\nthe gateway does not answer: {}\n\n", p.url, p.started_at, why.error().message);
        print_processes(processes);
        print_down(roles);
    }
    return failed;
}

// The operator's key is in a Vault that does not give it: what the platform tells anybody on this machine.
int show_readiness(const common& c, const std::string& why, bool as_json) {
    const auto platform = find_running(c);
    const auto roles = app::read_roles(c.directory());
    runtime machine(1);
    machine.start();
    http::client client(stack::local_client(platform));
    http::client_request r;
    r.target = "/readyz";
    const auto answer = machine.block_on(client.send(std::move(r)));
    const auto processes = processes_of(platform, roles);
    if (as_json) {
        std::cout << json::serialize(json::object{{"url", platform.url}, {"started_at", platform.started_at}, {"processes", processes}, {"readiness", answer.body}, {"error", why}}) << '\n';
    } else {
        std::cout << fmt::format("{}  {}  since {}\nmore is not shown, for the operator's key cannot be had: {}\n\n", platform.url, answer.status == 200 ? "ready" : "NOT READY", platform.started_at, why);
        print_processes(processes);
        std::cout << fmt::format("\n{}", answer.body);
        print_down(roles);
    }
    return answer.status == 200 ? done : failed;
}

int show(const common& c, bool as_json) {
    std::optional<local_api> with_key;
    try {
        with_key.emplace(c);
    } catch (const failure& f) {
        if (!f.error().reason.starts_with("VAULT_")) throw;
        return show_readiness(c, f.error().message, as_json);
    }
    auto& api = *with_key;
    const auto roles = app::read_roles(c.directory());
    json::value status;
    try {
        status = api.get("/v1/platform/status");
    } catch (const failure& f) {
        if (roles.empty()) throw;
        return show_what_is_known(api.platform(), roles, f, as_json);
    }
    const auto processes = processes_of(api.platform(), roles);
    if (as_json) {
        std::cout << json::serialize(json::object{{"url", api.platform().url}, {"started_at", api.platform().started_at}, {"processes", processes}, {"status", status}}) << '\n';
    } else {
        print_table(api.platform(), processes, status);
        print_down(roles);
    }
    return text_of(status, "ready") == "true" ? done : failed;
}

}  // namespace

void add_status(CLI::App& parser, common& c) {
    auto as_json = std::make_shared<bool>(false);
    auto* command = parser.add_subcommand("status", "What runs: processes with ports and memory, services with health, event groups with lag. Exit 1 when not ready, 3 when not running.");
    command->add_flag("--json", *as_json, "for programs");
    command->callback([as_json, &c] { c.exit = show(c, *as_json); });
}

void add_settings(CLI::App& parser, common& c) {
    auto* command = parser.add_subcommand("settings", "List every setting with its value, where it comes from, and what it means.");
    command->callback([&c] { std::cout << c.load().print(); });
}

}  // namespace bv::cli
