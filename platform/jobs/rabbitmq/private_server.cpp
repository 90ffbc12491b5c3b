#include "platform/jobs/rabbitmq/private_server.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/storage/postgres/server_process.hpp"

namespace bv::jobs::rabbitmq {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* programs = "/usr/lib/rabbitmq/bin";
constexpr const char* epmd_program = "/usr/bin/epmd";
constexpr const char* node = "bitvelocity@localhost";

std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string end_of(const std::string& text) { return text.size() > 2'000 ? text.substr(text.size() - 2'000) : text; }

void write_private(const fs::path& file, const std::string& text, unsigned mode) {
    std::error_code ec;
    fs::remove(file, ec);
    const mode_t before = ::umask(0077);
    std::ofstream out(file);
    out << text;
    out.close();
    ::umask(before);
    ::chmod(file.c_str(), mode);
    if (!out) throw failure(code::unavailable, "RABBITMQ_START", fmt::format("{} cannot be written: {}", file.string(), os_error()));
}

}  // namespace

void private_server::check_installed() const {
    for (const auto& program : {fs::path(programs) / "rabbitmq-server", fs::path(epmd_program)})
        if (::access(program.c_str(), X_OK) != 0)
            throw failure(code::failed_precondition, "RABBITMQ_NOT_INSTALLED",
                          fmt::format("there is no {} on this machine: apt-get install --no-install-recommends rabbitmq-server, or name one that runs already in rabbitmq.endpoints", program.string()));
}

// Those whose platform was killed before it could end them.
void private_server::end_orphans() const {
    std::ifstream in(options_.directory / "pid");
    for (pid_t pid = 0; in >> pid;) {
        const auto is_ours = [&] { return pid > 1 && text_of(fmt::format("/proc/{}/environ", pid)).find(marker()) != std::string::npos; };
        if (!is_ours()) continue;
        ::kill(pid, SIGCONT);
        ::kill(pid, SIGTERM);
        for (const auto end = system_clock().steady_now() + 20s; is_ours(); std::this_thread::sleep_for(20ms))
            if (system_clock().steady_now() > end) ::kill(pid, SIGKILL);
    }
}

// Those of the last start when they are still free.
void private_server::choose_ports() {
    std::ifstream in(options_.directory / "ports");
    for (auto& p : ports_) in >> p;
    keep_loopback_ports(ports_);
    std::ofstream out(options_.directory / "ports");
    for (const auto p : ports_) out << p << '\n';
}

void private_server::give(const fs::path& p) const {
    const auto who = pg::server_account(options_.account);
    if (who && ::lchown(p.c_str(), who->uid, who->gid) != 0)
        throw failure(code::failed_precondition, "RABBITMQ_START", fmt::format("{} cannot be given to account {}: {}", p.string(), who->name, os_error()));
}

std::vector<std::string> private_server::environment() const {
    const auto& d = options_.directory;
    const auto at = [&d](const char* name) { return (d / name).string(); };
    return {marker(), "HOME=" + at("home"), "PATH=/usr/lib/erlang/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "ERL_EPMD_ADDRESS=127.0.0.1", fmt::format("ERL_EPMD_PORT={}", ports_[epmd]),
            "ERL_CRASH_DUMP=" + at("log/erl_crash.dump"), fmt::format("RABBITMQ_NODENAME={}", node), "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", fmt::format("RABBITMQ_NODE_PORT={}", ports_[amqp]),
            fmt::format("RABBITMQ_DIST_PORT={}", ports_[distribution]), "RABBITMQ_MNESIA_BASE=" + at("mnesia"), "RABBITMQ_LOG_BASE=" + at("log"), "RABBITMQ_CONFIG_FILE=" + at("rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES=" + at("none"), "RABBITMQ_ADVANCED_CONFIG_FILE=" + at("none.config"), "RABBITMQ_GENERATED_CONFIG_DIR=" + at("home"), "RABBITMQ_CONF_ENV_FILE=" + at("none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE=" + at("enabled_plugins"), "RABBITMQ_PID_FILE=" + at("home/erl.pid")};
}

void private_server::write_files() const {
    const auto& d = options_.directory;
    give(d);
    for (const char* part : {"mnesia", "home", "log"}) {
        fs::create_directories(d / part);
        ::chmod((d / part).c_str(), 0700);
        give(d / part);
    }
    // Also what is not enabled listens on loopback only, should somebody enable it.
    write_private(d / "rabbitmq.conf", fmt::format(R"(listeners.tcp.1 = 127.0.0.1:{0}
default_user = {1}
default_pass = {2}
management.tcp.ip = 127.0.0.1
management.tcp.port = {3}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {4}
stream.listeners.tcp.1 = 127.0.0.1:{5}
mqtt.listeners.tcp.1 = 127.0.0.1:1883
stomp.listeners.tcp.1 = 127.0.0.1:61613
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 256MB
log.file = rabbitmq.log
log.file.level = warning
{6})", ports_[amqp], user, options_.password, ports_[web], ports_[metrics], ports_[streams], options_.more), 0600);
    write_private(d / "enabled_plugins", options_.management ? "[rabbitmq_management,rabbitmq_prometheus].\n" : "[].\n", 0600);
    std::string set;
    for (const auto& e : environment()) set += fmt::format(" '{}'", e);
    const auto who = pg::server_account(options_.account);
    const auto as = who ? fmt::format("setpriv --reuid={0} --regid={1} --clear-groups ", who->uid, who->gid) : std::string();
    write_private(d / "ctl", fmt::format("#!/bin/sh\n# rabbitmqctl for this node.\ncd '{}' && exec {}env -i{} {}/rabbitmqctl \"$@\"\n", (d / "home").string(), as, set, programs), 0700);
    for (const char* file : {"rabbitmq.conf", "enabled_plugins", "ctl"}) give(d / file);
}

void private_server::launch_epmd() {
    if (epmd_pid_ > 0 && !pg::wait_exit(epmd_pid_, 0ms)) return;
    epmd_pid_ = pg::start_process({.arguments = {"/usr/bin/env", "-i", marker(), epmd_program, "-address", "127.0.0.1", "-port", std::to_string(ports_[epmd])},
                                   .run_as = pg::server_account(options_.account), .output = options_.directory / "log" / "epmd.log", .signal_with_parent = SIGTERM});
}

void private_server::launch() {
    check_installed();
    fs::create_directories(options_.directory);
    if (epmd_pid_ == 0) {  // else it is only the server that ended
        end_orphans();
        choose_ports();
    }
    write_files();
    launch_epmd();
    std::vector<std::string> arguments{"/usr/bin/env", "-i", "-C", (options_.directory / "home").string()};
    for (auto& e : environment()) arguments.push_back(std::move(e));
    // Input is "allowed", and then not taken: so the script becomes the server, instead of a parent that outlives it.
    arguments.insert(arguments.end(), {"RABBITMQ_ALLOW_INPUT=true",
                                       "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
                                       std::string(programs) + "/rabbitmq-server"});
    pid_ = pg::start_process({.arguments = std::move(arguments), .run_as = pg::server_account(options_.account), .output = options_.directory / "log" / "start.log", .signal_with_parent = SIGTERM});
    launched_ = system_clock().steady_now();
    std::ofstream(options_.directory / "pid") << pid_ << ' ' << epmd_pid_ << '\n';
}

bool private_server::is_up() {
    const bool lives = running();
    if (lives && is_listening_on_loopback(ports_[amqp])) return true;
    if (lives && system_clock().steady_now() < launched_ + options_.start_timeout) return false;
    stop(milliseconds(0));
    throw failure(code::unavailable, "RABBITMQ_START", fmt::format("RabbitMQ {}; the end of what it said in {}:\n{}{}", lives ? "is not ready in time" : "has ended", (options_.directory / "log").string(),
                                                                   end_of(text_of(options_.directory / "log" / "start.log")), end_of(text_of(log_file()))));
}

void private_server::await() {
    while (!is_up()) std::this_thread::sleep_for(50ms);
}

std::string private_server::management_address() const { return options_.management ? fmt::format("127.0.0.1:{}", ports_[web]) : std::string(); }

bool private_server::running() noexcept {
    if (pid_ > 0 && pg::wait_exit(pid_, 0ms)) pid_ = 0;
    return pid_ > 0;
}

void private_server::stop(milliseconds patience) noexcept {
    for (auto* pid : {&pid_, &epmd_pid_}) {
        if (*pid <= 0) continue;
        ::kill(*pid, SIGCONT);
        ::kill(*pid, SIGTERM);
        if (!pg::wait_exit(*pid, pid == &pid_ ? patience : seconds(2))) ::kill(*pid, SIGKILL), (void)pg::wait_exit(*pid, 5s);
        *pid = 0;
    }
}

}  // namespace bv::jobs::rabbitmq
