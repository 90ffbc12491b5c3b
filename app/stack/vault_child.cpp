#include "app/stack/vault_child.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "app/stack/child.hpp"
#include "app/stack/extras.hpp"
#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/storage/postgres/server_process.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds setup_patience = 120s, pause = 2s;
constexpr const char* port_name = "vault";
constexpr std::uintmax_t most_audit_bytes = 64ULL << 20;  // some hours of it; as much again is kept of before

bool is_asked_for(const config& c) {
    const auto with = parse_extras(c.get<std::vector<std::string>>("stack.with"));
    if (!with) throw failure(with.error());
    return with->vault;
}

fs::path given_or(const std::string& given, const char* in_the_tree) {
    if (!given.empty()) return fs::absolute(given);
    const char* root = std::getenv("BV_ROOT");  // NOLINT(concurrency-mt-unsafe): this process sets none
    return fs::absolute(fs::path(root ? root : "") / in_the_tree);
}

fs::path home_of(const data_dir& dir) { return fs::absolute(dir.path()) / "vault"; }

std::string address_at(std::uint16_t port) { return fmt::format("http://127.0.0.1:{}", port); }

std::uint16_t known_port(const fs::path& home) {
    std::uint16_t port = 0;
    std::ifstream(home / fmt::format("{}.port", port_name)) >> port;
    return port;
}

fs::path program_of(const config& c, const std::optional<pg::account>& who) {
    const auto program = given_or(c.get<std::string>("vault.program"), "build/tools/bin/vault");
    if (::access(program.c_str(), X_OK) != 0)
        throw failure(code::failed_precondition, "VAULT_NOT_INSTALLED",
                      fmt::format("--with vault: there is no program {}; infra/vault/fetch builds it there, once; or use a Vault that runs already (vault.address)", program.string()));
    std::vector<fs::path> above;
    for (auto p = program.parent_path(); p != p.root_path(); p = p.parent_path()) above.insert(above.begin(), p);
    if (const auto closed = pg::first_closed_directory(who, above))
        throw failure(code::failed_precondition, "VAULT_NOT_INSTALLED",
                      fmt::format("--with vault: account {} runs it and may not enter {}. Let it pass (chmod o+x), or put the program elsewhere and name it in vault.program", who ? who->name : "",
                                  closed->string()));
    return program;
}

void give(const fs::path& p, const std::optional<pg::account>& who) {
    if (who && ::lchown(p.c_str(), who->uid, who->gid) != 0)
        throw failure(code::failed_precondition, "VAULT_SETUP_FAILED", fmt::format("{} cannot be given to account {}: {}", p.string(), who->name, os_error()));
}

// Plain HTTP: nobody else reads what a machine says to itself on loopback, and the platform takes it only there.
std::string configuration(const fs::path& server, std::uint16_t port, std::uint16_t cluster_port) {
    return fmt::format(R"(storage "raft" {{
  path = "{0}/raft"
  node_id = "private"
  performance_multiplier = 1
}}
listener "tcp" {{
  address = "127.0.0.1:{1}"
  cluster_address = "127.0.0.1:{2}"
  tls_disable = true
}}
api_addr = "http://127.0.0.1:{1}"
cluster_addr = "https://127.0.0.1:{2}"
disable_mlock = true
log_level = "warn"
)", server.string(), port, cluster_port);
}

// Of a URL's parameter.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("-_./").find(c) != std::string_view::npos) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return out;
}

}  // namespace

std::vector<std::string> private_vault_settings(const config& c, const data_dir& dir) {
    if (!is_asked_for(c) || !c.get<std::string>("vault.address").empty()) return {};
    const auto home = home_of(dir);
    const auto port = lasting_port(dir.folder("vault", 0711), port_name);
    std::vector<std::string> out{"secrets.backend=vault", "vault.address=" + address_at(port), "vault.role_id=bitvelocity-{role}", "vault.secret_id_file=" + (home / "secret-ids/{role}").string()};
    // Logins are made in the private database: of another one its people set up a Vault.
    if (!c.get<std::string>("database.url").empty()) out.emplace_back("vault.database=");
    return out;
}

void vault_child::start(const config& c, const data_dir& dir, const reporter& report) {
    folder_ = home_of(dir);
    const auto port = known_port(folder_);
    if (!is_asked_for(c) || port == 0 || c.get<std::string>("vault.address") != address_at(port)) return;
    const auto who = pg::server_account(c.get<std::string>("database.account"));
    const auto program = program_of(c, who);
    files_ = given_or(c.get<std::string>("vault.files"), "infra/vault");
    address_ = address_at(port);
    const auto server = folder_ / "server", file = server / "config.hcl";
    // An empty one would be filled with other keys, which do not open the data.
    if (fs::exists(folder_ / "keys.json") && !fs::exists(server / "raft" / "vault.db"))
        throw failure(code::data_loss, "VAULT_STORAGE_GONE", fmt::format("{} is gone, and with it the secrets of {}. Bring it back; or bv reset deletes what is left", (server / "raft").string(), dir.path().string()));
    for (const auto& f : {server, server / "raft"}) {
        fs::create_directories(f);
        fs::permissions(f, fs::perms::owner_all);
        give(f, who);
    }
    std::ofstream(file) << configuration(server, port, lasting_port(folder_, "vault-cluster"));
    give(file, who);
    server_ = std::make_unique<server_child>(
        server_spec{.name = "vault", .arguments = {program.string(), "server", "-config=" + file.string()}, .folder = server, .log = dir.folder("log") / "vault.log", .port = port, .run_as = who});
    report(fs::exists(folder_ / "keys.json") ? "vault: starting" : "vault: starting, and making its keys");
    try {
        server_->launch();
        while (!server_->is_up()) std::this_thread::sleep_for(10ms);
        run(script("open"));
        auto setup = script("configure");
        setup.insert(setup.end(), {"--secret-id-folder", (folder_ / "secret-ids").string(), "--audit", (server / "audit.log").string(), "--trust-domain", c.get<std::string>("peers.trust_domain"),
                                   "--certificate-life", fmt::format("{}s", c.get<seconds>("peers.certificate_life").count())});
        run(std::move(setup));
    } catch (...) {
        stop();
        throw;
    }
}

void vault_child::lend_logins(const config& c, const data_dir& dir, const pg::cluster& database) {
    if (!server_ || database.is_external() || c.get<std::string>("vault.database").empty()) return;
    auto setup = script("configure");
    setup.insert(setup.end(), {"--only-database", "--database", fmt::format("postgresql://{{{{username}}}}:{{{{password}}}}@/bitvelocity?host={}", escaped(database.socket_directory().string())), "--database-user",
                               std::string(pg::cluster::admin_role), "--database-password-file", (dir.path() / "postgres/admin.password").string()});
    run(std::move(setup));
}

std::vector<std::string> vault_child::script(const char* name) const {
    return {(files_ / name).string(), "--address", address_, "--keys", (folder_ / "keys.json").string()};
}

void vault_child::run(std::vector<std::string> arguments) const {
    const auto log = folder_ / "setup.log", program = fs::path(arguments.front());
    std::error_code ec;
    fs::remove(log, ec);
    const auto pid = pg::start_process({.arguments = std::move(arguments), .run_as = std::nullopt, .output = log, .signal_with_parent = SIGTERM});
    const auto ended = pg::wait_exit(pid, setup_patience);
    if (ended && *ended == 0) return;
    if (!ended) {
        ::kill(pid, SIGKILL);
        (void)pg::wait_exit(pid, 3s);
    }
    throw failure(code::unavailable, "VAULT_SETUP_FAILED", fmt::format("the private Vault was not set up: {} {}:\n{}", program.string(), ended ? "says" : "takes too long; it said", log_tail(log)));
}

bool vault_child::tend() {
    if (!server_) return false;
    const bool changed = server_->tend();
    sealed_ = sealed_ || changed;
    unseal_again();
    turn_audit_log();
    return changed;
}

// Vault opens it anew at the signal.
void vault_child::turn_audit_log() {
    const auto log = server_->spec().folder / "audit.log";
    std::error_code ec;
    if (const auto size = fs::file_size(log, ec); ec || size < most_audit_bytes || server_->pid() == 0) return;
    fs::rename(log, log.string() + ".1", ec);
    if (!ec) ::kill(server_->pid(), SIGHUP);
}

void vault_child::unseal_again() {
    if (unsealing_ != 0) {
        const auto ended = pg::wait_exit(unsealing_, 0ms);
        if (!ended) return;
        unsealing_ = 0;
        sealed_ = *ended != 0;
        not_before_ = steady::now() + pause;
        if (sealed_) telemetry::error("stack.vault_stays_sealed", {{"error", log_tail(folder_ / "setup.log")}});
        else telemetry::info("stack.vault_unsealed", {});
    }
    if (!sealed_ || server_->pid() == 0 || steady::now() < not_before_ || !is_listening_on_loopback(server_->spec().port)) return;
    const auto log = folder_ / "setup.log";
    std::error_code ec;
    fs::remove(log, ec);
    unsealing_ = pg::start_process({.arguments = script("open"), .run_as = std::nullopt, .output = log, .signal_with_parent = SIGTERM});
}

void vault_child::stop() noexcept {
    if (unsealing_ != 0) {
        ::kill(unsealing_, SIGKILL);
        (void)pg::wait_exit(std::exchange(unsealing_, 0), 3s);
    }
    if (server_) server_->stop();
    server_.reset();
}

}  // namespace bv::stack
