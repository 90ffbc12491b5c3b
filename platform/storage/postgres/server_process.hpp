// Servers as child processes: started without a shell, as an unprivileged account when we are root. Blocking; any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bv::pg {

struct account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

// The account that the server's processes run as: the named one when we are root, else none (our own).
// Throws failure FAILED_PRECONDITION "DATABASE_ACCOUNT" when it does not exist or is root.
[[nodiscard]] std::optional<account> server_account(const std::string& name);

struct process_spec {
    std::vector<std::string> arguments;  // the first is the program's path
    std::optional<account> run_as;
    std::filesystem::path output;        // both output streams are appended to this file
    int signal_with_parent = 0;          // sent by the kernel when the thread that started it ends; 0 for none
};
// In a process group of its own, so that Ctrl-C on a terminal does not reach it. Throws failure INTERNAL.
[[nodiscard]] pid_t start_process(const process_spec&);

// Waits for a child and reaps it. nullopt: still running after `patience`.
[[nodiscard]] std::optional<int> wait_exit(pid_t, std::chrono::milliseconds patience);

// The first of the paths that the account may not enter, if any.
[[nodiscard]] std::optional<std::filesystem::path> first_closed_directory(const std::optional<account>&, const std::vector<std::filesystem::path>&);

// Of the private cluster: PostgreSQL processes whose working directory is this one: a postmaster and its children.
[[nodiscard]] std::vector<pid_t> servers_in(const std::filesystem::path& data_directory);

}  // namespace bv::pg
