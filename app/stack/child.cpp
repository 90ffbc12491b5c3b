#include "app/stack/child.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::stack {

std::filesystem::path own_binary() { return std::filesystem::read_symlink("/proc/self/exe"); }

child child::start(std::vector<std::string> arguments, const std::filesystem::path& log, int given) {
    const auto binary = own_binary().string();
    std::vector<char*> argv{const_cast<char*>(binary.c_str())};
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const int out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0)
        throw failure(code::unavailable, "CHILD_FAILED", fmt::format("cannot write {}: {}", log.string(), os_error()));
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        // Only async-signal-safe calls: other threads may hold locks. Ctrl-C on the terminal is the parent's to handle.
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(out, 1);
        ::dup2(out, 2);
        const int null = ::open("/dev/null", O_RDONLY);
        if (null >= 0) ::dup2(null, 0);
        if (given == given_descriptor) ::fcntl(given, F_SETFD, 0);
        else if (given >= 0) ::dup2(given, given_descriptor);
        ::execv(binary.c_str(), argv.data());
        ::_exit(127);
    }
    const int why = errno;
    ::close(out);
    if (pid < 0) throw failure(code::unavailable, "CHILD_FAILED", fmt::format("cannot start {}: {}", binary, os_error(why)));
    child c;
    c.pid_ = pid;
    return c;
}

child::child(child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
child& child::operator=(child&& other) noexcept {
    if (this != &other) {
        stop();
        pid_ = std::exchange(other.pid_, 0);
    }
    return *this;
}
child::~child() { stop(); }

bool child::running() noexcept {
    if (pid_ <= 0) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
    pid_ = 0;
    return false;
}

void child::stop(std::chrono::milliseconds patience) noexcept {
    using namespace std::chrono_literals;
    if (!running()) return;
    ::kill(pid_, SIGTERM);
    for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end;) {
        if (!running()) return;
        std::this_thread::sleep_for(10ms);
    }
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
}

std::string log_tail(const std::filesystem::path& log) {
    constexpr std::size_t most = 1'500;
    std::ifstream in(log, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    auto all = std::move(text).str();
    return all.size() > most ? all.substr(all.size() - most) : all;
}

}  // namespace bv::stack
