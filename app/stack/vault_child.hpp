// The private Vault of --with vault, as a child process of the platform: made, unsealed and set up by infra/vault at the start, and
// unsealed again when it has ended by itself. For development: the key that unseals it lies beside it, readable for this account only.
//
//   vault/keys.json     its key and first token, 0600      vault/secret-ids/  of the AppRole of each role, 0600
//   vault/server/       what it keeps itself, sealed, and audit.log, with what was before in audit.log.1
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "app/stack/data_dir.hpp"
#include "app/stack/platform.hpp"
#include "app/stack/server_child.hpp"
#include "platform/core/config.hpp"
#include "platform/storage/postgres/cluster.hpp"

namespace bv::stack {

// What makes a platform and its processes use the private Vault, as key=value; empty where --with does not ask for one, or one is given
// by vault.address. The directory is the caller's alone. Throws failure INVALID_ARGUMENT "UNKNOWN_EXTRA".
[[nodiscard]] std::vector<std::string> private_vault_settings(const config&, const data_dir&);

class vault_child {
public:
    vault_child() = default;
    vault_child(const vault_child&) = delete;
    vault_child& operator=(const vault_child&) = delete;
    ~vault_child() { stop(); }

    // With settings that private_vault_settings made: starts it, and returns when it is unsealed and its engines, policies and AppRoles
    // are set up. Else nothing. Throws failure FAILED_PRECONDITION "VAULT_NOT_INSTALLED", DATA_LOSS "VAULT_STORAGE_GONE", UNAVAILABLE
    // "SERVER_FAILED" and "VAULT_SETUP_FAILED", each with what to mend.
    void start(const config&, const data_dir&, const reporter&);
    // From now on it makes logins in the private database, which runs. Throws "VAULT_SETUP_FAILED".
    void lend_logins(const config&, const data_dir&, const pg::cluster&);
    // Starts it again when it has ended by itself, and has it unsealed, without waiting for either. One that an operator seals stays so.
    // Call it about twice a second. True when there is another process, or none any more.
    bool tend();
    void stop() noexcept;

    [[nodiscard]] bool started() const noexcept { return server_ != nullptr; }
    [[nodiscard]] pid_t pid() const noexcept { return server_ ? server_->pid() : 0; }  // 0: it has ended and is about to be started again
    [[nodiscard]] const std::string& address() const noexcept { return address_; }     // "http://127.0.0.1:PORT"

private:
    using steady = std::chrono::steady_clock;
    [[nodiscard]] std::vector<std::string> script(const char* name) const;
    void run(std::vector<std::string> arguments) const;
    void unseal_again();
    void turn_audit_log();

    std::unique_ptr<server_child> server_;
    std::filesystem::path files_, folder_;
    std::string address_;
    bool sealed_ = false;  // after a start of it that nobody asked for
    pid_t unsealing_ = 0;
    steady::time_point not_before_{};
};

}  // namespace bv::stack
