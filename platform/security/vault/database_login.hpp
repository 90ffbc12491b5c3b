// A database login that Vault makes for one service and takes back: renewed while it can be, and followed by another before it ends.
//
// A lease is renewed at half of its life. When a renewal no longer gives the whole life (its max_ttl is near), when the lease was revoked,
// when the log-in that it was leased under was followed by another, or when the database refuses the login, a new one is taken.
// While Vault is away a login holds until its lease ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/core/clock.hpp"
#include "platform/security/vault/client.hpp"

namespace bv::vault {

struct login {
    std::string user, password;
};

struct lease_standing {
    time_point until{};       // when the login ends unless it is renewed
    std::string trouble{};    // why it is not renewed; empty: it is
};

// Thread-safe.
class database_login {
public:
    // From the role `from.name` of the engine at `from.mount`; `service` is a label. The client has started.
    database_login(client&, clock&, place from, std::string service);
    ~database_login();
    database_login(const database_login&) = delete;
    database_login& operator=(const database_login&) = delete;

    // The first login. Blocks. Throws failure: what client::call gives as an error.
    [[nodiscard]] login take();
    // From now on `use` is called with each login that follows, on the client's own thread, until stop().
    void keep(std::function<void(const login&)> use);
    void stop();
    // The database refuses this user.
    void refused(const std::string& user);

    [[nodiscard]] lease_standing now() const;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::vault
