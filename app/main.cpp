// bitvelocity: every service, and the commands to run and question them.
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>

#include "app/cli/command.hpp"
#include "bv_contracts_registry.hpp"
#include "platform/core/error.hpp"

namespace {

constexpr const char* what = R"(BitVelocity: event-driven services that are correct under faults, in one process.

Start with:  bv up        then, in another terminal:  bv demo
Exit codes:  0 done; 1 failed, or a check found something; 2 wrong use; 3 not running, or running already.)";

int explain(const bv::failure& f) {
    std::cerr << "bv: " << f.error().message << '\n';
    const auto& reason = f.error().reason;
    if (reason == "NOT_RUNNING" || reason == "ALREADY_RUNNING") return bv::cli::wrong_state;
    return f.error().code == bv::code::invalid_argument ? bv::cli::wrong_use : bv::cli::failed;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    bv::contracts::register_bv_contracts_types();

    CLI::App parser(what, "bv");
    parser.require_subcommand(1);
    parser.fallthrough();
    parser.set_version_flag("--version", "bitvelocity 0.1.0");
    bv::cli::common common;
    parser.add_option("--data-dir", common.data_dir, "where the platform keeps its data (default: .data beside the launcher)");
    parser.add_option("--config", common.config_file, "YAML file with settings (default: bitvelocity.yaml here, when there is one)");
    parser.add_option("--set", common.settings, "one setting, key=value; bv settings lists them")->expected(1)->take_all();

    for (auto* add : {bv::cli::add_up, bv::cli::add_down, bv::cli::add_status, bv::cli::add_logs, bv::cli::add_demo, bv::cli::add_replay, bv::cli::add_load,
                      bv::cli::add_verify, bv::cli::add_sim, bv::cli::add_dlq, bv::cli::add_events, bv::cli::add_projections, bv::cli::add_keys, bv::cli::add_settings, bv::cli::add_secret, bv::cli::add_reset,
                      bv::cli::add_provider, bv::cli::add_serve, bv::cli::add_roles, bv::cli::add_restart, bv::cli::add_scale,
                      bv::cli::add_identity, bv::cli::add_migrate})
        add(parser, common);

    try {
        parser.parse(argc, argv);
        return common.exit;
    } catch (const CLI::ParseError& e) {
        const int code = parser.exit(e);
        return code == 0 ? 0 : bv::cli::wrong_use;
    } catch (const bv::failure& f) {
        return explain(f);
    } catch (const std::exception& e) {
        std::cerr << "bv: " << e.what() << '\n';
        return bv::cli::failed;
    }
}
