// bv down, bv reset.
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "app/cli/command.hpp"
#include "app/stack/supervisor.hpp"
#include "platform/core/error.hpp"
#include "platform/storage/postgres/cluster.hpp"

namespace bv::cli {

using namespace std::chrono_literals;

namespace {

bool alive(pid_t pid) { return pid > 0 && ::kill(pid, 0) == 0; }

// Stops the platform of the directory, also one that a crash left half running. True when something was stopped.
bool stop(const stack::data_dir& dir, std::chrono::seconds patience) {
    const auto state = dir.read_state();
    if (dir.is_locked()) {
        if (!state) throw failure(code::unavailable, "STARTING", "the platform is just starting; try again in a moment");
        std::cout << fmt::format("Stopping process {}\n", state->pid) << std::flush;
        ::kill(state->pid, SIGTERM);
        for (const auto end = std::chrono::steady_clock::now() + patience; dir.is_locked();) {
            if (std::chrono::steady_clock::now() > end)
                throw failure(code::deadline_exceeded, "STILL_RUNNING",
                              fmt::format("process {} has not ended within {} s. It may still be draining; look with bv logs, or end it with kill -9 {}", state->pid,
                                          patience.count(), state->pid));
            std::this_thread::sleep_for(20ms);
        }
        // The lock is gone a moment before the process is.
        for (int i = 0; i < 250 && alive(state->pid); ++i) std::this_thread::sleep_for(20ms);
        return true;
    }
    if (!state) return false;
    // A crash: what it left is ended as the next start would.
    bool any = stack::end_stale_roles(dir.path());
    const auto folder = dir.path() / "postgres";
    if (alive(state->postgres_pid) && std::filesystem::exists(folder)) {
        pg::cluster_options o;
        o.directory = folder;
        pg::cluster orphan(o);
        orphan.start();
        orphan.stop();
        any = true;
    }
    dir.remove_state();
    return any;
}

}  // namespace

void add_down(CLI::App& parser, common& c) {
    auto patience = std::make_shared<int>(60);
    auto* command = parser.add_subcommand("down", "Stop the platform: requests and events in hand are finished first.");
    command->add_option("--timeout", *patience, "seconds to wait for it")->check(CLI::Range(1, 3600));
    command->callback([patience, &c] {
        const auto dir = stack::data_dir::find(c.directory());
        if (dir && stop(*dir, std::chrono::seconds(*patience))) std::cout << "Stopped.\n";
        else std::cout << "No platform was running.\n";
    });
}

void add_reset(CLI::App& parser, common& c) {
    auto yes = std::make_shared<bool>(false);
    auto* command = parser.add_subcommand("reset", "Delete all data of the platform: database, keys, logs, mail. Asks first.");
    command->add_flag("--yes,-y", *yes, "do not ask");
    command->callback([yes, &c] {
        const auto path = c.directory();
        const auto dir = stack::data_dir::find(path);
        if (!dir) {
            std::cout << "There is no data in " << path.string() << ".\n";
            return;
        }
        // Only a directory that a platform made is deleted, whatever --data-dir says.
        if (!std::filesystem::exists(path / "lock"))
            throw failure(code::failed_precondition, "NOT_A_DATA_DIRECTORY", fmt::format("{} is no data directory of a platform; nothing was deleted", path.string()));
        if (!confirm(fmt::format("Delete everything in {}?", dir->path().string()), *yes)) {
            c.exit = wrong_state;
            return;
        }
        stop(*dir, 60s);
        std::error_code ec;
        const bool keeps_in_vault = std::filesystem::exists(path / "vault.json", ec) && !std::filesystem::exists(path / "vault", ec);
        for (const char* part : {"postgres", "kafka", "observability", "rabbitmq", "redis", "registry", "secrets", "provider", "mail", "log", "replay", "run", "control", "lock", "platform.json", "roles.json", "targets.json", "vault", "vault.json"}) std::filesystem::remove_all(path / part, ec);
        std::filesystem::remove(path, ec);  // only when nothing else is in it
        std::cout << "Deleted. The next bv up starts afresh.\n";
        if (keeps_in_vault) std::cout << "What the platform put into Vault is still there: vault kv metadata delete removes it.\n";
    });
}

}  // namespace bv::cli
