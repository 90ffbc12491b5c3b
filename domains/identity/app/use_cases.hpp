// The use cases, one file each, named like the function. All of them run under the environment's transactor; expected
// refusals are errors of the result, what is broken throws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bitvelocity/identity/v1/identity.pb.h"
#include "domains/identity/app/environment.hpp"
#include "platform/core/error.hpp"
#include "platform/rpc/context.hpp"

namespace bv::identity {

namespace contract = bitvelocity::identity::v1;

// INVALID_ARGUMENT for a weak password, ALREADY_EXISTS "EMAIL_TAKEN" (after as much work).
task<result<contract::Account>> register_account(environment&, const rpc::context&, contract::RegisterRequest);
// UNAUTHENTICATED "INVALID_CREDENTIALS", the same after the same work for unknown people; RESOURCE_EXHAUSTED
// "TOO_MANY_ATTEMPTS" with retry_after.
task<result<contract::TokenPair>> log_in(environment&, const rpc::context&, contract::LogInRequest);
// UNAUTHENTICATED "REFRESH_TOKEN_INVALID", or "REFRESH_TOKEN_REUSED", which has ended the session.
task<result<contract::TokenPair>> refresh_session(environment&, const rpc::context&, std::string token);
// An unknown token is no error: it is out already.
task<result<void>> log_out(environment&, const rpc::context&, std::string token);
// Another's account needs accounts.admin, and the caller's own password as old_password; the answer has no tokens then.
task<result<contract::TokenPair>> change_password(environment&, const rpc::context&, contract::ChangePasswordRequest);
// INVALID_ARGUMENT naming an unknown role. Access tokens with the old roles are refused from now on.
task<result<contract::Account>> set_roles(environment&, rpc::context&, contract::SetRolesRequest);
task<result<contract::Account>> get_account(environment&, rpc::context&, std::string id);
task<result<contract::ListAccountsResponse>> list_accounts(environment&, const rpc::context&, contract::ListAccountsRequest);
task<result<contract::Account>> update_account(environment&, rpc::context&, contract::UpdateAccountRequest);
task<result<contract::BatchImportAccountsResponse>> import_accounts(environment&, const rpc::context&, contract::BatchImportAccountsRequest);
// PERMISSION_DENIED unless a service asks.
task<result<contract::BatchGetContactsResponse>> get_contacts(environment&, const rpc::context&, contract::BatchGetContactsRequest);

// What gateways verify callers with. PERMISSION_DENIED unless a service asks, both.
task<result<contract::GetTrustResponse>> get_trust(environment&, const rpc::context&, const security::key_ring&, contract::GetTrustRequest);
task<result<contract::CheckApiKeyResponse>> tell_api_key(environment&, const rpc::context&, std::string text);

task<result<contract::CreateApiKeyResponse>> create_api_key(environment&, const rpc::context&, contract::CreateApiKeyRequest);
task<result<contract::ListApiKeysResponse>> list_api_keys(environment&, const rpc::context&, contract::ListApiKeysRequest);
task<result<void>> revoke_api_key(environment&, const rpc::context&, contract::RevokeApiKeyRequest);
// The key behind a presented text, also noting its use. UNAUTHENTICATED "API_KEY_INVALID".
task<result<api_key>> check_api_key(environment&, std::string text);

// Brings what was called back since `since` to this process: other processes, or this one before it was restarted.
task<void> load_revocations(environment&, time_point since);
// Within a transaction of one's own.
task<void> load_revocations(environment&, storage::unit_of_work&, time_point since);
// Deletes sessions and back-off states that are long over; returns how many.
task<std::int64_t> purge(environment&, time_point before);

}  // namespace bv::identity
