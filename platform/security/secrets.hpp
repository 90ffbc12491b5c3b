// The secrets port: signing keys, database passwords, webhook secrets. Read when modules start, not per request.
// Adapters: a sealed file (below), Vault (platform/security/vault/store.hpp).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/task.hpp"
#include "platform/security/aead.hpp"

namespace bv::security {

// Thread-safe. What breaks (a file that cannot be read or written, a server that is away) throws failure.
class secrets {
public:
    virtual ~secrets() = default;
    // NOT_FOUND "SECRET_NOT_FOUND". What another process has just put may be seen a few seconds late.
    [[nodiscard]] virtual result<std::string> get(std::string_view name) = 0;
    // As it is now.
    [[nodiscard]] virtual result<std::string> get_latest(std::string_view name) { return get(name); }
    // Before a get() of secrets that others may have changed, where the caller's thread must not wait for a server: brings what was
    // read before up to date. Never throws for a server that is away.
    virtual task<void> refresh() { co_return; }
    // Durable when it returns.
    virtual void put(std::string_view name, std::string_view value) = 0;
    // Puts the value unless there is one already; returns the one that is there. Safe against other processes.
    virtual std::string get_or_put(std::string_view name, std::string_view value) = 0;
    // Puts the value in the place of `seen`, and where nothing is any more; returns the one that is there, which another process may have
    // put since `seen` was read. Safe against other processes.
    virtual std::string replace(std::string_view name, std::string_view seen, std::string_view value) = 0;
    virtual void remove(std::string_view name) = 0;
    // Sorted.
    [[nodiscard]] virtual std::vector<std::string> names() = 0;
    // A key that encrypts other keys, made at first use. Throws failure DATA_LOSS "SECRET_MALFORMED" when what is there is no key.
    [[nodiscard]] virtual aead_key key(std::string_view name);
};

// `bytes` random bytes as base64url text.
[[nodiscard]] std::string random_secret(std::size_t bytes = 32, rng& = system_rng());
// The key of a text as secrets keep it: 32 bytes in base64url. Throws failure DATA_LOSS "SECRET_MALFORMED".
[[nodiscard]] aead_key parse_key(std::string_view text, std::string_view name);

// The embedded adapter. In the folder: "master.key", 32 random bytes in base64url made at first start, and "secrets.sealed", all
// secrets encrypted under it. Both have mode 0600; a file that others may read or write is refused. Written to a temporary file,
// synced and renamed; several processes may share the folder. Keep master.key in the backup, but not beside secrets.sealed.
// Throws failure FAILED_PRECONDITION: "SECRETS_UNSAFE" (with the chmod that mends it), "MASTER_KEY_MISSING"; DATA_LOSS
// "SECRETS_UNREADABLE"; UNAVAILABLE "SECRETS_IO".
[[nodiscard]] std::unique_ptr<secrets> open_sealed_file(const std::filesystem::path& folder, rng& = system_rng());

}  // namespace bv::security
