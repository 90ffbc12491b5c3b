// Where the identity's use cases meet the store. Personal data is plain on this side; the adapter encrypts it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domains/identity/model/throttle.hpp"
#include "domains/identity/model/types.hpp"
#include "platform/core/task.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::identity {

struct encrypted_again {
    std::int64_t values = 0;
    std::optional<account_id> next{};  // where to go on; none: there was no more
};

class account_store {
public:
    virtual ~account_store() = default;
    // False when the e-mail is taken.
    virtual task<bool> insert(storage::unit_of_work&, account) = 0;
    virtual task<std::optional<account>> find(storage::unit_of_work&, account_id) = 0;
    // Locked until the unit of work ends.
    virtual task<std::optional<account>> lock(storage::unit_of_work&, account_id) = 0;
    virtual task<std::optional<account>> find_by_email(storage::unit_of_work&, std::string email) = 0;
    // In the order of their ids, that is of their creation, after `after`.
    virtual task<std::vector<account>> list(storage::unit_of_work&, account_id after, int limit) = 0;
    virtual task<std::vector<account>> find_all(storage::unit_of_work&, std::vector<account_id>) = 0;
    // display_name, password_hash, roles, version and updated_at of a locked account.
    virtual task<void> save(storage::unit_of_work&, account) = 0;
    // Access tokens issued until then are no longer good.
    virtual task<void> invalidate_tokens(storage::unit_of_work&, account_id, time_point until) = 0;
    // Adds those whose external_reference is new; gives back what was added.
    virtual task<std::vector<account>> add_imported(storage::unit_of_work&, std::vector<account>) = 0;
    virtual task<std::vector<std::pair<std::string, account_id>>> find_references(storage::unit_of_work&, std::vector<std::string>) = 0;
    // Encrypts what is under an older key under the current one, of at most `limit` accounts after `after`.
    virtual task<encrypted_again> encrypt_again(storage::unit_of_work&, account_id after, int limit) = 0;
    // How many encrypted values each key has.
    virtual task<std::map<std::uint32_t, std::int64_t>> values_by_key(storage::unit_of_work&) = 0;
};

class session_store {
public:
    virtual ~session_store() = default;
    virtual task<void> insert(storage::unit_of_work&, session) = 0;
    virtual task<std::optional<account_id>> account_of(storage::unit_of_work&, secret_hash family) = 0;
    virtual task<std::optional<session>> lock_by_family(storage::unit_of_work&, secret_hash) = 0;
    // A new current token and expiry.
    virtual task<void> rotate(storage::unit_of_work&, session_id, secret_hash current, time_point expires_at) = 0;
    // Ends the open sessions of an account, all or this one; gives back which.
    virtual task<std::vector<session_id>> end(storage::unit_of_work&, account_id, std::optional<session_id> only, time_point at) = 0;
    // Deletes what ended or expired before; returns how many.
    virtual task<std::int64_t> purge(storage::unit_of_work&, time_point before, int limit) = 0;
};

class api_key_store {
public:
    virtual ~api_key_store() = default;
    // Nothing when the id is there already.
    virtual task<void> insert(storage::unit_of_work&, api_key) = 0;
    virtual task<std::optional<api_key>> find(storage::unit_of_work&, api_key_id) = 0;
    virtual task<std::vector<api_key>> list(storage::unit_of_work&, api_key_id after, int limit) = 0;
    // False when it was revoked before, or is not there.
    virtual task<bool> revoke(storage::unit_of_work&, api_key_id, time_point at) = 0;
    virtual task<void> touch(storage::unit_of_work&, api_key_id, time_point used_at) = 0;
};

// A subject is "account:<normalised e-mail>" or "address:<address>"; the store keeps a keyed hash of it.
class throttle_store {
public:
    virtual ~throttle_store() = default;
    // One state a subject, in the same order, locked.
    virtual task<std::vector<throttle_state>> lock(storage::unit_of_work&, std::vector<std::string> subjects) = 0;
    virtual task<void> save(storage::unit_of_work&, std::vector<std::string> subjects, std::vector<throttle_state>) = 0;
    virtual task<std::int64_t> purge(storage::unit_of_work&, time_point before, int limit) = 0;
};

// What was called back lately, for processes that did not do it themselves.
struct revocation {
    enum class kind : unsigned char { session = 1, subject = 2 };
    kind what = kind::session;
    uuid id{};
    time_point at{};  // tokens of a subject that were issued until then are not good
};
class revocation_store {
public:
    virtual ~revocation_store() = default;
    virtual task<std::vector<revocation>> since(storage::unit_of_work&, time_point) = 0;
    // Held until the unit of work ends: one change of keys at a time, over all processes.
    virtual task<void> lock_key_rotation(storage::unit_of_work&) = 0;
};

}  // namespace bv::identity
