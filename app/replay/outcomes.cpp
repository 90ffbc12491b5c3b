#include "app/replay/outcomes.hpp"

#include <unordered_map>

#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace {

constexpr milliseconds between_looks{200};

using slots_by_id = std::unordered_map<uuid, order_slot>;

constexpr std::string_view status_prefix = "ORDER_STATUS_", reason_prefix = "CANCEL_REASON_";

struct listed {
    order_slot slot = 0;
    std::string status;  // "CONFIRMED"; empty: not final
    std::string reason;  // "OUT_OF_STOCK"
};

std::string reason_of(const boost::json::value& order) {
    const auto text = text_at(order, "cancelReason");
    return text.starts_with(reason_prefix) ? text.substr(reason_prefix.size()) : text;
}

slots_by_id by_id(const std::deque<placed_order>& orders) {
    slots_by_id out;
    out.reserve(orders.size());
    for (std::size_t i = 0; i < orders.size(); ++i)
        if (orders[i].is == placed_order::state::known) out.emplace(orders[i].id, static_cast<order_slot>(i));
    return out;
}

// The orders of `mine` that have the status.
task<std::vector<listed>> list(platform_api& api, const slots_by_id& mine, std::string status) {
    std::vector<listed> out;
    std::string token;
    do {
        const auto page = co_await api.demand(http::verb::get, fmt::format("/v1/orders?status=ORDER_STATUS_{}&page_size=200{}{}", status, token.empty() ? "" : "&page_token=",
                                                                           http::percent_encode(token)));
        for (const auto& o : items_at(page, "orders")) {
            const auto id = uuid::parse(text_at(o, "id"));
            const auto at = id ? mine.find(*id) : mine.end();
            if (at != mine.end()) out.push_back({at->second, status, reason_of(o)});
        }
        token = text_at(page, "nextPageToken");
    } while (!token.empty());
    co_return out;
}

task<bool> wait_until_drained(observer& watched, clock& c, steady_point end) {
    while (!(co_await watched.drained()).value_or(true)) {
        if (c.steady_now() > end) co_return false;
        co_await c.sleep_for(between_looks);
    }
    co_return true;
}

// The outcome of every order, by slot. Lists are quick and may be a moment behind, so that what is in none of them is asked
// for by its id, which is never behind, until it is final or the time is up.
task<std::vector<listed>> final_states(platform_api& api, clock& c, const slots_by_id& mine, std::size_t slots, steady_point end) {
    std::vector<listed> out(slots);
    for (const char* status : {"CANCELLED", "CONFIRMED", "RETURNED"})
        for (auto& o : co_await list(api, mine, status)) out[o.slot] = o;
    for (const auto& [id, slot] : mine) {
        while (out[slot].status.empty()) {
            const auto order = co_await api.demand(http::verb::get, "/v1/orders/" + id.str());
            const auto status = text_at(order, "status").substr(status_prefix.size());
            if (status == "CONFIRMED" || status == "CANCELLED" || status == "RETURNED") out[slot] = {slot, status, reason_of(order)};
            else if (c.steady_now() > end) break;
            else co_await c.sleep_for(between_looks);
        }
    }
    co_return out;
}

std::string day_of(time_point t) { return rfc3339(t).substr(0, 10); }

task<daily_totals> read_daily(platform_api& api, time_point first, time_point last) {
    daily_totals out;
    std::string token;
    do {
        const auto page = co_await api.demand(http::verb::get, fmt::format("/v1/dailySales?from_day={}&to_day={}&page_size=1000{}{}", day_of(first), day_of(last),
                                                                           token.empty() ? "" : "&page_token=", http::percent_encode(token)));
        for (const auto& d : items_at(page, "days")) {
            if (text_at(d, "revenue.currency") != "GBP") continue;
            out.revenue_minor += number_at(d, "revenue.minorUnits");
            out.refunded_minor += number_at(d, "refunded.minorUnits");
            out.orders += number_at(d, "orders");
            out.units += number_at(d, "units");
        }
        token = text_at(page, "nextPageToken");
    } while (!token.empty());
    co_return out;
}

}  // namespace

task<outcomes> gather_outcomes(platform_api& api, observer& watched, clock& c, const std::deque<placed_order>& orders, time_point first, time_point last, milliseconds patience) {
    outcomes out;
    const auto mine = by_id(orders);
    const auto end = c.steady_now() + patience;
    co_await wait_until_drained(watched, c, end);
    const auto states = co_await final_states(api, c, mine, orders.size(), end);
    for (std::size_t i = 0; i < orders.size(); ++i) {
        const auto& status = states[i].status;
        if (orders[i].is != placed_order::state::known) continue;
        out.gbp.refunded_minor += orders[i].refunded_minor;
        out.unfinished += status.empty();
        out.returned_in_full += status == "RETURNED";
        if (status == "CANCELLED") ++out.cancelled[states[i].reason];
        if (status != "CONFIRMED" && status != "RETURNED") continue;
        ++out.confirmed;
        out.gbp.gross_minor += orders[i].total_minor;
        out.gbp.invoice_gross_minor += orders[i].invoice_minor;
        out.gbp.units += orders[i].units;
    }
    // The last saga's events are applied too before sums of read models are compared.
    co_await c.sleep_for(between_looks);
    out.settled = co_await wait_until_drained(watched, c, end) && out.unfinished == 0;
    if (!mine.empty()) out.daily = co_await read_daily(api, first, last);
    co_return out;
}

}  // namespace bv::replay
