#include "domains/commerce/product/app/update_product.hpp"

namespace bv::product {

namespace {

task<result<product>> apply(storage::unit_of_work& uow, const environment& env, const rpc::context& ctx, const std::string& sku, const change& c) {
    std::vector<std::string> one{sku};
    const auto found = co_await env.store.lock(uow, std::move(one));
    if (found.empty()) co_return no_product(sku);
    const auto& old = found.front();
    if (auto match = ctx.require_match(old.etag()); !match) co_return std::unexpected(std::move(match.error()));
    auto wanted = with(old.is, c);
    if (auto wrong = problems(wanted, "product"); !wrong.empty()) co_return invalid(std::move(wrong));
    auto now = replaced(old, std::move(wanted), env.clock.now());
    if (!now) co_return old;
    co_await env.store.update(uow, std::vector<product>{*now});
    std::vector<events::outgoing> out;
    out.push_back(changed_event(*now, env.clock, env.rng));
    co_await env.outbox.append(uow, std::move(out));
    co_return std::move(*now);
}

}  // namespace

task<result<contract::Product>> update_product(const environment& env, rpc::context& ctx, contract::UpdateProductRequest request) {
    const auto& sku = request.product().sku();
    const std::vector<std::string> mask(request.update_mask().paths().begin(), request.update_mask().paths().end());
    const auto c = to_change(request.product(), mask);
    if (!c) co_return std::unexpected(c.error());
    const product_cache::invalidation forget(env.cache, {sku});
    const auto done = co_await env.db.transact(transaction_of(ctx), [&](storage::unit_of_work& uow) { return apply(uow, env, ctx, sku, *c); });
    if (!done) co_return std::unexpected(done.error());
    ctx.etag = done->etag();
    co_return to_message(*done);
}

}  // namespace bv::product
