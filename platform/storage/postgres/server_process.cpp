#include "platform/storage/postgres/server_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <thread>

#include <fmt/format.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::pg {
namespace {

constexpr std::chrono::milliseconds poll_interval{10};

failure internal(const std::string& what) { return {code::internal, "DATABASE_PROCESS", fmt::format("{}: {}", what, os_error())}; }

// In the child, after fork: async-signal-safe calls only. False with errno set when the account cannot be taken on.
bool become(const account& a) noexcept {
    return ::setgroups(a.groups.size(), a.groups.data()) == 0 && ::setgid(a.gid) == 0 && ::setuid(a.uid) == 0;
}

void default_signals() noexcept {
    for (int s = 1; s < 32; ++s) ::signal(s, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

struct child_plan {
    const process_spec* spec;
    char* const* arguments;
    char* const* environment;
    int output, errors;  // errors: where errno is written when exec fails
    pid_t parent;
};

[[noreturn]] void run_child(const child_plan& p) noexcept {
    default_signals();
    ::setpgid(0, 0);
    const int null = ::open("/dev/null", O_RDONLY);
    const bool ready = null >= 0 && ::dup2(null, 0) == 0 && ::dup2(p.output, 1) == 1 && ::dup2(p.output, 2) == 2 && ::dup2(p.errors, 3) == 3 &&
                       ::fcntl(3, F_SETFD, FD_CLOEXEC) == 0 && ::close_range(4, ~0U, 0) == 0 && ::chdir("/") == 0 &&
                       (!p.spec->run_as || become(*p.spec->run_as));
    // After the change of account, which clears it.
    if (ready && p.spec->signal_with_parent != 0) {
        ::prctl(PR_SET_PDEATHSIG, p.spec->signal_with_parent);
        if (::getppid() != p.parent) ::_exit(127);
    }
    if (ready) ::execve(p.arguments[0], p.arguments, p.environment);
    const int problem = errno;
    [[maybe_unused]] const auto n = ::write(3, &problem, sizeof problem);
    ::_exit(127);
}

std::optional<pid_t> parse_pid(const std::string& text) {
    pid_t pid = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return pid;
}

}  // namespace

std::optional<account> server_account(const std::string& name) {
    if (::geteuid() != 0) return std::nullopt;
    passwd entry{}, *found = nullptr;
    std::array<char, 16384> buffer{};
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr || found->pw_uid == 0) {
        throw failure(code::failed_precondition, "DATABASE_ACCOUNT",
                      fmt::format("PostgreSQL does not run as root, and there is no unprivileged account \"{}\" to run it as: "
                                  "install postgresql-15, which makes the account \"postgres\", or name another account", name));
    }
    account out{name, found->pw_uid, found->pw_gid, std::vector<gid_t>(256)};
    int count = static_cast<int>(out.groups.size());
    if (::getgrouplist(name.c_str(), out.gid, out.groups.data(), &count) < 0) count = 0;
    out.groups.resize(static_cast<std::size_t>(count));
    return out;
}

pid_t start_process(const process_spec& spec) {
    std::vector<char*> arguments;
    for (const auto& a : spec.arguments) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    std::array<std::string, 3> variables{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
    std::array<char*, 4> environment{variables[0].data(), variables[1].data(), variables[2].data(), nullptr};
    const int output = ::open(spec.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (output < 0) throw internal("cannot write " + spec.output.string());
    int errors[2];
    if (::pipe2(errors, O_CLOEXEC) != 0) {
        ::close(output);
        throw internal("no pipe");
    }
    const child_plan plan{&spec, arguments.data(), environment.data(), output, errors[1], ::getpid()};
    const pid_t pid = ::fork();
    if (pid == 0) run_child(plan);
    const int fork_error = errno;
    ::close(output);
    ::close(errors[1]);
    if (pid > 0) ::setpgid(pid, pid);
    int problem = 0;
    const bool failed = pid > 0 && ::read(errors[0], &problem, sizeof problem) == sizeof problem;
    ::close(errors[0]);
    if (pid < 0 || failed) {
        if (failed) ::waitpid(pid, nullptr, 0);
        errno = failed ? problem : fork_error;
        throw internal("cannot start " + spec.arguments[0]);
    }
    return pid;
}

std::optional<int> wait_exit(pid_t pid, std::chrono::milliseconds patience) {
    for (auto left = patience;; left -= poll_interval) {
        int status = 0;
        const pid_t got = ::waitpid(pid, &status, WNOHANG);
        if (got == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (got < 0 && errno == ECHILD) return 0;  // reaped by someone else
        if (left <= std::chrono::milliseconds::zero()) return std::nullopt;
        std::this_thread::sleep_for(poll_interval);
    }
}

std::optional<std::filesystem::path> first_closed_directory(const std::optional<account>& who, const std::vector<std::filesystem::path>& paths) {
    std::vector<std::string> names;
    for (const auto& p : paths) names.push_back(p.string());
    const pid_t pid = ::fork();
    if (pid < 0) throw internal("cannot fork");
    if (pid == 0) {
        if (who && !become(*who)) ::_exit(255);
        for (std::size_t i = 0; i < names.size() && i < 250; ++i) {
            if (::access(names[i].c_str(), X_OK) != 0) ::_exit(static_cast<int>(i) + 1);
        }
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    const int index = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    if (index == 0) return std::nullopt;
    if (index == 255) throw internal("cannot act as account " + (who ? who->name : std::string("?")));
    return paths[static_cast<std::size_t>(index) - 1];
}

std::vector<pid_t> servers_in(const std::filesystem::path& data_directory) {
    std::vector<pid_t> out;
    std::error_code ec;
    const auto wanted = std::filesystem::canonical(data_directory, ec);
    if (ec) return out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", std::filesystem::directory_options::skip_permission_denied, ec)) {
        const auto pid = parse_pid(entry.path().filename().string());
        if (!pid) continue;
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path() / "cwd", gone) != wanted || gone) continue;
        const auto program = std::filesystem::read_symlink(entry.path() / "exe", gone);
        if (!gone && program.filename().string().starts_with("postgres")) out.push_back(*pid);
    }
    return out;
}

}  // namespace bv::pg
