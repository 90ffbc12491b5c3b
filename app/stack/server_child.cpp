#include "app/stack/server_child.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "app/stack/child.hpp"
#include "platform/core/error.hpp"
#include "platform/runtime/loopback.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto start_patience = 60s;
constexpr auto stop_patience = 10s;

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// Also one that is not up yet.
bool is_anothers(std::uint16_t port, const fs::path& folder, const fs::path& own) {
    std::error_code ec;
    for (const auto& file : fs::directory_iterator(folder, ec)) {
        std::uint16_t taken = 0;
        if (port != 0 && file.path().extension() == ".port" && file.path() != own && std::ifstream(file.path()) >> taken && taken == port) return true;
    }
    return false;
}

}  // namespace

std::uint16_t lasting_port(const fs::path& folder, const std::string& name) {
    const auto file = folder / (name + ".port");
    std::uint16_t last = 0;
    std::ifstream(file) >> last;
    auto port = keep_loopback_port(last);
    while (is_anothers(port, folder, file)) port = keep_loopback_port(0);
    if (port != last) std::ofstream(file) << port << '\n';
    return port;
}

server_child::server_child(server_spec s) : spec_(std::move(s)) {}

server_child::server_child(server_child&& other) noexcept
    : spec_(std::move(other.spec_)), pid_(std::exchange(other.pid_, 0)), launched_(other.launched_), pause_(other.pause_) {}

void server_child::give(std::vector<std::string> more) {
    spec_.arguments.insert(spec_.arguments.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool server_child::is_ours(pid_t pid) const { return read(fmt::format("/proc/{}/cmdline", pid)).find(spec_.folder.string()) != std::string::npos; }

void server_child::end_orphan() const {
    pid_t pid = 0;
    std::ifstream(spec_.folder / "pid") >> pid;
    if (pid <= 0 || !is_ours(pid)) return;
    ::kill(pid, SIGTERM);
    for (const auto end = steady::now() + stop_patience; is_ours(pid); std::this_thread::sleep_for(10ms))
        if (steady::now() > end) ::kill(pid, SIGKILL);
}

void server_child::launch() {
    end_orphan();
    try {
        pid_ = pg::start_process({.arguments = spec_.arguments, .run_as = spec_.run_as, .output = spec_.log, .signal_with_parent = SIGTERM});
    } catch (const failure& f) {
        throw failure(code::unavailable, "SERVER_FAILED", fmt::format("{} was not started: {}", spec_.name, f.error().message));
    }
    launched_ = steady::now();
    std::ofstream(spec_.folder / "pid") << pid_ << '\n';
}

bool server_child::running() noexcept {
    if (pid_ != 0 && pg::wait_exit(pid_, 0ms)) pid_ = 0;
    return pid_ != 0;
}

bool server_child::is_up() {
    const bool lives = running();
    if (lives && is_listening_on_loopback(spec_.port)) return true;
    if (lives && steady::now() < launched_ + start_patience) return false;
    stop();
    throw failure(code::unavailable, "SERVER_FAILED",
                  fmt::format("{} {}; the end of {}:\n{}", spec_.name, lives ? "does not answer in time" : "has ended", spec_.log.string(), log_tail(spec_.log)));
}

bool server_child::tend() {
    if (running()) return false;
    const auto step = pause_.look(system_clock().steady_now());
    if (step == restart_pause::step::ended) telemetry::error("stack.server_ended", {{"server", spec_.name}, {"pause_ms", pause_.pause().count()}});
    if (step != restart_pause::step::start) return step == restart_pause::step::ended;
    try {
        launch();
    } catch (const failure& f) {
        telemetry::error("stack.server_restart_failed", {{"server", spec_.name}, {"error", f.error().message}});
    }
    return true;
}

void server_child::stop() noexcept {
    if (!running()) return;
    ::kill(pid_, SIGTERM);
    if (!pg::wait_exit(pid_, stop_patience)) {
        ::kill(pid_, SIGKILL);
        (void)pg::wait_exit(pid_, 3s);
    }
    pid_ = 0;
}

}  // namespace bv::stack
