// The stores in PostgreSQL, schema identity. Thread-safe; every call runs in the unit of work it is given.
#pragma once

#include "domains/identity/app/ports.hpp"
#include "platform/security/field_keys.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::identity {

// Encrypts e-mail and display name, each bound to its row, and searches e-mails by blind index.
class postgres_account_store final : public account_store {
public:
    explicit postgres_account_store(const security::field_keys& keys) : keys_(keys) {}
    task<bool> insert(storage::unit_of_work&, account) override;
    task<std::optional<account>> find(storage::unit_of_work&, account_id) override;
    task<std::optional<account>> lock(storage::unit_of_work&, account_id) override;
    task<std::optional<account>> find_by_email(storage::unit_of_work&, std::string email) override;
    task<std::vector<account>> list(storage::unit_of_work&, account_id after, int limit) override;
    task<std::vector<account>> find_all(storage::unit_of_work&, std::vector<account_id>) override;
    task<void> save(storage::unit_of_work&, account) override;
    task<void> invalidate_tokens(storage::unit_of_work&, account_id, time_point until) override;
    task<std::vector<account>> add_imported(storage::unit_of_work&, std::vector<account>) override;
    task<std::vector<std::pair<std::string, account_id>>> find_references(storage::unit_of_work&, std::vector<std::string>) override;
    task<encrypted_again> encrypt_again(storage::unit_of_work&, account_id after, int limit) override;
    task<std::map<std::uint32_t, std::int64_t>> values_by_key(storage::unit_of_work&) override;

private:
    [[nodiscard]] account read(pg::row) const;
    [[nodiscard]] std::optional<account> read_one(const pg::rows&) const;
    [[nodiscard]] std::vector<account> read_all(const pg::rows&) const;
    [[nodiscard]] std::optional<pg::bytes> encrypted(const std::string& plain, std::string_view column, account_id) const;
    [[nodiscard]] std::string decrypted(const std::optional<pg::bytes>&, std::string_view column, account_id) const;
    [[nodiscard]] std::optional<pg::bytes> index_of(const std::string& email) const;
    const security::field_keys& keys_;
};

class postgres_session_store final : public session_store {
public:
    task<void> insert(storage::unit_of_work&, session) override;
    task<std::optional<account_id>> account_of(storage::unit_of_work&, secret_hash family) override;
    task<std::optional<session>> lock_by_family(storage::unit_of_work&, secret_hash) override;
    task<void> rotate(storage::unit_of_work&, session_id, secret_hash current, time_point expires_at) override;
    task<std::vector<session_id>> end(storage::unit_of_work&, account_id, std::optional<session_id> only, time_point at) override;
    task<std::int64_t> purge(storage::unit_of_work&, time_point before, int limit) override;
};

class postgres_api_key_store final : public api_key_store {
public:
    task<void> insert(storage::unit_of_work&, api_key) override;
    task<std::optional<api_key>> find(storage::unit_of_work&, api_key_id) override;
    task<std::vector<api_key>> list(storage::unit_of_work&, api_key_id after, int limit) override;
    task<bool> revoke(storage::unit_of_work&, api_key_id, time_point at) override;
    task<void> touch(storage::unit_of_work&, api_key_id, time_point used_at) override;
};

class postgres_throttle_store final : public throttle_store {
public:
    explicit postgres_throttle_store(const security::field_keys& keys) : keys_(keys) {}
    task<std::vector<throttle_state>> lock(storage::unit_of_work&, std::vector<std::string> subjects) override;
    task<void> save(storage::unit_of_work&, std::vector<std::string> subjects, std::vector<throttle_state>) override;
    task<std::int64_t> purge(storage::unit_of_work&, time_point before, int limit) override;

private:
    [[nodiscard]] std::vector<pg::bytes> hashed(const std::vector<std::string>& subjects) const;
    const security::field_keys& keys_;
};

class postgres_revocation_store final : public revocation_store {
public:
    task<std::vector<revocation>> since(storage::unit_of_work&, time_point) override;
    task<void> lock_key_rotation(storage::unit_of_work&) override;
};

}  // namespace bv::identity
