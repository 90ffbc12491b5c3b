#include "domains/commerce/product/app/create_product.hpp"

namespace bv::product {

namespace {

task<bool> add(storage::unit_of_work& uow, const environment& env, const product& p) {
    std::vector<product> one{p};
    const auto added = co_await env.store.insert(uow, std::move(one));
    if (added.empty()) co_return false;
    std::vector<events::outgoing> out;
    out.push_back(changed_event(p, env.clock, env.rng));
    co_await env.outbox.append(uow, std::move(out));
    co_return true;
}

}  // namespace

task<result<contract::Product>> create_product(const environment& env, rpc::context& ctx, contract::Product wanted) {
    auto is = sound_details(wanted, "product");
    if (!is) co_return std::unexpected(std::move(is.error()));
    const auto now = env.clock.now();
    const product p{wanted.sku(), std::move(*is), 1, now, now};
    const product_cache::invalidation forget(env.cache, {p.sku});  // that there was none
    const bool added = co_await env.db.transact(transaction_of(ctx), [&](storage::unit_of_work& uow) { return add(uow, env, p); });
    if (!added)
        co_return fail(code::already_exists, "PRODUCT_EXISTS", "there is a product with the SKU \"" + p.sku + "\" already; PATCH /v1/products/" + p.sku + " changes it");
    ctx.etag = p.etag();
    co_return to_message(p);
}

}  // namespace bv::product
