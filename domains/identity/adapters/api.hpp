// The contract's service, implemented by the use cases.
#pragma once

#include "bitvelocity/identity/v1/identity.bv.hpp"
#include "domains/identity/app/use_cases.hpp"
#include "platform/security/key_ring.hpp"

namespace bv::identity {

class api final : public contract::identity_service {
public:
    api(environment& e, const security::key_ring& ring) : env_(e), ring_(ring) {}
    task<result<contract::Account>> register_(rpc::context&, contract::RegisterRequest) override;
    task<result<contract::Account>> get_account(rpc::context&, contract::GetAccountRequest) override;
    task<result<contract::ListAccountsResponse>> list_accounts(rpc::context&, contract::ListAccountsRequest) override;
    task<result<contract::Account>> update_account(rpc::context&, contract::UpdateAccountRequest) override;
    task<result<contract::TokenPair>> change_password(rpc::context&, contract::ChangePasswordRequest) override;
    task<result<contract::Account>> set_roles(rpc::context&, contract::SetRolesRequest) override;
    task<result<contract::BatchImportAccountsResponse>> batch_import_accounts(rpc::context&, contract::BatchImportAccountsRequest) override;
    task<result<contract::TokenPair>> log_in(rpc::context&, contract::LogInRequest) override;
    task<result<contract::TokenPair>> refresh_session(rpc::context&, contract::RefreshSessionRequest) override;
    task<result<google::protobuf::Empty>> log_out(rpc::context&, contract::LogOutRequest) override;
    task<result<contract::CreateApiKeyResponse>> create_api_key(rpc::context&, contract::CreateApiKeyRequest) override;
    task<result<contract::ListApiKeysResponse>> list_api_keys(rpc::context&, contract::ListApiKeysRequest) override;
    task<result<google::protobuf::Empty>> revoke_api_key(rpc::context&, contract::RevokeApiKeyRequest) override;
    task<result<contract::BatchGetContactsResponse>> batch_get_contacts(rpc::context&, contract::BatchGetContactsRequest) override;
    task<result<contract::GetTrustResponse>> get_trust(rpc::context&, contract::GetTrustRequest) override;
    task<result<contract::CheckApiKeyResponse>> check_api_key(rpc::context&, contract::CheckApiKeyRequest) override;

private:
    environment& env_;
    const security::key_ring& ring_;
};

}  // namespace bv::identity
