#include <array>

#include "domains/identity/app/steps.hpp"
#include "platform/rpc/page_token.hpp"

namespace bv::identity {

namespace {
constexpr std::string_view this_list = "accounts";
task<std::vector<account>> list(environment& env, storage::unit_of_work& uow, account_id after, int limit) { co_return co_await env.accounts.list(uow, after, limit); }
}  // namespace

task<result<contract::ListAccountsResponse>> list_accounts(environment& env, const rpc::context& ctx, contract::ListAccountsRequest request) {
    const auto position = rpc::parse_page_token(this_list, request.page_token());
    if (!position) co_return std::unexpected(position.error());
    account_id after{};
    if (!position->empty()) after = account_id::parse(position->front()).value_or(account_id{});
    const int size = request.page_size() == 0 ? 50 : request.page_size();
    const auto found = co_await env.transactor.transact(as_caller(ctx), [&](storage::unit_of_work& uow) { return list(env, uow, after, size + 1); });
    contract::ListAccountsResponse out;
    for (const auto& a : found) {
        if (out.accounts_size() == size) {
            out.set_next_page_token(rpc::page_token(this_list, std::array{out.accounts(size - 1).id()}));
            break;
        }
        *out.add_accounts() = to_contract(a);
    }
    co_return out;
}

}  // namespace bv::identity
