#include "domains/commerce/product/app/upsert.hpp"

#include <string_view>
#include <unordered_map>

#include "domains/commerce/product/app/contract.hpp"

namespace bv::product {

task<upserted> upsert(storage::unit_of_work& uow, const environment& env, const std::vector<product>& wanted) {
    std::unordered_map<std::string_view, const product*> rest;
    std::vector<events::outgoing> out;
    for (const auto& p : wanted) rest.emplace(p.sku, &p);
    const auto created = co_await env.store.insert(uow, wanted);
    for (const auto& sku : created) {
        out.push_back(changed_event(*rest.at(sku), env.clock, env.rng));
        rest.erase(sku);
    }

    std::vector<product> updated;
    if (!rest.empty()) {
        std::vector<std::string> skus;
        for (const auto& [sku, p] : rest) skus.emplace_back(sku);
        for (const auto& old : co_await env.store.lock(uow, std::move(skus))) {
            const auto& to = *rest.at(old.sku);
            if (auto now = replaced(old, to.is, to.updated_at)) updated.push_back(std::move(*now));
        }
        for (const auto& p : updated) out.push_back(changed_event(p, env.clock, env.rng));
        if (!updated.empty()) co_await env.store.update(uow, updated);
    }
    co_await env.outbox.append(uow, std::move(out));
    co_return upserted{static_cast<int>(created.size()), static_cast<int>(updated.size()), static_cast<int>(rest.size() - updated.size())};
}

}  // namespace bv::product
