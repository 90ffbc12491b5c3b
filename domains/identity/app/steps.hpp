// What several use cases share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "domains/identity/app/use_cases.hpp"

namespace bv::identity {

[[nodiscard]] contract::Account to_contract(const account&);
// Sets ctx.etag too.
[[nodiscard]] contract::Account answer(rpc::context&, const account&);
[[nodiscard]] std::string etag_of(const account&);

// The account that a caller means by a UUID or "me", if it may see it. PERMISSION_DENIED says nothing of whether it exists.
[[nodiscard]] result<account_id> target_of(const rpc::context&, const std::string& id);
[[nodiscard]] std::unexpected<error> no_account(account_id);
// INVALID_ARGUMENT naming every role that is not known.
[[nodiscard]] result<std::vector<std::string>> known_roles(std::vector<std::string>);

template <class Message>
[[nodiscard]] events::outgoing event_of(environment& env, const std::string& key, const Message& m) {
    return {uuid::v7(env.clock, env.rng), Message::descriptor()->full_name(), key, m.SerializeAsString()};
}
[[nodiscard]] events::outgoing registered(environment&, const account&);

// PERMISSION_DENIED unless a service of the platform asks.
[[nodiscard]] result<void> require_service(const rpc::context&);

// Opens a session and gives its tokens.
task<contract::TokenPair> open_session(environment&, storage::unit_of_work&, account);
[[nodiscard]] contract::TokenPair token_pair(environment&, const account&, session_id, std::string refresh_token);
// Ends the account's open sessions, all or one, and publishes it. Call revoke() with the answer once it is committed.
task<std::vector<session_id>> end_sessions(environment&, storage::unit_of_work&, account_id, std::optional<session_id> only);
void revoke(environment&, const std::vector<session_id>&);

// Verifies a password of the account with this e-mail under the back-off. nullopt: wrong, or no such account; the work and
// the statements are the same. RESOURCE_EXHAUSTED "TOO_MANY_ATTEMPTS".
task<result<std::optional<account>>> verify_under_throttle(environment&, const rpc::context&, std::string email, std::string password);
[[nodiscard]] std::unexpected<error> wrong_credentials();

}  // namespace bv::identity
