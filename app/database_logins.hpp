// The logins of the process's databases, where Vault makes them: each service's own, short-lived, followed by another before it ends.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "platform/runtime/module.hpp"
#include "platform/security/vault/database_login.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::app {

class database_logins {
public:
    // roles: mount, and what the names of its roles begin with: of "database/bitvelocity", orders has database/creds/bitvelocity-orders.
    // The client has started, and outlives it.
    database_logins(vault::client&, clock&, vault::place roles);
    ~database_logins() { stop(); }
    database_logins(const database_logins&) = delete;
    database_logins& operator=(const database_logins&) = delete;

    // What a database that is opened for the service needs. Throws what vault::database_login::take does: nothing starts without.
    void prepare(std::string_view service, pg::options&);
    // Gives it the first login, and those that follow. The database outlives stop().
    void give(std::string_view service, pg::database&);
    void stop();

    // Empty, or whose login has ended.
    [[nodiscard]] std::string ended() const;
    // Empty, or which holds for how long although it cannot be renewed: "orders for 45 s".
    [[nodiscard]] std::string holding() const;

private:
    struct one {
        std::shared_ptr<vault::database_login> lease;  // its database's too, which tells it of refusals
        vault::login first;
    };
    vault::client& client_;
    clock& clock_;
    vault::place roles_;
    std::map<std::string, one, std::less<>> all_;
};

// How Vault and what comes from it are, for readiness and `bv status`; it also renews the logins. `logins` may be null.
[[nodiscard]] bv::module vault_lifecycle(vault::client&, database_logins* logins, clock&);

}  // namespace bv::app
