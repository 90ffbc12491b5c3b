#include "domains/commerce/order/app/list_orders.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "domains/commerce/order/app/get_order.hpp"
#include "domains/commerce/order/app/paging.hpp"
#include "platform/rpc/page_token.hpp"

namespace bv::order {
namespace {

struct query {
    order_filter filter;
    std::string reference;  // empty: none
};

// Whose orders: nullopt for everybody's.
result<std::optional<customer_id>> customer_of(const rpc::context& ctx, const std::string& given) {
    const bool sees_all = ctx.identity("orders.read.any").all_customers;
    if (given.empty()) {
        if (sees_all) return std::nullopt;
        return customer_id{ctx.caller.id};
    }
    const auto id = customer_id::parse(given);
    if (!id) return invalid({{"customerId", "must be a UUID"}});
    if (!sees_all && id->value != ctx.caller.id)
        return fail(code::permission_denied, "PERMISSION_DENIED", "Listing another customer's orders needs the scope orders.read.any");
    return *id;
}

result<std::optional<order_cursor>> read_cursor(const std::string& list, const std::string& token) {
    const auto parts = rpc::parse_page_token(list, token);
    if (!parts) return std::unexpected(parts.error());
    if (parts->empty()) return std::nullopt;
    if (parts->size() != 2) return bad_token();
    std::int64_t micros = 0;
    const auto id = order_id::parse((*parts)[1]);
    if (!id || !parse_number((*parts)[0], micros)) return bad_token();
    return order_cursor{instant(microseconds(micros)), *id};
}

std::string write_cursor(const std::string& list, const order& o) {
    const std::vector<std::string> position{std::to_string(o.ordered_at.time_since_epoch().count()), o.id.str()};
    return rpc::page_token(list, position);
}

// What is listed, with every filter.
std::string list_name(const std::optional<customer_id>& customer, const contract::ListOrdersRequest& r) {
    return fmt::format("orders?customer={}&status={}&reference={}", customer ? customer->str() : "", static_cast<int>(r.status()), r.external_reference());
}

bool newest_first(const order& a, const order& b) { return std::tie(a.ordered_at, a.id) > std::tie(b.ordered_at, b.id); }

task<std::vector<order>> find_by_reference(const environment& env, storage::unit_of_work& uow, const query& q) {
    auto ids = co_await env.streams.find_by_reference(uow, q.filter.customer, q.reference);
    std::vector<order> found;
    if (!ids.empty()) found = co_await env.streams.load(uow, std::move(ids));
    std::erase_if(found, [&](const order& o) {
        if (q.filter.status && o.status != *q.filter.status) return true;
        const auto& after = q.filter.after;
        return after && std::tie(o.ordered_at, o.id) >= std::tie(after->ordered_at, after->id);
    });
    std::ranges::sort(found, newest_first);
    if (std::ssize(found) > q.filter.limit) found.resize(static_cast<std::size_t>(q.filter.limit));
    co_return found;
}

task<std::vector<order>> run(const environment& env, storage::unit_of_work& uow, const query& q) {
    if (!q.reference.empty()) co_return co_await find_by_reference(env, uow, q);
    co_return co_await env.projections.list(uow, q.filter);
}

}  // namespace

task<result<contract::ListOrdersResponse>> list_orders(const environment& env, rpc::context& ctx, contract::ListOrdersRequest request) {
    const auto customer = customer_of(ctx, request.customer_id());
    if (!customer) co_return std::unexpected(customer.error());
    const auto list = list_name(*customer, request);
    const auto cursor = read_cursor(list, request.page_token());
    if (!cursor) co_return std::unexpected(cursor.error());
    const auto size = page_size(request.page_size());
    query q{{*customer, std::nullopt, *cursor, size + 1}, request.external_reference()};
    if (request.status() != contract::ORDER_STATUS_UNSPECIFIED) q.filter.status = static_cast<status>(request.status());
    const auto found = co_await env.db.transact(read_options(ctx), [&](storage::unit_of_work& uow) { return run(env, uow, q); });
    contract::ListOrdersResponse out;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (out.orders_size() == size) {
            out.set_next_page_token(write_cursor(list, found[i - 1]));
            break;
        }
        *out.add_orders() = to_contract(found[i], with_lines::no);
    }
    co_return out;
}

}  // namespace bv::order
