#include "app/cli/command.hpp"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "app/stack/settings.hpp"

namespace bv::cli {

config common::load() const {
    auto flags = settings;
    if (!data_dir.empty()) flags.push_back("data.directory=" + data_dir);
    return stack::load_settings(config_file, std::move(flags));
}

std::filesystem::path common::directory() const { return stack::data_directory(load()); }

stack::running_platform find_running(const common& c) {
    const auto path = c.directory();
    const auto dir = stack::data_dir::find(path);
    const auto state = dir && dir->is_locked() ? dir->read_state() : std::nullopt;
    if (!state || !state->ready)
        throw failure(code::failed_precondition, "NOT_RUNNING",
                      fmt::format("no platform {} for {}. Start it with: bv up", state ? "is ready yet" : "is running", path.string()));
    return *state;
}

bool on_terminal(int fd) { return ::isatty(fd) != 0; }

bool confirm(const std::string& question, bool assume_yes) {
    if (assume_yes) return true;
    if (!on_terminal(0)) {
        std::cerr << question << "\nThere is no terminal to ask on; --yes answers.\n";
        return false;
    }
    std::cerr << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace bv::cli
