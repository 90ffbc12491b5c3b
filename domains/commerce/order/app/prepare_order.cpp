#include <unordered_map>

#include <fmt/format.h>

#include "domains/commerce/order/app/errors.hpp"
#include "domains/commerce/order/app/place_order.hpp"

namespace bv::order {
namespace {

constexpr std::string_view any_scope = "orders.write.any";
constexpr std::chrono::minutes clock_skew{5};

bool may_for_others(const rpc::context& ctx) { return ctx.caller.kind == rpc::caller_kind::service || ctx.caller.has_scope(any_scope); }

std::unexpected<error> needs_scope(std::string_view what) {
    return fail(code::permission_denied, "PERMISSION_DENIED", fmt::format("{} needs the scope {}", what, any_scope));
}

// Whose order it is.
result<customer_id> customer_of(const rpc::context& ctx, const std::string& given) {
    const bool is_user = ctx.caller.kind == rpc::caller_kind::user;
    if (given.empty()) {
        if (is_user) return customer_id{ctx.caller.id};
        return invalid({{"customerId", "is required: the caller is a program, not a customer"}});
    }
    const auto id = customer_id::parse(given);
    if (!id) return invalid({{"customerId", "must be a UUID"}});
    if (is_user && id->value == ctx.caller.id) return *id;
    if (!may_for_others(ctx)) return needs_scope("Ordering on behalf of a customer");
    return *id;
}

result<instant> ordered_at_of(const rpc::context& ctx, const contract::PlaceOrderRequest& r, instant now) {
    if (!r.has_ordered_at()) return now;
    if (!may_for_others(ctx)) return needs_scope("Giving ordered_at");
    const auto at = to_instant(r.ordered_at());
    if (at > now + clock_skew) return invalid({{"orderedAt", "is in the future"}});
    return at;
}

// Lines with the catalogue's names and prices; every line that cannot be sold is a violation.
result<std::vector<line>> price(const contract::PlaceOrderRequest& r, const std::vector<offer>& offers) {
    std::unordered_map<std::string_view, const offer*> by_sku;
    for (const auto& o : offers) by_sku.emplace(o.sku, &o);
    std::vector<line> lines;
    std::vector<field_violation> violations;
    for (int i = 0; i < r.lines_size(); ++i) {
        const auto& l = r.lines(i);
        const auto it = by_sku.find(l.sku());
        const auto refuse = [&](std::string why) { violations.push_back({fmt::format("lines[{}].sku", i), std::move(why)}); };
        if (it == by_sku.end()) {
            refuse(fmt::format("there is no product \"{}\"", l.sku()));
        } else if (!it->second->on_sale) {
            refuse(fmt::format("\"{}\" is not on sale", l.sku()));
        } else if (!it->second->unit_price) {
            refuse(fmt::format("\"{}\" has no price in {}", l.sku(), r.currency()));
        } else {
            lines.push_back({l.sku(), it->second->name, l.quantity(), *it->second->unit_price, 0});
        }
    }
    if (!violations.empty()) return invalid(std::move(violations));
    return lines;
}

std::vector<std::string> distinct_skus(const contract::PlaceOrderRequest& r) {
    std::unordered_map<std::string_view, bool> seen;
    std::vector<std::string> skus;
    for (const auto& l : r.lines()) {
        if (seen.try_emplace(l.sku(), true).second) skus.push_back(l.sku());
    }
    return skus;
}

order_id mint_id(const environment& env, const rpc::context& ctx) {
    if (ctx.idempotency_key.empty()) return order_id::v7(env.clock, env.rng);
    return {uuid::named("order:" + ctx.caller.actor() + ":" + ctx.idempotency_key)};
}

// Everything but the lines.
result<place> head_of(const environment& env, const rpc::context& ctx, const contract::PlaceOrderRequest& r) {
    const auto customer = customer_of(ctx, r.customer_id());
    if (!customer) return std::unexpected(customer.error());
    if (!r.external_reference().empty() && !may_for_others(ctx)) return needs_scope("Giving external_reference");
    const auto at = ordered_at_of(ctx, r, env.clock.now());
    if (!at) return std::unexpected(at.error());
    const auto currency = currency::parse(r.currency());
    if (!currency) return invalid({{"currency", "must be an ISO 4217 code such as GBP"}});
    if (r.payment_method().empty()) return invalid({{"paymentMethod", "is required"}});
    if (r.lines_size() > static_cast<int>(max_lines)) return std::unexpected(to_error({order_errc::too_many_lines}));
    return place{mint_id(env, ctx), *customer, {}, *currency, r.payment_method(), r.external_reference(), *at, ctx.caller.actor()};
}

}  // namespace

task<result<placement>> prepare_order(const environment& env, catalogue& products, rpc::context& ctx, contract::PlaceOrderRequest request) {
    auto command = head_of(env, ctx, request);
    if (!command) co_return std::unexpected(command.error());
    const auto offers = co_await products.find(ctx, distinct_skus(request), command->currency);
    if (!offers) co_return std::unexpected(offers.error());
    auto lines = price(request, *offers);
    if (!lines) co_return std::unexpected(lines.error());
    command->lines = std::move(*lines);
    auto d = decide(order{}, *command);
    if (!d) co_return std::unexpected(to_error(d.error()));
    placement out{std::get<order_placed>(std::move(d->events.front())), ctx.caller.actor(), ctx.trace.traceparent(), !ctx.idempotency_key.empty()};
    co_return out;
}

}  // namespace bv::order
