// bv up: run the platform, in the foreground or detached.
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli/command.hpp"
#include "app/stack/child.hpp"
#include "app/stack/platform.hpp"
#include "app/stack/settings.hpp"
#include "app/stack/vault_child.hpp"
#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::cli {

using namespace std::chrono_literals;

namespace {

struct options {
    std::string port;
    std::string database_url;
    std::string profile;
    std::vector<std::string> with;
    bool detach = false;
};

std::string extras_of(const options& o) { return fmt::format("{}", fmt::join(o.with, ",")); }

config load(const common& c, const options& o) {
    auto with = c;
    if (!o.port.empty()) with.settings.push_back("http.port=" + o.port);
    if (!o.database_url.empty()) with.settings.push_back("database.url=" + o.database_url);
    if (!o.profile.empty()) with.settings.push_back("profile=" + o.profile);
    if (const auto names = extras_of(o); !names.empty()) with.settings.push_back("stack.with=" + names);
    return with.load();
}

// So that every process of the platform reads the settings that this one was given.
std::vector<std::string> pass_on(const common& c, const options& o) {
    std::vector<std::string> out;
    if (!c.config_file.empty()) out.insert(out.end(), {"--config", std::filesystem::absolute(c.config_file).string()});
    for (const auto& s : c.settings) out.insert(out.end(), {"--set", s});
    if (!o.database_url.empty()) out.insert(out.end(), {"--set", "database.url=" + o.database_url});
    if (const auto names = extras_of(o); !names.empty()) out.insert(out.end(), {"--set", "stack.with=" + names});
    return out;
}

[[noreturn]] void already_running(const stack::data_dir& dir) {
    const auto state = dir.read_state();
    throw failure(code::failed_precondition, "ALREADY_RUNNING",
                  state ? fmt::format("a platform already runs for {}: process {}, {}. Stop it with: bv down", dir.path().string(), state->pid, state->url)
                        : fmt::format("another bv is starting for {}", dir.path().string()));
}

void print_ready(const stack::running_platform& s, const std::vector<std::string>& logins, const std::filesystem::path& log, double seconds) {
    std::cout << fmt::format("\nReady in {:.1f} s.\n\n  start page   {}/\n  API          {}/docs\n  traces       {}/traces/traces.html\n  log          {}\n", seconds,
                             s.url, s.url, s.url, log.string());
    for (const auto& server : s.servers) std::cout << fmt::format("  {:<12} {}\n", server.name, server.url);
    if (s.public_url != s.url) std::cout << fmt::format("  public URL   {}\n", s.public_url);
    if (!logins.empty()) std::cout << "\nDevelopment logins:\n";
    for (const auto& line : logins) std::cout << "  " << line << '\n';
    std::cout << "\nNext: bv demo, bv replay FILE, bv verify\n" << std::flush;
}

void log_to_file(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) telemetry::set_log_descriptor(fd);
}

int run_in_foreground(const common& c, const options& o) {
    const auto begun = std::chrono::steady_clock::now();
    auto given = c;
    auto settings = load(given, o);
    auto dir = stack::data_dir::open(stack::data_directory(settings));
    if (!dir.lock()) already_running(dir);
    if (auto more = stack::private_vault_settings(settings, dir); !more.empty()) {
        given.settings.insert(given.settings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        settings = load(given, o);
    }
    const auto log = dir.folder("log") / "platform.log";
    log_to_file(log);
    stack::platform platform(settings, dir, [begun](std::string_view step) {
        const auto at = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        std::cout << fmt::format("{:5.1f} s  {}\n", at, step) << std::flush;
    }, pass_on(given, o));
    platform.start();
    if (platform.state().ready) {
        print_ready(platform.state(), platform.logins(), log, std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
        if (on_terminal(1)) std::cout << "Ctrl-C stops it.\n" << std::flush;
    }
    platform.run();
    std::cout << "\nStopping: requests and events in hand are finished first\n" << std::flush;
    platform.stop();
    std::cout << "Stopped.\n";
    return done;
}

// Starts this command again in a session of its own and waits until that one is ready or has ended.
int run_detached(const common& c, const options& o) {
    const auto settings = load(c, o);
    const auto dir = stack::data_dir::open(stack::data_directory(settings));
    if (dir.is_locked()) already_running(dir);
    dir.remove_state();
    const auto out = dir.folder("log") / "up.log";
    std::vector<std::string> arguments{stack::own_binary().string(), "up", "--data-dir", dir.path().string()};
    for (auto& a : pass_on(c, o)) arguments.push_back(std::move(a));
    if (!o.port.empty()) arguments.insert(arguments.end(), {"--port", o.port});
    if (!o.profile.empty()) arguments.insert(arguments.end(), {"--profile", o.profile});
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) throw failure(code::unavailable, "FORK_FAILED", "cannot start another process");
    if (pid == 0) {
        ::setsid();
        const int file = ::open(out.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
        const int null = ::open("/dev/null", O_RDONLY);
        ::dup2(null, 0), ::dup2(file, 1), ::dup2(file, 2);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    for (;;) {
        int status = 0;
        if (::waitpid(pid, &status, WNOHANG) == pid) {
            std::ifstream said(out);
            std::cerr << said.rdbuf();
            return WIFEXITED(status) ? WEXITSTATUS(status) : failed;
        }
        if (const auto s = dir.read_state(); s && s->ready && s->pid == pid) break;
        std::this_thread::sleep_for(20ms);
    }
    std::ifstream said(out);
    std::cout << said.rdbuf() << "Runs in the background as process " << pid << "; bv down stops it.\n";
    return done;
}

}  // namespace

void add_up(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* command = parser.add_subcommand("up", "Run the platform: database, payment provider, all services. Ctrl-C drains and stops it.");
    command->add_option("--port", o->port, "port to listen on; 0 takes a free one (default 8080)");
    command->add_option("--database-url", o->database_url, "use this PostgreSQL (libpq connection of a role that may create roles) instead of a private one");
    command->add_option("--profile", o->profile, "one: all services in one process (default); full: each service is a process of its own, looked after by this one");
    command->add_option("--with", o->with, "servers to start beside it, as a list or given several times: kafka, rabbitmq, redis, registry, vault; observability or of it jaeger, collector, prometheus, alertmanager, victoria-metrics, victoria-logs")->expected(1)->take_all();
    command->add_flag("--detach,-d", o->detach, "return once it is ready; bv down stops it");
    command->callback([o, &c] { c.exit = o->detach ? run_detached(c, *o) : run_in_foreground(c, *o); });
}

}  // namespace bv::cli
