#include "app/stack/supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "app/roles.hpp"
#include "app/stack/identity_link.hpp"
#include "app/stack/serve.hpp"
#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

using namespace std::chrono_literals;

struct supervisor::process {
    std::string role;
    int number = 0;
    std::filesystem::path instance_file;
    stack::child child;
    identity_sender identity{};
    std::chrono::steady_clock::time_point identify_at{};
    std::uint16_t port = 0;
    std::unique_ptr<http::client> client{};
    bool answers = false;
    bool healthy = false;
    bool draining = false;
    std::int64_t restarts = 0;
    std::string state{}, since{};  // as published
    std::chrono::milliseconds pause{0};
    std::chrono::steady_clock::time_point started{}, heard{}, not_before{};
};

namespace {

constexpr auto probe_patience = 1s;
constexpr std::int64_t most_starts = 3;  // of a process, while the platform starts
constexpr auto drain_patience = 28s;
constexpr auto identity_pause = 5s;  // before another certificate is asked for where none was issued
constexpr auto tend_interval = 500ms;  // while a command is carried out
constexpr auto notice = 50ms;  // others look at roles.json again after 20

task<void> let_go(std::unique_ptr<http::client> c) {
    c->close();
    c.reset();
    co_return;
}

}  // namespace

supervisor::supervisor(const data_dir& dir, bv::runtime& r, certificate_source c, supervisor_options o)
    : dir_(dir), runtime_(r), options_(std::move(o)), certificates_(std::move(c)), control_(dir.path() / "control") {
    std::error_code ec;
    std::filesystem::remove_all(dir_.path() / "run", ec);
    (void)dir_.folder("run");
    control_.clear();
}

supervisor::~supervisor() { stop(); }

supervisor::processes& supervisor::of(std::string_view role) {
    const auto it = roles_.find(role);
    return it == roles_.end() ? roles_.emplace(std::string(role), processes{}).first->second : it->second;
}

supervisor::process& supervisor::add(std::string_view role) {
    auto p = std::make_unique<process>();
    p->role = role;
    p->number = next_number_++;
    p->instance_file = dir_.path() / "run" / fmt::format("{}.{}.json", role, p->number);
    return *of(role).emplace_back(std::move(p));
}

void supervisor::launch(process& p) {
    std::error_code ec;
    std::filesystem::remove(p.instance_file, ec);
    const auto& all = of(p.role);
    if (p.role == "gateway" && options_.before_gateway && std::ranges::none_of(all, [](const auto& other) { return other->child.pid() != 0; })) options_.before_gateway();
    std::vector<std::string> arguments{"serve", "--role", p.role, "--data-dir", dir_.path().string(), "--instance-file", p.instance_file.string(),
                                       "--identity-descriptor", std::to_string(child::given_descriptor)};
    arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
    forget_port(p);
    p.answers = p.healthy = false;
    p.started = p.heard = clock::now();
    p.identity = identity_sender::open();
    identify(p);  // before it starts: where no certificate is to be had, no process is either
    p.child = child::start(std::move(arguments), dir_.folder("log") / (p.role + ".log"), p.identity.others_end());
    p.identity.give_away();
    telemetry::info("stack.role_started", {{"role", p.role}, {"pid", static_cast<std::int64_t>(p.child.pid())}});
}

// A new certificate, well before the last one ends. One that does not take it is asked again at the next look.
void supervisor::identify(process& p) {
    const auto now = system_clock().now();
    const auto fresh = certificates_({options_.trust_domain, '/' + p.role}, now, options_.certificate_life);
    if (!p.identity.send(fresh)) return telemetry::warn("stack.identity_not_taken", {{"role", p.role}, {"pid", static_cast<std::int64_t>(p.child.pid())}});
    p.identify_at = clock::now() + (fresh.not_after - now) / 2;
}

// Who issues may be away: the process goes on with the certificate that it has.
void supervisor::identify_again(process& p) {
    try {
        identify(p);
    } catch (const failure& f) {
        p.identify_at = clock::now() + std::min<std::chrono::milliseconds>(identity_pause, options_.certificate_life / 8);
        telemetry::warn("stack.identity_not_issued", {{"role", p.role}, {"reason", f.error().reason}, {"error", f.error().message}});
    }
}

// A client's connections belong to the thread that they were made on.
void supervisor::forget_port(process& p) {
    p.port = 0;
    if (p.client) runtime_.block_on(let_go(std::move(p.client)));
}

bool supervisor::take_port(process& p) {
    if (p.port != 0) return true;
    const auto said = read_instance(p.instance_file);
    if (!said || said->pid != p.child.pid() || said->port == 0) return false;
    p.port = said->port;
    p.client = std::make_unique<http::client>(http::client_options{.port = p.port, .connect_timeout = milliseconds(probe_patience), .timeout = milliseconds(probe_patience)});
    for (const auto& l : said->logins)
        if (std::ranges::find(logins_, l) == logins_.end()) logins_.push_back(l);
    return true;
}

bool supervisor::probe(process& p) {
    if (!take_port(p)) return false;
    http::client_request r;
    r.target = "/readyz";
    r.deadline = clock::now() + probe_patience;
    try {
        p.healthy = runtime_.block_on(p.client->send(std::move(r))).status == 200;
        p.answers = true;
        p.heard = clock::now();
    } catch (const failure&) {
        p.answers = p.healthy = false;
    }
    return p.answers;
}

bool supervisor::is_startable(std::string_view role) const {
    const auto all = app::roles();
    const auto& wanted = *std::ranges::find(all, role, &app::role::name);
    return std::ranges::all_of(wanted.calls, [this](std::string_view called) {
        const auto it = roles_.find(called);
        return it != roles_.end() && std::ranges::any_of(it->second, [](const auto& p) { return p->healthy; });
    });
}

// One that ends while the platform starts is tried again: on a busy machine a first query may miss its deadline. False: it runs, or has
// been tried often enough.
bool supervisor::start_again(process& p) {
    if (p.child.running()) return false;
    if (p.not_before == clock::time_point{}) {
        if (p.restarts >= most_starts - 1) return false;
        bury(p, "its process has ended while it started");
    }
    if (clock::now() < p.not_before) return true;
    p.not_before = {};
    launch(p);
    return true;
}

void supervisor::start(const std::function<bool()>& stop_asked) {
    const auto end = clock::now() + options_.start_patience;
    for (bool all_healthy = false; !all_healthy; std::this_thread::sleep_for(10ms)) {
        if (stop_asked()) return;
        all_healthy = true;
        for (const auto& r : app::roles()) {
            if (of(r.name).empty() && is_startable(r.name)) launch(add(r.name));
            all_healthy = all_healthy && !of(r.name).empty();
            for (auto& p : of(r.name)) {
                if (start_again(*p)) {
                    all_healthy = false;
                    continue;
                }
                if (!p->child.running() || clock::now() > end)
                    throw failure(code::unavailable, "ROLE_FAILED", fmt::format("the process of {} {}; the end of {}:\n{}", r.name, clock::now() > end ? "is not ready in time" : "has ended",
                                                                                (dir_.path() / "log" / (p->role + ".log")).string(), log_tail(dir_.path() / "log" / (p->role + ".log"))));
                if (!p->healthy) probe(*p);
                all_healthy = all_healthy && p->healthy;
            }
        }
        publish();
    }
}

void supervisor::bury(process& p, std::string_view why) {
    if (clock::now() - p.started > options_.steady) p.pause = std::chrono::milliseconds(0);
    p.pause = std::clamp(p.pause * 2, options_.first_pause, options_.longest_pause);
    p.not_before = clock::now() + p.pause;
    p.answers = p.healthy = false;
    forget_port(p);
    ++p.restarts;
    telemetry::error("stack.role_ended", {{"role", p.role}, {"why", why}, {"restarts", p.restarts}, {"pause_ms", p.pause.count()}});
}

void supervisor::tend(process& p) {
    if (p.child.pid() == 0) {
        if (clock::now() < p.not_before) return;
        try {
            launch(p);
        } catch (const failure& f) {
            bury(p, f.error().message);
        }
        return;
    }
    if (!p.child.running()) return bury(p, "its process has ended");
    if (clock::now() >= p.identify_at) identify_again(p);
    const bool starting = p.port == 0;
    if (probe(p)) return;
    if (clock::now() - p.heard < (starting ? options_.start_patience : options_.silence)) return;
    p.child.stop(0ms);  // frozen: it does not hear SIGTERM either
    bury(p, "it has not answered for too long");
}

void supervisor::tend_others(const std::vector<const process*>& waited_for) {
    if (clock::now() - tended_ < tend_interval) return;
    tended_ = clock::now();
    for (auto& [role, all] : roles_)
        for (auto& p : all)
            if (!p->draining && std::ranges::find(waited_for, p.get()) == waited_for.end()) tend(*p);
    publish();
}

void supervisor::tend() {
    tended_ = {};
    tend_others({});
    control_.serve([this](const control_request& r) { return obey(r); });
}

std::string supervisor::state_of(const process& p) {
    if (p.draining) return "draining";
    if (p.healthy) return "ready";
    if (p.child.pid() == 0) return "waiting to be started again";
    if (p.port == 0) return "starting";
    return p.answers ? "unready" : "does not answer";
}

void supervisor::publish() {
    std::vector<app::role_process> now;
    for (const auto& r : app::roles())
        for (const auto& p : of(r.name)) {
            if (auto state = state_of(*p); state != p->state) {
                p->state = std::move(state);
                p->since = rfc3339(std::chrono::floor<seconds>(system_clock().now()));
            }
            now.push_back({p->role, p->child.pid(), p->port, p->answers && !p->draining, p->restarts, p->state, p->since});
        }
    if (now == published_) return;
    app::write_roles(dir_.path(), now);
    if (options_.published) options_.published(now);
    published_ = std::move(now);
}

void supervisor::await(process& p, std::string_view doing) {
    for (const auto end = clock::now() + options_.start_patience; !p.healthy; std::this_thread::sleep_for(10ms)) {
        if (!p.child.running()) throw failure(code::unavailable, "ROLE_FAILED", fmt::format("{}: the new process of {} has ended; see bv logs {}", doing, p.role, p.role));
        if (clock::now() > end) throw failure(code::unavailable, "ROLE_FAILED", fmt::format("{}: the new process of {} is not ready in time; see bv logs {}", doing, p.role, p.role));
        probe(p);
        tend_others({&p});
    }
}

// No new calls go to one that drains, once the others have seen the new roles.json.
void supervisor::drain(std::vector<process*> some) {
    if (some.empty()) return;
    for (auto* p : some) p->draining = true;
    publish();
    std::this_thread::sleep_for(notice);
    for (auto* p : some)
        if (p->child.running()) ::kill(p->child.pid(), SIGTERM);
    const auto runs = [](process* p) { return p->child.running(); };
    for (const auto end = clock::now() + drain_patience; std::ranges::any_of(some, runs) && clock::now() < end; std::this_thread::sleep_for(10ms))
        if (!stopping_) tend_others({});
    for (auto* p : some) {
        p->child.stop(0ms);
        forget_port(*p);
    }
}

std::string supervisor::obey(const control_request& r) {
    const auto all = app::roles();
    if (std::ranges::find(all, r.role, &app::role::name) == all.end()) {
        const std::vector<std::string> wrong{r.role};
        throw failure(app::parse_roles(wrong).error());
    }
    if (r.command == "restart") return restart(r.role);
    if (r.command == "scale") return scale(r.role, r.count);
    throw failure(code::invalid_argument, "UNKNOWN_COMMAND", fmt::format("a platform knows restart and scale, not \"{}\"", r.command));
}

std::string supervisor::restart(std::string_view role) {
    std::vector<int> old;
    for (const auto& p : of(role)) old.push_back(p->number);
    for (const int number : old) {
        auto& fresh = add(role);
        try {
            launch(fresh);
            await(fresh, "restart");
        } catch (...) {
            fresh.child.stop();
            forget_port(fresh);
            of(role).pop_back();
            throw;
        }
        auto& all = of(role);
        const auto it = std::ranges::find(all, number, [](const auto& p) { return p->number; });
        drain({it->get()});
        all.erase(it);
        publish();
    }
    return fmt::format("{} was restarted: {} new process{}", role, old.size(), old.size() == 1 ? "" : "es");
}

std::string supervisor::scale(std::string_view role, int count) {
    if (count < 1 || count > 16) throw failure(code::invalid_argument, "BAD_COUNT", fmt::format("{}={}: a role has from 1 to 16 processes", role, count));
    while (static_cast<int>(of(role).size()) < count) {
        auto& fresh = add(role);
        launch(fresh);
        await(fresh, "scale");
        publish();
    }
    std::vector<process*> surplus;
    auto& all = of(role);
    for (auto i = static_cast<std::size_t>(count); i < all.size(); ++i) surplus.push_back(all[i].get());
    drain(surplus);
    all.resize(static_cast<std::size_t>(count));
    publish();
    return fmt::format("{} has {} process{}", role, count, count == 1 ? "" : "es");
}

// Who calls ends before whom it calls.
void supervisor::stop() noexcept {
    stopping_ = true;
    try {
        auto order = app::role_names();
        for (auto r = order.rbegin(); r != order.rend(); ++r) {
            std::vector<process*> all;
            // What nobody calls any more ends together.
            const bool is_caller = *r == "gateway" || *r == "notification" || *r == "order";
            for (; r != order.rend(); ++r) {
                for (auto& p : of(*r)) all.push_back(p.get());
                if (is_caller) break;
            }
            drain(all);
            if (r == order.rend()) break;
        }
    } catch (const std::exception& e) {
        telemetry::error("stack.stop_failed", {{"step", "roles"}, {"error", e.what()}});
    }
    for (auto& [role, all] : roles_)
        for (auto& p : all) p->child.stop(0ms), forget_port(*p);
    roles_.clear();
    app::remove_roles(dir_.path());
}

namespace {

// Whether the process is one of this data directory's roles, and not another's with the same number.
bool is_role_of(pid_t pid, const std::filesystem::path& data) {
    std::ifstream in(fmt::format("/proc/{}/cmdline", pid));
    std::stringstream text;
    text << in.rdbuf();
    const auto line = text.str();
    const std::string serve("\0serve\0", 7), folder = '\0' + data.string() + '\0';
    return line.find(serve) != line.npos && line.find(folder) != line.npos;
}

}  // namespace

bool end_stale_roles(const std::filesystem::path& data) {
    std::vector<pid_t> left;
    for (const auto& p : app::read_roles(data))
        if (p.pid > 0 && is_role_of(p.pid, data)) left.push_back(p.pid);
    const bool any = !left.empty();
    for (const auto pid : left) ::kill(pid, SIGTERM);
    for (const auto end = std::chrono::steady_clock::now() + drain_patience; !left.empty(); std::this_thread::sleep_for(10ms)) {
        std::erase_if(left, [&](pid_t pid) { return !is_role_of(pid, data); });
        if (std::chrono::steady_clock::now() > end)
            for (const auto pid : left) ::kill(pid, SIGKILL);
    }
    app::remove_roles(data);
    return any;
}

}  // namespace bv::stack
