// What the commands of `bitvelocity` share. Exit codes: 0 done; 1 it failed, or a check found something; 2 wrong use;
// 3 the platform is in the wrong state for it (not running, or running already).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/stack/data_dir.hpp"
#include "platform/core/config.hpp"

namespace bv::cli {

enum exit_code : int { done = 0, failed = 1, wrong_use = 2, wrong_state = 3 };

// Options that every command takes.
struct common {
    std::string data_dir;               // --data-dir
    std::string config_file;            // --config
    std::vector<std::string> settings;  // --set key=value
    int exit = done;                    // what the chosen command ended with

    [[nodiscard]] config load() const;
    [[nodiscard]] std::filesystem::path directory() const;
};

// Each adds its command to the parser; its callback runs it and sets `exit`.
void add_up(CLI::App&, common&);
void add_down(CLI::App&, common&);
void add_status(CLI::App&, common&);
void add_logs(CLI::App&, common&);
void add_reset(CLI::App&, common&);
void add_settings(CLI::App&, common&);
void add_secret(CLI::App&, common&);
void add_provider(CLI::App&, common&);
void add_dlq(CLI::App&, common&);
void add_events(CLI::App&, common&);
void add_projections(CLI::App&, common&);
void add_keys(CLI::App&, common&);
void add_demo(CLI::App&, common&);
void add_replay(CLI::App&, common&);
void add_load(CLI::App&, common&);
void add_verify(CLI::App&, common&);
void add_sim(CLI::App&, common&);
void add_serve(CLI::App&, common&);
void add_roles(CLI::App&, common&);
void add_restart(CLI::App&, common&);
void add_scale(CLI::App&, common&);
void add_identity(CLI::App&, common&);
void add_migrate(CLI::App&, common&);

// The running platform of the data directory. Throws failure FAILED_PRECONDITION "NOT_RUNNING", which ends as wrong_state.
[[nodiscard]] stack::running_platform find_running(const common&);
// Asks on the terminal; `assume_yes` answers. Without a terminal and without it: no.
[[nodiscard]] bool confirm(const std::string& question, bool assume_yes);
[[nodiscard]] bool on_terminal(int fd);

}  // namespace bv::cli
