// The identity service: accounts, sessions, API keys, and who is calling.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "domains/identity/app/development_accounts.hpp"
#include "domains/identity/app/encryption_keys.hpp"
#include "domains/identity/app/issue_tokens.hpp"
#include "platform/events/log.hpp"
#include "platform/rpc/authenticator.hpp"
#include "platform/rpc/method.hpp"
#include "platform/rpc/raw_route.hpp"
#include "platform/runtime/module.hpp"
#include "platform/runtime/runtime.hpp"
#include "platform/security/password_hasher.hpp"
#include "platform/security/secrets.hpp"
#include "platform/storage/postgres/migrations.hpp"

namespace bv::identity {

struct deps {
    bv::runtime& runtime;
    bv::clock& clock;
    bv::rng& rng;      // for secrets too: system_rng() outside of tests
    pg::database& db;  // connected as bv_identity
    events::log& log;
    security::secrets& secrets;
};

struct options {
    token_issuer::options tokens{};              // issuer: the platform's public address
    settings rules{};                            // back-off, life of refresh tokens
    security::password_hasher_options passwords{};
    seconds api_key_cache_life{30};
    seconds revocation_interval{5};              // how soon other processes' revocations and keys are seen
    seconds key_life{30 * 24 * 3600};            // a signing key signs this long
    seconds maintenance_interval{3600};
    seconds keep_ended{30 * 24 * 3600};          // ended sessions are kept this long
    milliseconds longest_request{30'000};        // what was encrypted is committed by then, or never
};

class service {
public:
    // Reads the keys from the secrets (makes them at the first start), subscribes to its own events. Throws failure
    // DATA_LOSS when the keys cannot be read.
    service(deps, options);
    ~service();
    [[nodiscard]] rpc::served served();
    [[nodiscard]] std::vector<rpc::raw_route> raw_routes();
    [[nodiscard]] rpc::authenticator& authenticator();
    [[nodiscard]] bv::module lifecycle();
    [[nodiscard]] static pg::migration_set migrations();

    // Now, whatever the age of the active key. Other processes see the new one within revocation_interval.
    task<void> rotate_keys();
    // The keys of personal data in its columns: see app/encryption_keys.hpp.
    task<std::vector<encryption_key>> encryption_keys();
    task<std::uint32_t> rotate_encryption_key();
    task<encrypted_again> encrypt_again(account_id after, int limit);
    task<result<void>> retire_encryption_key(std::uint32_t id);
    // Of which columns of which table, so that the audit trail can be looked through for values under a key.
    static constexpr std::string_view encrypted_table = "identity.accounts";
    [[nodiscard]] static std::span<const std::string_view> encrypted_columns() noexcept;
    // For development stacks only. Idempotent.
    task<std::vector<development_account>> ensure_development_accounts();
    // Deletes what is long over, rotates the signing key when it is due: what the background job does.
    task<void> maintain();
    // Takes over what other processes revoked, and their signing keys: what the background job does.
    task<void> follow();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace bv::identity
