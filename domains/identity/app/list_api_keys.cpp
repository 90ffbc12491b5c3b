#include <array>

#include "domains/identity/app/api_keys.hpp"
#include "domains/identity/app/steps.hpp"
#include "platform/rpc/page_token.hpp"
#include "platform/rpc/timestamp.hpp"

namespace bv::identity {

namespace {
constexpr std::string_view this_list = "apiKeys";
task<std::vector<api_key>> list(environment& env, storage::unit_of_work& uow, api_key_id after, int limit) { co_return co_await env.keys.list(uow, after, limit); }
}  // namespace

contract::ApiKey to_contract(const api_key& k) {
    contract::ApiKey out;
    out.set_id(k.id.str());
    out.set_label(k.label);
    for (const auto& r : k.roles) out.add_roles(r);
    rpc::set_timestamp(*out.mutable_create_time(), k.created_at);
    if (k.expires_at) rpc::set_timestamp(*out.mutable_expire_time(), *k.expires_at);
    if (k.last_use_at) rpc::set_timestamp(*out.mutable_last_use_time(), *k.last_use_at);
    out.set_revoked(k.revoked_at.has_value());
    return out;
}

task<result<contract::ListApiKeysResponse>> list_api_keys(environment& env, const rpc::context& ctx, contract::ListApiKeysRequest request) {
    const auto position = rpc::parse_page_token(this_list, request.page_token());
    if (!position) co_return std::unexpected(position.error());
    api_key_id after{};
    if (!position->empty()) after = api_key_id::parse(position->front()).value_or(api_key_id{});
    const int size = request.page_size() == 0 ? 50 : request.page_size();
    const auto found = co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return list(env, uow, after, size + 1); });
    contract::ListApiKeysResponse out;
    for (const auto& k : found) {
        if (out.api_keys_size() == size) {
            out.set_next_page_token(rpc::page_token(this_list, std::array{out.api_keys(size - 1).id()}));
            break;
        }
        *out.add_api_keys() = to_contract(k);
    }
    co_return out;
}

}  // namespace bv::identity
