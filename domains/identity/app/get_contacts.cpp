#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {
task<std::vector<account>> find(environment& env, storage::unit_of_work& uow, std::vector<account_id> ids) { co_return co_await env.accounts.find_all(uow, std::move(ids)); }
}  // namespace

task<result<contract::BatchGetContactsResponse>> get_contacts(environment& env, const rpc::context& ctx, contract::BatchGetContactsRequest request) {
    if (auto allowed = require_service(ctx); !allowed) co_return std::unexpected(std::move(allowed.error()));
    std::vector<account_id> ids;
    for (const auto& text : request.account_ids()) {
        const auto id = account_id::parse(text);
        if (!id) co_return invalid({{"account_ids", "\"" + text + "\" is not a UUID"}});
        ids.push_back(*id);
    }
    contract::BatchGetContactsResponse out;
    for (const auto& a : co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return find(env, uow, ids); })) {
        auto* c = out.add_contacts();
        c->set_account_id(a.id.str());
        c->set_email(a.email);
        c->set_display_name(a.display_name);
    }
    co_return out;
}

}  // namespace bv::identity
