#include "domains/commerce/order/app/get_order.hpp"

#include <charconv>

#include <fmt/format.h>

#include "domains/commerce/order/app/errors.hpp"

namespace bv::order {
namespace {

// A version, or a time, or neither: as the order is.
struct moment {
    std::optional<std::int64_t> version;
    std::optional<instant> time;
};

result<moment> parse_moment(const std::string& text) {
    if (text.empty()) return moment{};
    std::int64_t version = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (ec == std::errc{} && end == text.data() + text.size() && version > 0) return moment{version, std::nullopt};
    if (const auto at = parse_rfc3339(text)) return moment{std::nullopt, *at};
    return invalid({{"asOf", "must be a version such as 3, or a time such as 2026-01-31T09:00:00Z"}});
}

task<result<contract::Order>> read_now(const environment& env, storage::unit_of_work& uow, order_id id) {
    auto current = co_await env.projections.current(uow, id);
    if (current.head == 0) co_return not_found(id);
    if (current.document) {
        contract::Order out;
        if (out.ParseFromString(*current.document)) co_return out;
    }
    // The read model is behind: what is true is in the stream.
    const auto found = co_await env.streams.load(uow, std::vector<order_id>(1, id));
    if (found.empty()) co_return not_found(id);
    co_return to_contract(found.front());
}

task<result<contract::Order>> read_then(const environment& env, storage::unit_of_work& uow, order_id id, moment as_of) {
    const auto events = co_await env.streams.read(uow, id, 0, as_of.version.value_or(INT64_MAX));
    if (events.empty()) co_return not_found(id);
    order o;
    for (const auto& e : events) {
        if (as_of.time && e.at > *as_of.time) break;
        o = evolve(std::move(o), e.what, e.at);
    }
    if (as_of.version && o.version < *as_of.version) {
        co_return fail(code::out_of_range, "VERSION_NOT_REACHED", fmt::format("the order is at version {}, not at {} yet", o.version, *as_of.version));
    }
    if (!o.exists())
        co_return fail(code::not_found, "ORDER_NOT_FOUND", "the order did not exist at " + rfc3339(*as_of.time));
    co_return to_contract(o);
}

task<result<contract::Order>> read(const environment& env, storage::unit_of_work& uow, order_id id, moment as_of) {
    if (!as_of.version && !as_of.time) co_return co_await read_now(env, uow, id);
    co_return co_await read_then(env, uow, id, as_of);
}

}  // namespace

storage::transaction_options read_options(const rpc::context& ctx) {
    storage::transaction_options options;
    options.identity = ctx.identity("orders.read.any");
    options.read_only = true;
    options.deadline = ctx.deadline;
    return options;
}

task<result<contract::Order>> get_order(const environment& env, rpc::context& ctx, contract::GetOrderRequest request) {
    const auto id = order_id::parse(request.id());
    if (!id) co_return invalid({{"id", "must be a UUID"}});
    const auto as_of = parse_moment(request.as_of());
    if (!as_of) co_return std::unexpected(as_of.error());
    auto out = co_await env.db.transact(read_options(ctx), [&](storage::unit_of_work& uow) { return read(env, uow, *id, *as_of); });
    if (out) ctx.etag = out->etag();
    co_return out;
}

}  // namespace bv::order
