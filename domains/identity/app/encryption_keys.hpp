// Rotating the keys that encrypt personal data in its columns: a new key, the values again under it, the old one forgotten.
#pragma once

#include <vector>

#include "domains/identity/app/environment.hpp"
#include "platform/security/field_keys.hpp"

namespace bv::identity {

struct encryption_key {
    security::field_key key;
    bool current = false;
    std::int64_t values = 0;  // of columns under it
};

// Oldest first.
task<std::vector<encryption_key>> list_encryption_keys(environment&, const security::field_keys&);
// What is written from now on is encrypted under a new key; gives its id.
task<std::uint32_t> rotate_encryption_key(environment&, security::field_keys&);
// One transaction over at most `limit` accounts. An interrupted run is gone on with by beginning anew.
task<encrypted_again> encrypt_accounts_again(environment&, account_id after, int limit);
// Forgets a key. NOT_FOUND "FIELD_KEY_NOT_FOUND"; FAILED_PRECONDITION "FIELD_KEY_IN_USE" while it is the current one or has
// values, "FIELD_KEY_TOO_YOUNG" while a transaction that began before its successor may still be under way: `settled` is the
// longest such a transaction takes.
task<result<void>> retire_encryption_key(environment&, security::field_keys&, std::uint32_t id, milliseconds settled);

}  // namespace bv::identity
