#include "platform/storage/memory/lease_store.hpp"

#include <utility>

namespace bv::memory {
namespace {

bool is_of(const leases::row* r, const storage::lease& l) { return r && r->owner == l.owner && r->fence == l.fence; }

storage::transaction_options as_owner(const std::string& owner) { return {.identity = storage::system_identity(owner)}; }

}  // namespace

task<lease_store::taken> lease_store::acquire(std::string name, std::string owner, milliseconds life, std::string gone) {
    const storage::lease wanted{std::move(name), std::move(owner)};
    co_return co_await db_.transact(as_owner(wanted.owner), [&](storage::unit_of_work& uow) { return take(of(uow), wanted, life, gone); });
}

task<lease_store::taken> lease_store::take(transaction& tx, storage::lease wanted, milliseconds life, std::string gone) {
    co_await tx.statement();
    const auto may_take = [&](const leases::row& r) {
        return r.expires_at <= clock_.steady_now() || r.owner == wanted.owner || (!gone.empty() && r.owner == gone);
    };
    if (const auto* r = tables_.rows.find(tx, wanted.name); r && !may_take(*r))
        co_return std::unexpected(storage::lease_taken{r->owner, std::chrono::ceil<milliseconds>(r->expires_at - clock_.steady_now())});
    co_await tx.statement();
    co_await tables_.guards.insert(tx, wanted.name, {});
    co_await tables_.rows.insert(tx, wanted.name, {});
    co_await tx.statement();
    co_await tables_.guards.lock(tx, wanted.name);
    const auto now = *co_await tables_.rows.lock(tx, wanted.name);
    if (!may_take(now)) co_return std::unexpected(storage::lease_taken{});
    wanted.fence = now.fence + 1;
    const leases::row mine{wanted.owner, wanted.fence, clock_.steady_now() + life};
    tables_.guards.put(tx, wanted.name, mine);
    tables_.rows.put(tx, wanted.name, mine);
    co_return wanted;
}

task<bool> lease_store::expire(transaction& tx, storage::lease l, steady_point at) {
    co_await tx.statement();
    const auto* r = co_await tables_.rows.lock(tx, l.name);
    if (!is_of(r, l)) co_return false;
    tables_.rows.put(tx, l.name, {l.owner, l.fence, at});
    co_return true;
}

task<bool> lease_store::renew(storage::lease l, milliseconds life) {
    co_return co_await db_.transact(as_owner(l.owner), [&](storage::unit_of_work& uow) { return expire(of(uow), l, clock_.steady_now() + life); });
}

task<void> lease_store::release(storage::lease l) {
    co_await db_.transact(as_owner(l.owner), [&](storage::unit_of_work& uow) { return expire(of(uow), l, steady_point{}); });
}

task<void> lease_store::confirm(storage::unit_of_work& uow, const storage::lease& l) {
    auto& tx = of(uow);
    co_await tx.statement();
    const auto* guard = co_await tables_.guards.lock(tx, l.name);
    if (!is_of(guard, l)) throw storage::lease_lost(l);
}

}  // namespace bv::memory
