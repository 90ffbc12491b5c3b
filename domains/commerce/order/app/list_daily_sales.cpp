#include "domains/commerce/order/app/get_order.hpp"
#include "domains/commerce/order/app/list_orders.hpp"
#include "domains/commerce/order/app/paging.hpp"
#include "platform/rpc/page_token.hpp"

namespace bv::order {
namespace {

using day_or_none = std::optional<std::chrono::sys_days>;

result<day_or_none> parse_bound(const std::string& text, const char* field) {
    if (text.empty()) return std::nullopt;
    if (const auto day = parse_day(text)) return *day;
    return invalid({{field, "must be a day such as 2026-01-31"}});
}

std::string list_name(const contract::ListDailySalesRequest& r) { return "dailySales?from=" + r.from_day() + "&to=" + r.to_day(); }

result<std::optional<sales_cursor>> read_cursor(const contract::ListDailySalesRequest& r) {
    const auto parts = rpc::parse_page_token(list_name(r), r.page_token());
    if (!parts) return std::unexpected(parts.error());
    if (parts->empty()) return std::nullopt;
    if (parts->size() != 2) return bad_token();
    const auto day = parse_day((*parts)[0]);
    const auto currency = currency::parse((*parts)[1]);
    if (!day || !currency) return bad_token();
    return sales_cursor{*day, *currency};
}

result<sales_filter> filter_of(const contract::ListDailySalesRequest& r) {
    const auto from = parse_bound(r.from_day(), "fromDay");
    if (!from) return std::unexpected(from.error());
    const auto to = parse_bound(r.to_day(), "toDay");
    if (!to) return std::unexpected(to.error());
    const auto after = read_cursor(r);
    if (!after) return std::unexpected(after.error());
    return sales_filter{*from, *to, *after, page_size(r.page_size()) + 1};
}

contract::DailySales describe(const day_of_sales& d) {
    contract::DailySales out;
    out.set_day(format_day(d.day));
    set(*out.mutable_revenue(), d.currency, d.what.revenue);
    set(*out.mutable_refunded(), d.currency, d.what.refunded);
    out.set_orders(d.what.orders);
    out.set_units(d.what.units);
    return out;
}

}  // namespace

task<result<contract::ListDailySalesResponse>> list_daily_sales(const environment& env, rpc::context& ctx, contract::ListDailySalesRequest request) {
    const auto filter = filter_of(request);
    if (!filter) co_return std::unexpected(filter.error());
    const auto found = co_await env.db.transact(
        read_options(ctx), [&](storage::unit_of_work& uow) { return env.projections.list_sales(uow, *filter); });
    contract::ListDailySalesResponse out;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (out.days_size() == filter->limit - 1) {
            const auto& last = found[i - 1];
            const std::vector<std::string> position{format_day(last.day), std::string(last.currency.code())};
            out.set_next_page_token(rpc::page_token(list_name(request), position));
            break;
        }
        *out.add_days() = describe(found[i]);
    }
    co_return out;
}

}  // namespace bv::order
