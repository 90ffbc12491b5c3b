#include "domains/identity/app/encryption_keys.hpp"

#include <algorithm>

namespace bv::identity {

namespace {

storage::transaction_options as_identity() {
    storage::transaction_options out;
    out.identity = storage::system_identity("service:identity");
    return out;
}

// The lock is the transaction's: it writes nothing else.
task<std::uint32_t> rotate(environment& env, storage::unit_of_work& uow, security::field_keys& keys) {
    co_await env.revocations.lock_key_rotation(uow);
    co_return keys.rotate();
}

task<result<void>> retire(environment& env, storage::unit_of_work& uow, security::field_keys& keys, std::uint32_t id, milliseconds settled) {
    co_await env.revocations.lock_key_rotation(uow);
    keys.reload();
    const auto all = keys.cipher()->keys();
    const auto at = std::ranges::find(all, id, &security::field_key::id);
    const auto name = "Key " + std::to_string(id);
    if (at == all.end()) co_return fail(code::not_found, "FIELD_KEY_NOT_FOUND", "There is no key " + std::to_string(id) + ".");
    if (at + 1 == all.end()) co_return fail(code::failed_precondition, "FIELD_KEY_IN_USE", name + " is the one that encrypts: rotate first.");
    const auto left = (at + 1)->created + settled - env.clock.now();
    if (left > microseconds::zero()) {
        auto young = fail(code::failed_precondition, "FIELD_KEY_TOO_YOUNG",
                          name + " may still be in the hands of a transaction that began before key " + std::to_string((at + 1)->id) + " was made; try again in " +
                              std::to_string(std::chrono::ceil<seconds>(left).count()) + " s.");
        young.error().retry_after = std::chrono::ceil<milliseconds>(left);
        co_return young;
    }
    const auto values = co_await env.accounts.values_by_key(uow);
    if (const auto used = values.find(id); used != values.end())
        co_return fail(code::failed_precondition, "FIELD_KEY_IN_USE",
                       name + " still has " + std::to_string(used->second) + " values: encrypt them again first.");
    keys.retire(id);
    co_return result<void>{};
}

}  // namespace

task<std::vector<encryption_key>> list_encryption_keys(environment& env, const security::field_keys& keys) {
    const auto values = co_await env.transactor.transact(as_identity(), [&](storage::unit_of_work& uow) { return env.accounts.values_by_key(uow); });
    std::vector<encryption_key> out;
    for (const auto& k : keys.cipher()->keys()) {
        const auto used = values.find(k.id);
        out.push_back({k, false, used == values.end() ? 0 : used->second});
    }
    out.back().current = true;
    co_return out;
}

task<std::uint32_t> rotate_encryption_key(environment& env, security::field_keys& keys) {
    co_return co_await env.transactor.transact(as_identity(), [&](storage::unit_of_work& uow) { return rotate(env, uow, keys); });
}

task<encrypted_again> encrypt_accounts_again(environment& env, account_id after, int limit) {
    co_return co_await env.transactor.transact(as_identity(), [&](storage::unit_of_work& uow) { return env.accounts.encrypt_again(uow, after, limit); });
}

task<result<void>> retire_encryption_key(environment& env, security::field_keys& keys, std::uint32_t id, milliseconds settled) {
    co_return co_await env.transactor.transact(as_identity(), [&](storage::unit_of_work& uow) { return retire(env, uow, keys, id, settled); });
}

}  // namespace bv::identity
