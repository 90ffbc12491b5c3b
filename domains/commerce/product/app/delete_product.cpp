#include "domains/commerce/product/app/delete_product.hpp"

namespace bv::product {

namespace {

task<result<void>> take_off_sale(storage::unit_of_work& uow, const environment& env, const rpc::context& ctx, const std::string& sku) {
    std::vector<std::string> one{sku};
    const auto found = co_await env.store.lock(uow, std::move(one));
    if (found.empty()) co_return no_product(sku);
    const auto& old = found.front();
    if (auto match = ctx.require_match(old.etag()); !match) co_return std::unexpected(std::move(match.error()));
    const auto now = replaced(old, with(old.is, {.on_sale = false}), env.clock.now());
    if (!now) co_return result<void>{};
    co_await env.store.update(uow, std::vector<product>{*now});
    std::vector<events::outgoing> out;
    out.push_back(deleted_event(sku, env.clock, env.rng));
    co_await env.outbox.append(uow, std::move(out));
    co_return result<void>{};
}

}  // namespace

task<result<void>> delete_product(const environment& env, rpc::context& ctx, std::string sku) {
    const product_cache::invalidation forget(env.cache, {sku});
    co_return co_await env.db.transact(transaction_of(ctx), [&](storage::unit_of_work& uow) { return take_off_sale(uow, env, ctx, sku); });
}

}  // namespace bv::product
