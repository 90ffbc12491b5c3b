#include "domains/identity/adapters/api.hpp"

namespace bv::identity {

namespace {
result<google::protobuf::Empty> nothing(result<void> done) {
    if (!done) return std::unexpected(std::move(done.error()));
    return google::protobuf::Empty{};
}
}  // namespace

task<result<contract::Account>> api::register_(rpc::context& ctx, contract::RegisterRequest request) {
    return register_account(env_, ctx, std::move(request));
}
task<result<contract::Account>> api::get_account(rpc::context& ctx, contract::GetAccountRequest request) {
    return identity::get_account(env_, ctx, std::move(*request.mutable_id()));
}
task<result<contract::ListAccountsResponse>> api::list_accounts(rpc::context& ctx, contract::ListAccountsRequest request) {
    return identity::list_accounts(env_, ctx, std::move(request));
}
task<result<contract::Account>> api::update_account(rpc::context& ctx, contract::UpdateAccountRequest request) {
    return identity::update_account(env_, ctx, std::move(request));
}
task<result<contract::TokenPair>> api::change_password(rpc::context& ctx, contract::ChangePasswordRequest request) {
    return identity::change_password(env_, ctx, std::move(request));
}
task<result<contract::Account>> api::set_roles(rpc::context& ctx, contract::SetRolesRequest request) {
    return identity::set_roles(env_, ctx, std::move(request));
}
task<result<contract::BatchImportAccountsResponse>> api::batch_import_accounts(rpc::context& ctx, contract::BatchImportAccountsRequest request) {
    return import_accounts(env_, ctx, std::move(request));
}
task<result<contract::TokenPair>> api::log_in(rpc::context& ctx, contract::LogInRequest request) {
    return identity::log_in(env_, ctx, std::move(request));
}
task<result<contract::TokenPair>> api::refresh_session(rpc::context& ctx, contract::RefreshSessionRequest request) {
    return identity::refresh_session(env_, ctx, std::move(*request.mutable_refresh_token()));
}
task<result<google::protobuf::Empty>> api::log_out(rpc::context& ctx, contract::LogOutRequest request) {
    co_return nothing(co_await identity::log_out(env_, ctx, std::move(*request.mutable_refresh_token())));
}
task<result<contract::CreateApiKeyResponse>> api::create_api_key(rpc::context& ctx, contract::CreateApiKeyRequest request) {
    return identity::create_api_key(env_, ctx, std::move(request));
}
task<result<contract::ListApiKeysResponse>> api::list_api_keys(rpc::context& ctx, contract::ListApiKeysRequest request) {
    return identity::list_api_keys(env_, ctx, std::move(request));
}
task<result<google::protobuf::Empty>> api::revoke_api_key(rpc::context& ctx, contract::RevokeApiKeyRequest request) {
    co_return nothing(co_await identity::revoke_api_key(env_, ctx, std::move(request)));
}
task<result<contract::BatchGetContactsResponse>> api::batch_get_contacts(rpc::context& ctx, contract::BatchGetContactsRequest request) {
    return get_contacts(env_, ctx, std::move(request));
}
task<result<contract::GetTrustResponse>> api::get_trust(rpc::context& ctx, contract::GetTrustRequest request) {
    return identity::get_trust(env_, ctx, ring_, std::move(request));
}
task<result<contract::CheckApiKeyResponse>> api::check_api_key(rpc::context& ctx, contract::CheckApiKeyRequest request) {
    return tell_api_key(env_, ctx, std::move(*request.mutable_api_key()));
}

}  // namespace bv::identity
