// bv serve, bv roles, bv restart, bv scale: services as processes of their own.
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/roles.hpp"
#include "app/stack/control.hpp"
#include "app/stack/serve.hpp"
#include "app/stack/settings.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace {

constexpr std::chrono::minutes control_patience{3};

int serve(const common& c, const std::vector<std::string>& given, const std::string& instance_file, int identity) {
    const auto settings = c.load();
    auto roles = app::parse_roles(given);
    if (!roles) throw failure(roles.error());
    const auto path = stack::data_directory(settings);
    const auto dir = stack::data_dir::find(path);
    if (!dir) throw failure(code::failed_precondition, "NOT_RUNNING", fmt::format("there is no platform in {}. Start it with: bv up --profile full; or, for roles without a supervisor, begin with: bv migrate", path.string()));
    stack::serve(settings, *dir, std::move(*roles), instance_file, identity);
    return done;
}

int list(bool graph, const std::string& svg) {
    if (!svg.empty()) {
        std::ofstream out(svg);
        if (!(out << app::graph_svg()).flush()) throw failure(code::unavailable, "NOT_WRITTEN", fmt::format("{} cannot be written", svg));
        std::cout << svg << '\n';
        return done;
    }
    if (graph) std::cout << app::graph_text();
    else
        for (const auto& r : app::roles()) std::cout << fmt::format("{:<14} {}\n", r.name, r.what);
    return done;
}

int control(const common& c, const stack::control_request& r) {
    const auto running = find_running(c);
    if (running.profile != "full")
        throw failure(code::failed_precondition, "ONE_PROCESS", "this platform runs all services in one process; bv up --profile full runs each as a process of its own");
    std::cout << stack::ask(c.directory() / "control", r, control_patience) << '\n';
    return done;
}

}  // namespace

void add_serve(CLI::App& parser, common& c) {
    auto roles = std::make_shared<std::vector<std::string>>();
    auto file = std::make_shared<std::string>();
    auto identity = std::make_shared<int>(-1);
    auto* command = parser.add_subcommand("serve", "Run a role as a process of its own: bv up --profile full does so itself; by hand with certificate files, where peers.addresses says where the others are.");
    command->add_option("--role", *roles, "roles, as order,inventory or given several times; none: all. bv roles lists them")->expected(1)->take_all();
    command->add_option("--instance-file", *file, "where the process says which port it listens on");
    command->add_option("--identity-descriptor", *identity, "descriptor by which the supervisor gives the process its certificates");
    command->callback([roles, file, identity, &c] { c.exit = serve(c, *roles, *file, *identity); });
}

void add_roles(CLI::App& parser, common& c) {
    auto graph = std::make_shared<bool>(false);
    auto svg = std::make_shared<std::string>();
    auto* command = parser.add_subcommand("roles", "List the roles that services are.");
    command->add_flag("--print-graph", *graph, "whom each calls, and whose events it consumes");
    command->add_option("--svg", *svg, "the same as a picture, into this file");
    command->callback([graph, svg, &c] { c.exit = list(*graph, *svg); });
}

void add_restart(CLI::App& parser, common& c) {
    auto role = std::make_shared<std::string>();
    auto* command = parser.add_subcommand("restart", "Restart a service of a platform in profile full: a new process is ready before the old one is drained.");
    command->add_option("role", *role, "which; bv roles lists them")->required();
    command->callback([role, &c] { c.exit = control(c, {"restart", *role, 0}); });
}

void add_scale(CLI::App& parser, common& c) {
    auto what = std::make_shared<std::string>();
    auto* command = parser.add_subcommand("scale", "Run a service of a platform in profile full in several processes: bv scale order=3");
    command->add_option("role=count", *what, "which, and in how many processes")->required();
    command->callback([what, &c] {
        const auto equals = what->find('=');
        const auto count = equals == what->npos ? std::string{} : what->substr(equals + 1);
        if (count.empty() || count.size() > 3 || count.find_first_not_of("0123456789") != count.npos)
            throw failure(code::invalid_argument, "BAD_SCALE", fmt::format("\"{}\" is not of the form order=3", *what));
        c.exit = control(c, {"scale", what->substr(0, equals), std::stoi(count)});
    });
}

}  // namespace bv::cli
