#include "app/stack/data_dir.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::stack {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

[[noreturn]] void unusable(const fs::path& path, std::string_view why, std::string_view mend) {
    throw failure(code::failed_precondition, "DATA_DIRECTORY_UNUSABLE",
                  fmt::format("the data directory {} cannot be used: {}. {}", path.string(), why, mend));
}

void check_writable(const fs::path& path) {
    const auto probe = path / ".probe";
    const int fd = ::open(probe.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        unusable(path, os_error(), "Give this account write access to it, or choose another with --data-dir.");
    const bool written = ::write(fd, "x", 1) == 1;
    const int why = errno;
    ::close(fd);
    ::unlink(probe.c_str());
    if (!written)
        unusable(path, os_error(why), "Free some space on its file system, or choose another with --data-dir.");
}

}  // namespace

data_dir data_dir::open(const fs::path& wanted, std::uintmax_t needed_bytes) {
    std::error_code ec;
    const auto path = fs::absolute(wanted, ec).lexically_normal();
    if (!fs::exists(path, ec)) {
        fs::create_directories(path, ec);
        if (ec) unusable(path, ec.message(), "Make its parent writable for this account, or choose another with --data-dir.");
        ::chmod(path.c_str(), 0711);  // the database account passes through; it cannot list
    } else if (!fs::is_directory(path, ec)) {
        unusable(path, "it is a file", "Move it away, or choose another with --data-dir.");
    }
    if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
        unusable(path, os_error(), "Give this account access to it, or choose another with --data-dir.");
    check_writable(path);
    const auto space = fs::space(path, ec);
    if (!ec && space.available < needed_bytes)
        unusable(path, fmt::format("only {} MB are free on its file system, {} MB are needed", space.available >> 20, needed_bytes >> 20),
                 "Free some space, or choose another with --data-dir.");
    return data_dir(path);
}

std::optional<data_dir> data_dir::find(const fs::path& wanted) {
    std::error_code ec;
    const auto path = fs::absolute(wanted, ec).lexically_normal();
    if (!fs::is_directory(path, ec)) return std::nullopt;
    return data_dir(path);
}

data_dir::data_dir(data_dir&& other) noexcept : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

data_dir::~data_dir() {
    if (lock_fd_ >= 0) ::close(lock_fd_);
}

fs::path data_dir::folder(const char* name, unsigned mode) const {
    const auto path = path_ / name;
    std::error_code ec;
    fs::create_directory(path, ec);
    if (ec) unusable(path_, fmt::format("{}: {}", name, ec.message()), "Mend it, or choose another with --data-dir.");
    ::chmod(path.c_str(), mode);
    return path;
}

bool data_dir::lock() {
    const auto file = path_ / "lock";
    lock_fd_ = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock_fd_ < 0) unusable(path_, os_error(), "Give this account write access to it.");
    if (::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return true;
    ::close(std::exchange(lock_fd_, -1));
    return false;
}

bool data_dir::is_locked() const {
    const auto file = path_ / "lock";
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    const bool taken = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
    ::close(fd);
    return taken;
}

std::optional<running_platform> data_dir::read_state() const {
    std::ifstream in(path_ / "platform.json");
    if (!in) return std::nullopt;
    std::stringstream text;
    text << in.rdbuf();
    boost::system::error_code ec;
    const auto value = json::parse(text.str(), ec);
    if (ec || !value.is_object()) return std::nullopt;  // half-written by a crash
    const auto& o = value.as_object();
    const auto number = [&o](std::string_view key) -> std::int64_t {
        const auto* v = o.if_contains(key);
        return v && v->is_int64() ? v->get_int64() : 0;
    };
    const auto text_of = [&o](std::string_view key) -> std::string {
        const auto* v = o.if_contains(key);
        return v && v->is_string() ? std::string(v->get_string()) : std::string{};
    };
    running_platform out;
    out.pid = static_cast<pid_t>(number("pid"));
    out.postgres_pid = static_cast<pid_t>(number("postgres_pid"));
    out.provider_pid = static_cast<pid_t>(number("provider_pid"));
    out.redis_pid = static_cast<pid_t>(number("redis_pid"));
    out.kafka_pid = static_cast<pid_t>(number("kafka_pid"));
    out.registry_pid = static_cast<pid_t>(number("registry_pid"));
    out.rabbitmq_pid = static_cast<pid_t>(number("rabbitmq_pid"));
    out.port = static_cast<std::uint16_t>(number("port"));
    out.provider_port = static_cast<std::uint16_t>(number("provider_port"));
    out.url = text_of("url");
    out.redis = text_of("redis");
    out.kafka = text_of("kafka");
    out.registry = text_of("registry");
    out.rabbitmq = text_of("rabbitmq");
    out.vault_pid = static_cast<pid_t>(number("vault_pid"));
    out.vault = text_of("vault");
    out.rabbitmq_management = text_of("rabbitmq_management");
    out.public_url = text_of("public_url");
    out.certificate = text_of("certificate");
    out.database_url = text_of("database_url");
    out.started_at = text_of("started_at");
    out.profile = text_of("profile");
    if (const auto* servers = o.if_contains("servers"); servers && servers->is_array())
        for (const auto& v : servers->get_array())
            out.servers.push_back({std::string(v.at("name").as_string()), v.at("pid").to_number<pid_t>(),
                                   v.at("port").to_number<std::uint16_t>(), std::string(v.at("url").as_string())});
    const auto* ready = o.if_contains("ready");
    out.ready = ready && ready->is_bool() && ready->get_bool();
    return out;
}

void data_dir::write_state(const running_platform& s) const {
    json::array servers;
    for (const auto& one : s.servers) servers.push_back(json::object{{"name", one.name}, {"pid", one.pid}, {"port", one.port}, {"url", one.url}});
    const json::object o{
        {"pid", s.pid},           {"postgres_pid", s.postgres_pid},   {"provider_pid", s.provider_pid},
        {"redis_pid", s.redis_pid}, {"redis", s.redis}, {"kafka_pid", s.kafka_pid}, {"kafka", s.kafka}, {"registry_pid", s.registry_pid}, {"registry", s.registry},
        {"vault_pid", s.vault_pid}, {"vault", s.vault},
        {"rabbitmq_pid", s.rabbitmq_pid}, {"rabbitmq", s.rabbitmq}, {"rabbitmq_management", s.rabbitmq_management},
        {"port", s.port},         {"provider_port", s.provider_port}, {"url", s.url},
        {"public_url", s.public_url}, {"certificate", s.certificate}, {"database_url", s.database_url}, {"started_at", s.started_at},
        {"profile", s.profile}, {"servers", std::move(servers)}, {"ready", s.ready},
    };
    const auto temporary = path_ / "platform.json.new";
    {
        std::ofstream out(temporary, std::ios::trunc);
        out << json::serialize(o) << '\n';
        if (!out.flush()) unusable(path_, "platform.json cannot be written", "Free some space on its file system.");
    }
    std::error_code ec;
    fs::rename(temporary, path_ / "platform.json", ec);
    if (ec) unusable(path_, ec.message(), "Mend it, or choose another with --data-dir.");
}

void data_dir::remove_state() const noexcept {
    std::error_code ec;
    fs::remove(path_ / "platform.json", ec);
}

}  // namespace bv::stack
