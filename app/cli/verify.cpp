// bv verify: check the invariants on the live stores.
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/stack/provider_child.hpp"
#include "app/stack/secret_store.hpp"
#include "app/stack/settings.hpp"
#include "platform/core/error.hpp"
#include "platform/storage/postgres/cluster.hpp"
#include "verify/check.hpp"

namespace bv::cli {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void no_data(const std::string& what) { throw failure(code::not_found, "NO_DATA", what + ". Start the platform once with: bv up"); }

// Where the stores are, for as long as the check takes.
class stores {
public:
    explicit stores(const common& c) : settings_(c.load()), dir_(stack::data_dir::find(stack_directory())) {
        if (auto url = settings_.get<std::string>("database.url"); !url.empty()) {
            conninfo_ = pg::cluster::external(url).admin_conninfo();
            return;
        }
        if (dir_ && dir_->is_locked() && !fs::exists(dir_->path() / "postgres"))
            throw failure(code::failed_precondition, "DATABASE_URL_MISSING",
                          "the platform runs on a PostgreSQL of your own: give the same database.url as up had, in bitvelocity.yaml, as BV_DATABASE_URL or with --set");
        if (!dir_ || !fs::exists(dir_->path() / "postgres" / "pgdata")) no_data(fmt::format("there is no platform's data in {}", stack_directory().string()));
        pg::cluster_options o;
        o.directory = dir_->path() / "postgres";
        o.account = settings_.get<std::string>("database.account");
        if (auto running = pg::cluster::attach(o)) {
            conninfo_ = *running;
            return;
        }
        if (!dir_->lock())
            throw failure(code::unavailable, "STARTING", "the platform is just starting or stopping, and its database does not answer yet; try again in a moment");
        o.stop_with_parent = true;
        own_.emplace(std::move(o));
        own_->start();
        conninfo_ = own_->admin_conninfo();
    }

    [[nodiscard]] const std::string& conninfo() const noexcept { return conninfo_; }
    // The platform runs, so that what is under way goes on. Of an external database the local platform is known, and one of roles
    // without a supervisor, which is taken to run.
    [[nodiscard]] bool live() const { return !own_ && ((dir_ && dir_->is_locked()) || !settings_.get<std::vector<std::string>>("peers.addresses").empty()); }
    [[nodiscard]] bool started_database() const noexcept { return own_.has_value(); }

    // Who to ask for the provider's books; nullopt, and why not.
    std::optional<payment::provider_options> provider(std::string& why_not) const {
        const auto state = dir_ ? dir_->read_state() : std::nullopt;
        payment::provider_options o;
        if (const auto url = settings_.get<std::string>("provider.url"); !url.empty()) {
            const auto rest = url.substr(url.find("//") == std::string::npos ? 0 : url.find("//") + 2);
            const auto colon = rest.rfind(':');
            o.host = rest.substr(0, colon);
            o.port = colon == std::string::npos ? 80 : static_cast<std::uint16_t>(std::atoi(rest.c_str() + colon + 1));
        } else if (state && live() && state->provider_port != 0) {
            o.port = state->provider_port;
        } else {
            why_not = "the payment provider does not run";
            return std::nullopt;
        }
        const auto [vault, secrets] = dir_ ? stack::find_secrets(settings_, dir_->path()) : stack::secret_store{};
        const auto key = secrets ? secrets->get(stack::provider_api_key) : result<std::string>(std::unexpected(error{}));
        if (!key) {
            why_not = "its API key is not in the data directory's secrets";
            return std::nullopt;
        }
        o.api_key = *key;
        o.timeout = std::max<milliseconds>(settings_.get<milliseconds>("provider.timeout"), milliseconds(10'000));
        return o;
    }

private:
    [[nodiscard]] fs::path stack_directory() const { return stack::data_directory(settings_); }

    config settings_;
    std::optional<stack::data_dir> dir_;
    std::optional<pg::cluster> own_;
    std::string conninfo_;
};

// One line that is written over, on a terminal only.
class progress_line {
public:
    explicit progress_line(bool shown) : shown_(shown) {}
    ~progress_line() { clear(); }
    void say(std::string_view step) {
        if (shown_) std::cerr << fmt::format("\r\x1b[K… {}", step) << std::flush;
    }
    void clear() {
        if (shown_) std::cerr << "\r\x1b[K" << std::flush;
    }

private:
    bool shown_;
};

task<void> close_pools(pg::database& db) { co_await db.close(); }

verify::report run_check(const stores& where, verify::options o) {
    runtime machine(2);
    machine.start();
    pg::database admin({.conninfo = where.conninfo(),
                        .name = "verify",
                        .max_connections_per_core = 2,
                        .statement_timeout = milliseconds(0),
                        .idle_transaction_timeout = milliseconds(0)},
                       system_clock());
    const auto close = [&] {
        for (std::size_t core = 0; core < machine.cores(); ++core) machine.block_on(close_pools(admin), core);
    };
    try {
        auto found = machine.block_on(verify::check(machine, admin, std::move(o)));
        close();
        return found;
    } catch (...) {
        close();
        throw;
    }
}

verify::report run_verify(const common& c, seconds wait) {
    progress_line line(on_terminal(2));
    line.say("opening the stores");
    const stores where(c);
    verify::options o;
    o.wait = wait;
    o.live = where.live();
    o.provider = where.provider(o.no_provider);
    o.progress = [&line](std::string_view step) { line.say(step); };
    return run_check(where, std::move(o));
}

struct flags {
    bool json = false;
    int wait = 30;
};

int run(const common& c, const flags& f) {
    try {
        const auto found = run_verify(c, seconds(f.wait));
        std::cout << (f.json ? verify::to_json(found) + '\n' : verify::to_text(found, on_terminal(1))) << std::flush;
        return found.holds() ? done : failed;
    } catch (const failure& e) {
        if (e.error().reason != "NO_DATA" && e.error().reason != "STARTING") throw;
        std::cerr << "bv: " << e.error().message << '\n';
        return wrong_state;
    }
}

}  // namespace

void add_verify(CLI::App& parser, common& c) {
    auto f = std::make_shared<flags>();
    auto* command = parser.add_subcommand("verify",
                                          "Check every invariant on the live stores: stock, money, streams, events, notifications, audit trail.\n"
                                          "Works while the platform runs and when it is stopped; changes nothing.\n"
                                          "Exit 0: all hold; 1: one is violated; 3: there is no platform's data.");
    command->add_flag("--json", f->json, "for programs");
    command->add_option("--wait", f->wait, "seconds to wait for orders under way to end; those still under way are left out")->check(CLI::Range(0, 3'600))->capture_default_str();
    command->callback([f, &c] { c.exit = run(c, *f); });
}

}  // namespace bv::cli
