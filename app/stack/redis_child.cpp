#include "app/stack/redis_child.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "app/stack/child.hpp"
#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"
#include "platform/storage/postgres/server_process.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto patience = 10s;                                   // of the first start
constexpr std::size_t longest_socket = 100;  // sockaddr_un holds 107
constexpr const char* memory = "64mb";

std::string find_program() {
    for (const char* p : {"/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/bin/valkey-server"})
        if (::access(p, X_OK) == 0) return p;
    throw failure(code::failed_precondition, "REDIS_NOT_INSTALLED",
                  "--with redis: there is no redis-server on this machine; apt-get install redis-server, or give one with redis.endpoints");
}

void give(const fs::path& p, const std::optional<pg::account>& who) {
    if (who && ::lchown(p.c_str(), who->uid, who->gid) != 0)
        throw failure(code::failed_precondition, "REDIS_FAILED", fmt::format("{} cannot be given to account {}: {}", p.string(), who->name, os_error()));
}

}  // namespace

void redis_child::start(const data_dir& dir, const std::string& account) {
    program_ = find_program();
    account_ = account;
    folder_ = dir.folder("redis");
    log_ = dir.folder("log") / "redis.log";
    const auto who = pg::server_account(account_);
    give(folder_, who);
    auto socket_folder = folder_;
    if ((folder_ / "redis.sock").native().size() > longest_socket) {
        char name[] = "/tmp/bv-redis-XXXXXX";
        if (::mkdtemp(name) == nullptr) throw failure(code::failed_precondition, "REDIS_FAILED", fmt::format("no directory for a socket under /tmp: {}", os_error()));
        socket_folder = name;
        socket_folder_is_temporary_ = true;
        give(socket_folder, who);
    }
    socket_ = socket_folder / "redis.sock";
    launch();
    endpoint_ = "unix:" + socket_.string();
    std::error_code ec;
    for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end && running(); std::this_thread::sleep_for(5ms))
        if (fs::exists(socket_, ec)) return;
    endpoint_.clear();
    stop();
    throw failure(code::unavailable, "REDIS_FAILED", fmt::format("Redis did not start; the end of {}:\n{}", log_.string(), log_tail(log_)));
}

void redis_child::launch() {
    std::error_code ec;
    fs::remove(socket_, ec);
    pid_ = pg::start_process({.arguments = {program_, "--port", "0", "--unixsocket", socket_.string(), "--unixsocketperm", "700", "--dir", folder_.string(), "--save", "",
                                            "--appendonly", "no", "--maxmemory", memory, "--maxmemory-policy", "allkeys-lru", "--daemonize", "no"},
                              .run_as = pg::server_account(account_),
                              .output = log_,
                              .signal_with_parent = SIGTERM});
}

// Its clients wait for it in the background, so nobody waits here: other processes are looked after meanwhile.
bool redis_child::tend(steady_point now) {
    if (!started() || running()) return false;
    const auto step = pause_.look(now);
    if (step == restart_pause::step::ended) telemetry::error("stack.redis_ended", {{"pause_ms", pause_.pause().count()}, {"log", log_.string()}});
    if (step != restart_pause::step::start) return false;
    try {
        launch();
        return true;
    } catch (const failure& f) {
        telemetry::error("stack.redis_restart_failed", {{"error", f.error().message}});
        return false;
    }
}

bool redis_child::running() noexcept {
    if (pid_ != 0 && pg::wait_exit(pid_, 0ms)) pid_ = 0;
    return pid_ != 0;
}

void redis_child::stop() noexcept {
    if (running()) {
        ::kill(pid_, SIGTERM);
        if (!pg::wait_exit(pid_, 3s)) {
            ::kill(pid_, SIGKILL);
            (void)pg::wait_exit(pid_, 3s);
        }
        pid_ = 0;
    }
    if (socket_folder_is_temporary_) {
        std::error_code ec;
        fs::remove_all(socket_.parent_path(), ec);
        socket_folder_is_temporary_ = false;
    }
}

}  // namespace bv::stack
