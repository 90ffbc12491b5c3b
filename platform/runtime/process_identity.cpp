#include "platform/runtime/process_identity.hpp"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

namespace bv {
namespace {

// The machine's run and the namespace of pids: what a pid means something in.
std::string read_place() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string boot;
    std::getline(in, boot);
    std::error_code ec;
    const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", ec);  // "pid:[4026531836]"
    std::string digits;
    for (const char c : space.string())
        if (c >= '0' && c <= '9') digits.push_back(c);
    return boot.empty() || digits.empty() ? std::string{} : fmt::format("{}:{}", boot, digits);
}

const std::string& place() {
    static const std::string one = read_place();
    return one;
}

struct stat_line {
    char state = 0;
    std::uint64_t started = 0;  // clock ticks after the machine's start
};

// proc(5): the name may hold anything, the fields after its last parenthesis do not. Nothing: there is no such process.
std::optional<stat_line> stat_of(long pid) {
    std::ifstream in(fmt::format("/proc/{}/stat", pid));
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto end = text.rfind(')');
    if (end == text.npos) return std::nullopt;
    std::istringstream fields(text.substr(end + 1));
    stat_line out;
    fields >> out.state;
    std::string skipped;
    for (int field = 4; field < 22; ++field) fields >> skipped;
    if (!(fields >> out.started)) return std::nullopt;
    return out;
}

}  // namespace

const std::string& process_identity() {
    static const std::string one = [] {
        const auto self = stat_of(::getpid());
        return fmt::format("{}:{}:{}", place(), ::getpid(), self ? self->started : 0);
    }();
    return one;
}

bool is_surely_gone(std::string_view identity) {
    identity = identity.substr(0, identity.find('#'));
    if (place().empty() || !identity.starts_with(place() + ":")) return false;
    identity.remove_prefix(place().size() + 1);
    const auto colon = identity.find(':');
    if (colon == identity.npos) return false;
    long pid = 0;
    std::uint64_t started = 0;
    const auto* end = identity.data() + identity.size();
    if (std::from_chars(identity.data(), identity.data() + colon, pid).ptr != identity.data() + colon || pid <= 0) return false;
    if (std::from_chars(identity.data() + colon + 1, end, started).ptr != end || started == 0) return false;
    const auto now = stat_of(pid);
    if (!now) return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;  // /proc may hide processes of others (hidepid)
    return now->started != started || now->state == 'Z' || now->state == 'X';
}

}  // namespace bv
