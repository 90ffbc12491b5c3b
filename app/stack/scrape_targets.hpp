// targets.json in the data directory: which processes have metrics, in Prometheus' format for file_sd_configs. A process keeps its name
// there while it is down, so that Prometheus sees that it is, and the next one continues its series.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "app/role_directory.hpp"
#include "app/stack/data_dir.hpp"

namespace bv::stack {

inline constexpr const char* scrape_targets_file = "targets.json";

class scrape_targets {
public:
    scrape_targets(const std::filesystem::path& data, const running_platform&);

    // Of one process that is the whole platform.
    void write();
    // Of a process for each role; the second of "order" is "order.2". Nothing is written where nothing changed.
    void write(std::span<const app::role_process>);
    // Nobody is to be scraped: the platform was stopped, and nothing is wrong.
    void clear() noexcept;

private:
    struct target {
        std::string instance, role, address, scheme;
    };
    void write(std::span<const target>);

    const std::filesystem::path file_;
    const std::string platform_, scheme_;  // "127.0.0.1:8080"
    std::map<std::string, std::uint16_t, std::less<>> last_ports_;  // by instance
    std::string written_;
};

}  // namespace bv::stack
