#include "platform/events/kafka/java_process.hpp"

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/storage/postgres/server_process.hpp"

namespace bv::events::kafka {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

}  // namespace

std::optional<fs::path> find_java(const fs::path& home) {
    for (const auto& path : {home / "bin/java", fs::path("/usr/local/bin/java"), fs::path("/usr/bin/java")})
        if (path.is_absolute() && ::access(path.c_str(), X_OK) == 0) return path;
    return std::nullopt;
}

std::string end_of(const std::string& text) { return text.size() > 2'000 ? text.substr(text.size() - 2'000) : text; }

bool java_process::is_ours(pid_t pid) const {
    std::ifstream in(fmt::format("/proc/{}/cmdline", pid));
    std::stringstream text;
    text << in.rdbuf();
    return text.str().find(mark_) != std::string::npos;
}

void java_process::end_orphan() const {
    pid_t pid = 0;
    std::ifstream(directory_ / "pid") >> pid;
    if (pid <= 0 || !is_ours(pid)) return;
    ::kill(pid, SIGTERM);
    for (const auto end = system_clock().steady_now() + 20s; is_ours(pid); std::this_thread::sleep_for(20ms))
        if (system_clock().steady_now() > end) ::kill(pid, SIGKILL);
}

void java_process::mark_log() {
    std::error_code ec;
    log_from_ = fs::file_size(log_, ec);
    if (ec) log_from_ = 0;
}

void java_process::start(std::vector<std::string> arguments) {
    pid_ = pg::start_process({.arguments = std::move(arguments), .output = log_, .signal_with_parent = SIGTERM});
    started_at_ = system_clock().steady_now();
    std::ofstream(directory_ / "pid") << pid_ << '\n';
}

std::string java_process::said() const {
    std::ifstream in(log_);
    in.seekg(static_cast<std::streamoff>(log_from_));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

bool java_process::running() noexcept {
    if (pid_ <= 0) return false;
    if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
    pid_ = 0;
    return false;
}

void java_process::stop(milliseconds patience) noexcept {
    if (!running()) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGTERM);
    if (!pg::wait_exit(pid_, patience)) ::kill(pid_, SIGKILL), (void)pg::wait_exit(pid_, 5s);
    pid_ = 0;
}

}  // namespace bv::events::kafka
