// A process that holds some roles of a platform whose database, keys and other processes are found through its data directory.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/stack/data_dir.hpp"
#include "platform/core/config.hpp"

namespace bv::stack {

// What it says of itself once it is ready to be called: in its instance file, which its supervisor waits for.
struct instance {
    pid_t pid = 0;
    std::uint16_t port = 0;
    std::vector<std::string> logins{};
};
[[nodiscard]] std::optional<instance> read_instance(const std::filesystem::path&);

// Serves until SIGINT or SIGTERM, then drains. `identity` is the descriptor of app/stack/identity_link.hpp, by which a supervisor
// gives it its certificates; -1: it has them from the files of peers.certificate_file, and then holds one role.
// It belongs to the platform of many processes that runs in the directory, or, where peers.addresses says where the others are, to one
// that nobody supervises: its database, provider and public URL are given then, and the directory has the secrets that all share.
// Throws failure FAILED_PRECONDITION: "NOT_RUNNING", "NO_IDENTITY", "SETTING_MISSING" with its name, and what a start may throw.
void serve(const config&, const data_dir&, std::vector<std::string> roles, const std::filesystem::path& instance_file, int identity);

}  // namespace bv::stack
