#include <map>

#include "domains/identity/app/steps.hpp"

namespace bv::identity {

namespace {

struct imported {
    std::map<std::string, account_id> ids;
    int created = 0;
};

task<imported> store(environment& env, storage::unit_of_work& uow, const std::vector<account>& wanted, std::vector<std::string> references) {
    const auto added = co_await env.accounts.add_imported(uow, wanted);
    imported out;
    out.created = static_cast<int>(added.size());
    if (!added.empty()) {
        std::vector<events::outgoing> announced;
        for (const auto& a : added) announced.push_back(registered(env, a));
        co_await env.outbox.append(uow, std::move(announced));
    }
    for (auto& [reference, id] : co_await env.accounts.find_references(uow, std::move(references))) out.ids.emplace(std::move(reference), id);
    co_return out;
}

}  // namespace

task<result<contract::BatchImportAccountsResponse>> import_accounts(environment& env, const rpc::context& ctx, contract::BatchImportAccountsRequest request) {
    std::map<std::string, account> by_reference;  // sorted: two imports at once take their locks in one order
    for (const auto& i : request.accounts()) {
        const auto [at, is_new] = by_reference.try_emplace(i.external_reference());
        if (!is_new) continue;
        account& a = at->second;
        a.id = account_id::v7(env.clock, env.rng);
        a.country = i.country();
        a.external_reference = i.external_reference();
        a.roles = {"customer"};
        a.created_at = a.updated_at = env.clock.now();
    }
    std::vector<account> wanted;
    std::vector<std::string> references;
    for (auto& [reference, a] : by_reference) {
        references.push_back(reference);
        wanted.push_back(std::move(a));
    }
    const auto done = co_await env.transactor.transact(as_platform(ctx), [&](storage::unit_of_work& uow) { return store(env, uow, wanted, references); });
    contract::BatchImportAccountsResponse out;
    for (const auto& i : request.accounts()) out.add_ids(done.ids.at(i.external_reference()).str());
    out.set_created(done.created);
    co_return out;
}

}  // namespace bv::identity
