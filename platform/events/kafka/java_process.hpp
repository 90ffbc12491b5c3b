// A server written in Java as a child process of this one: found, started, watched, ended, and told from others' processes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "platform/core/clock.hpp"

namespace bv::events::kafka {

// java of the home that is given, or the system's; none: there is none.
[[nodiscard]] std::optional<std::filesystem::path> find_java(const std::filesystem::path& home);

// The end of a log that is shown to a person.
[[nodiscard]] std::string end_of(const std::string& text);

// One thread at a time, which is to live long: the process ends with it.
class java_process {
public:
    // mark: what among its arguments is this one's alone. Its output is appended to log; its number is in directory/pid.
    java_process(std::filesystem::path directory, std::filesystem::path log, std::string mark)
        : directory_(std::move(directory)), log_(std::move(log)), mark_(std::move(mark)) {}
    java_process(const java_process&) = delete;
    java_process& operator=(const java_process&) = delete;
    ~java_process() { stop(); }

    // Ends one that an earlier run left behind, whose parent was killed before it could.
    void end_orphan() const;
    // arguments[0] is the program.
    void start(std::vector<std::string> arguments);
    void stop(milliseconds patience = seconds(20)) noexcept;
    // False once it has ended by itself.
    [[nodiscard]] bool running() noexcept;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] steady_point started_at() const noexcept { return started_at_; }
    // Since mark_log().
    [[nodiscard]] std::string said() const;
    void mark_log();
    [[nodiscard]] const std::filesystem::path& log() const noexcept { return log_; }

private:
    [[nodiscard]] bool is_ours(pid_t) const;

    const std::filesystem::path directory_, log_;
    const std::string mark_;
    pid_t pid_ = 0;
    std::uintmax_t log_from_ = 0;
    steady_point started_at_{};
};

}  // namespace bv::events::kafka
