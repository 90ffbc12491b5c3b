#include "platform/telemetry/process_metrics.hpp"

#include <array>
#include <cstdint>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bv::telemetry {

namespace {

std::string read_all(const char* path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

void append(std::string& out, std::string_view name, std::string_view type, std::string_view help, double value) {
    fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
}

// Fields of /proc/self/stat from the third (proc(5)): the second is a name in parentheses that may hold spaces.
struct process_stat {
    std::uint64_t user_ticks = 0, system_ticks = 0, threads = 0, start_ticks = 0, virtual_bytes = 0, resident_pages = 0;
    bool known = false;
};

process_stat read_stat() {
    const std::string text = read_all("/proc/self/stat");
    const auto name_end = text.rfind(") ");
    process_stat out;
    if (name_end == std::string::npos) return out;
    std::array<std::uint64_t, 25> field{};
    std::string_view rest = std::string_view(text).substr(name_end + 2);
    for (std::size_t i = 3; i < field.size(); ++i) {
        const std::string_view word = rest.substr(0, rest.find(' '));
        std::from_chars(word.data(), word.data() + word.size(), field[i]);
        if (word.size() == rest.size()) return out;
        rest.remove_prefix(word.size() + 1);
    }
    return {field[14], field[15], field[20], field[22], field[23], field[24], true};
}

double boot_time() {
    const std::string text = read_all("/proc/stat");
    const auto at = text.find("\nbtime ");
    double seconds = 0;
    if (at != std::string::npos) std::from_chars(text.data() + at + 7, text.data() + text.size(), seconds);
    return seconds;
}

}  // namespace

void append_process_metrics(std::string& out) {
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    if (const process_stat s = read_stat(); s.known) {
        append(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
               static_cast<double>(s.resident_pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
        append(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", static_cast<double>(s.virtual_bytes));
        append(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
               static_cast<double>(s.user_ticks + s.system_ticks) / ticks);
        append(out, "process_threads", "gauge", "Number of threads.", static_cast<double>(s.threads));
        static const double booted = boot_time();
        if (booted > 0)
            append(out, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.",
                   booted + static_cast<double>(s.start_ticks) / ticks);
    }
    std::error_code ec;
    double open = 0;
    for (std::filesystem::directory_iterator it("/proc/self/fd", ec), end; !ec && it != end; it.increment(ec)) ++open;
    if (open > 0) append(out, "process_open_fds", "gauge", "Number of open file descriptors.", open - 1);  // without the one just used
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        append(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.", static_cast<double>(limit.rlim_cur));
}

}  // namespace bv::telemetry
