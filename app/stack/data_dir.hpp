// The data directory of a local platform: its database, keys, logs, and who runs it now.
//
//   lock            held (flock) by the running platform, so that a second start knows
//   platform.json   what runs: process ids, ports, URLs; rewritten at every start, removed at a clean stop
//   postgres/       the private cluster          secrets/   keys and passwords, 0600
//   vault.json      where in Vault they are instead, without anything secret
//   vault/          the private Vault of up --with vault (app/stack/vault_child.hpp)
//   redis/          the private Redis of up --with redis
//   kafka/          the private broker of up --with kafka
//   registry/       the private schema registry of up --with registry
//   rabbitmq/       the private RabbitMQ of up --with rabbitmq
//   observability/  what servers that watch the platform keep    targets.json   whom a Prometheus scrapes
//   roles.json      in profile full: the process of each role, and where it listens (app/role_directory.hpp)
//   log/            platform.log, provider.log, of each role one   mail/      e-mails of the development transport
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace bv::stack {

// A server that watches the platform and was started with it.
struct running_server {
    std::string name;
    pid_t pid = 0;       // 0: it has ended and is about to be started again
    std::uint16_t port = 0;
    std::string url;     // for people
};

// What platform.json says.
struct running_platform {
    pid_t pid = 0;
    pid_t postgres_pid = 0;
    pid_t provider_pid = 0;
    pid_t redis_pid = 0;         // of a private Redis; 0: there is none
    pid_t kafka_pid = 0;         // of a private broker; 0: there is none
    pid_t rabbitmq_pid = 0;      // of a private RabbitMQ; 0: there is none
    std::uint16_t port = 0;
    std::uint16_t provider_port = 0;
    std::string url;             // where it listens: "http://127.0.0.1:8080"
    std::string redis;           // where the private Redis listens, as redis.endpoints has it
    pid_t registry_pid = 0;      // of a private schema registry; 0: there is none
    std::string registry;        // URL of the schema registry; empty: there is none
    std::string kafka;           // brokers that carry the event log; empty: none do
    pid_t vault_pid = 0;         // of a private Vault; 0: there is none, or it is about to be started again
    std::string vault;           // its address; empty: there is none
    std::string rabbitmq;        // where the private RabbitMQ listens
    std::string rabbitmq_management;  // and its web interface; empty: it has none
    std::string public_url;      // where clients reach it
    std::string certificate;     // PEM file of its TLS certificate; empty: plain HTTP
    std::string database_url;    // for an administrator's connection; no password in it
    std::string started_at;      // RFC 3339
    std::string profile;         // "one" process, or "full": one for each role (roles.json says which)
    std::vector<running_server> servers;
    bool ready = false;
};

class data_dir {
public:
    // Creates it when missing. Throws failure FAILED_PRECONDITION naming the path when it cannot be created, read or
    // written, and when its file system has less than `needed_bytes` free.
    static data_dir open(const std::filesystem::path&, std::uintmax_t needed_bytes = 256ull << 20);
    // For commands that only look: nothing is created; nullopt when there is no such directory.
    static std::optional<data_dir> find(const std::filesystem::path&);

    data_dir(data_dir&&) noexcept;
    data_dir& operator=(data_dir&&) = delete;
    ~data_dir();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    // Sub-directory, created with mode 0700 (0711 where an unprivileged account must pass through).
    [[nodiscard]] std::filesystem::path folder(const char* name, unsigned mode = 0700) const;

    // Takes the lock until destruction. False: another process holds it.
    [[nodiscard]] bool lock();
    // Whether some process holds the lock now.
    [[nodiscard]] bool is_locked() const;

    [[nodiscard]] std::optional<running_platform> read_state() const;
    void write_state(const running_platform&) const;
    void remove_state() const noexcept;

private:
    explicit data_dir(std::filesystem::path p) : path_(std::move(p)) {}
    std::filesystem::path path_;
    int lock_fd_ = -1;
};

}  // namespace bv::stack
