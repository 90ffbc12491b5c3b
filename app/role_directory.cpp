#include "app/role_directory.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include "app/roles.hpp"

namespace bv::app {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr milliseconds look_interval{20};  // a look costs one stat

fs::path file_of(const fs::path& data) { return data / "roles.json"; }

template <class T>
T field(const json::object& o, std::string_view key, T otherwise) {
    const auto* v = o.if_contains(key);
    if (v == nullptr) return otherwise;
    const auto r = json::try_value_to<T>(*v);
    return r ? *r : otherwise;
}

}  // namespace

std::vector<role_process> read_roles(const fs::path& data) {
    std::ifstream in(file_of(data));
    std::stringstream text;
    text << in.rdbuf();
    boost::system::error_code ec;
    const auto value = json::parse(text.str(), ec);
    const auto* processes = !ec && value.is_object() ? value.get_object().if_contains("processes") : nullptr;
    std::vector<role_process> out;
    if (processes == nullptr || !processes->is_array()) return out;
    for (const auto& one : processes->get_array()) {
        if (!one.is_object()) continue;
        const auto& o = one.get_object();
        out.push_back({field<std::string>(o, "role", {}), field<pid_t>(o, "pid", 0), field<std::uint16_t>(o, "port", 0), field<bool>(o, "ready", false),
                       field<std::int64_t>(o, "restarts", 0), field<std::string>(o, "state", {}), field<std::string>(o, "since", {})});
    }
    return out;
}

void write_roles(const fs::path& data, const std::vector<role_process>& all) {
    json::array processes;
    for (const auto& p : all)
        processes.push_back(json::object{{"role", p.role}, {"pid", p.pid}, {"port", p.port}, {"ready", p.ready}, {"restarts", p.restarts}, {"state", p.state}, {"since", p.since}});
    const auto file = file_of(data), fresh = fs::path(file.string() + ".new");
    {
        std::ofstream out(fresh, std::ios::trunc);
        out << json::serialize(json::object{{"processes", std::move(processes)}}) << '\n';
        if (!out.flush()) throw failure(code::unavailable, "ROLES_NOT_WRITTEN", file.string() + " cannot be written: free some space on its file system");
    }
    fs::rename(fresh, file);
}

void remove_roles(const fs::path& data) noexcept {
    std::error_code ec;
    fs::remove(file_of(data), ec);
}

result<std::vector<role_process>> parse_addresses(std::span<const std::string> given) {
    std::vector<role_process> out;
    const auto names = role_names();
    for (const std::string_view one : given) {
        const auto equals = one.find('='), colon = one.rfind(':');
        role_process p;
        const auto bad = [one](std::string_view why) { return fail(code::invalid_argument, "BAD_SETTING", fmt::format("peers.addresses: \"{}\" {}", one, why)); };
        if (equals == one.npos || colon == one.npos || colon < equals) return bad("is not of the form order=10.0.0.5:7001");
        p.role = one.substr(0, equals);
        p.host = one.substr(equals + 1, colon - equals - 1);
        if (p.host.starts_with('[') && p.host.ends_with(']')) p.host = p.host.substr(1, p.host.size() - 2);
        const auto port = one.substr(colon + 1);
        const auto [end, broken] = std::from_chars(port.data(), port.data() + port.size(), p.port);
        if (broken != std::errc{} || end != port.data() + port.size() || p.port == 0 || p.host.empty()) return bad("is not of the form order=10.0.0.5:7001");
        if (std::ranges::find(names, p.role) == names.end()) return bad("names a role that there is not; bv roles lists them");
        p.ready = true;  // whether it is, who calls it finds out
        out.push_back(std::move(p));
    }
    return out;
}

void role_directory::refresh() {
    if (data_.empty()) return;
    const auto now = clock_.steady_now();
    if (now < looked_ + look_interval) return;
    looked_ = now;
    struct stat s {};
    if (::stat(file_of(data_).c_str(), &s) != 0) return;
    const stamp there{s.st_ino, s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec};
    if (there == read_) return;
    read_ = there;
    known_ = read_roles(data_);
}

std::vector<rpc::address> role_directory::find(std::string_view role) {
    const std::scoped_lock lock(mutex_);
    refresh();
    std::vector<rpc::address> out;
    for (const auto& p : known_)
        if (p.role == role && p.ready && p.port != 0) out.push_back({p.host, p.port});
    return out;
}

std::vector<role_process> role_directory::all() {
    const std::scoped_lock lock(mutex_);
    refresh();
    return known_;
}

}  // namespace bv::app
