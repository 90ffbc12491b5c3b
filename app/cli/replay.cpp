// bv replay: a real retailer's invoices through the public API, then the invariants.
#include <iostream>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli/command.hpp"
#include "app/replay/replay.hpp"
#include "app/stack/child.hpp"
#include "app/stack/local_client.hpp"
#include "app/stack/secret_store.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace {

constexpr const char* about =
    R"(Replay a retailer's invoices (the columns of the UCI Online Retail data set; plain, .xz or .gz)
through the public API: catalogue, opening stock and customers first, then every invoice as an
order and every "C…" invoice as a return. Stopped half way, run it again: it goes on, and nothing
is doubled. Ends with a table of what came of it, then runs bv verify.)";

struct options {
    replay::options replay;
    std::string file, report;
    bool no_verify = false;
};

std::string key_of(const common& c, std::initializer_list<const char*> names) {
    const auto [vault, secrets] = stack::find_secrets(c.load(), c.directory());
    for (const char* name : names)
        if (const auto key = secrets->get(name)) return *key;
    return {};
}

// Where the platform is by now: a restart may take another port. While none runs, where it was.
std::function<http::client_options()> where(const std::filesystem::path& directory, const stack::running_platform& at_first, int connections) {
    auto o = stack::local_client(at_first);
    o.max_connections_per_core = connections;
    return [directory, o]() mutable {
        const auto dir = stack::data_dir::find(directory);
        if (const auto now = dir ? dir->read_state() : std::nullopt; now && now->port != 0) o.port = now->port;
        return o;
    };
}

// In a process of its own: it has the data directory to itself, and this one's memory is given back.
int run_verify(const common& c) {
    std::cout << "\nChecking the platform's invariants: bv verify\n\n" << std::flush;
    std::vector<std::string> arguments{stack::own_binary().string(), "verify", "--data-dir", c.directory().string()};
    if (!c.config_file.empty()) arguments.insert(arguments.end(), {"--config", c.config_file});
    for (const auto& s : c.settings) arguments.insert(arguments.end(), {"--set", s});
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) throw failure(code::unavailable, "FORK_FAILED", "cannot start another process");
    if (pid == 0) {
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : failed;
}

int run(const common& c, options o) {
    const auto platform = find_running(c);
    o.replay.file = o.file;
    o.replay.report = o.report;
    o.replay.progress_folder = c.directory() / "replay";
    o.replay.importer_key = key_of(c, {"dev.importer.api_key"});
    o.replay.operator_key = key_of(c, {"dev.operator.api_key"});
    if (o.replay.importer_key.empty())
        throw failure(code::failed_precondition, "NO_KEY", "the data directory holds no importer key (dev.importer.api_key); it is made at the first start with demo.seed=true");
    const int in_flight = o.replay.rate > 0 ? std::max(o.replay.concurrency, 512) : o.replay.concurrency;
    o.replay.where = where(c.directory(), platform, in_flight * 5 + 16);
    o.replay.terminal = on_terminal(2);
    const bool good = replay::run(o.replay, std::cout, std::cerr);
    const int verified = o.no_verify ? done : run_verify(c);
    return good ? verified : std::max<int>(failed, verified);
}

}  // namespace

void add_replay(CLI::App& parser, common& c) {
    auto o = std::make_shared<options>();
    auto* command = parser.add_subcommand("replay", about);
    command->add_option("FILE", o->file, "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country")->required();
    command->add_option("--limit", o->replay.limit, "only the first N invoices (the catalogue is still that of the whole file)")->check(CLI::PositiveNumber);
    command->add_option("--rate", o->replay.rate, "N orders a second, whatever the platform answers (default: as fast as it answers)")->check(CLI::Range(0.01, 100'000.0));
    command->add_option("--concurrency", o->replay.concurrency, "orders in flight (default 32)")->check(CLI::Range(1, 1'024));
    command->add_option("--stock-factor", o->replay.stock_factor, "opening stock, as a share of what the file sells (default 1); below 1 some orders find none")->check(CLI::Range(0.0, 100.0));
    command->add_option("--decline-rate", o->replay.decline_rate, "share of the orders that are paid with a declined card (default 0)")->check(CLI::Range(0.0, 1.0));
    command->add_option("--report", o->report, "write every line and invoice that was left out to this CSV file");
    command->add_flag("--no-verify", o->no_verify, "do not run bv verify at the end");
    command->callback([o, &c] { c.exit = run(c, *o); });
}

}  // namespace bv::cli
