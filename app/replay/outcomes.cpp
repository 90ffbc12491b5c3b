#include "app/replay/outcomes.hpp"

#include <unordered_map>

#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace {

constexpr milliseconds between_looks{200};

using slots_by_id = std::unordered_map<uuid, order_slot>;

struct listed {
    order_slot slot;
    std::string reason;
};

slots_by_id by_id(const std::deque<placed_order>& orders) {
    slots_by_id out;
    out.reserve(orders.size());
    for (std::size_t i = 0; i < orders.size(); ++i)
        if (orders[i].is == placed_order::state::known) out.emplace(orders[i].id, static_cast<order_slot>(i));
    return out;
}

// The orders of `mine` that have the status; with `enough`, no more than the first page that holds one.
task<std::vector<listed>> list(platform_api& api, const slots_by_id& mine, std::string status, bool enough) {
    std::vector<listed> out;
    std::string token;
    do {
        const auto page = co_await api.demand(http::verb::get, fmt::format("/v1/orders?status=ORDER_STATUS_{}&page_size=200{}{}", status, token.empty() ? "" : "&page_token=",
                                                                           http::percent_encode(token)));
        for (const auto& o : items_at(page, "orders")) {
            const auto id = uuid::parse(text_at(o, "id"));
            const auto at = id ? mine.find(*id) : mine.end();
            if (at == mine.end()) continue;
            auto reason = text_at(o, "cancelReason");
            constexpr std::string_view prefix = "CANCEL_REASON_";
            if (reason.starts_with(prefix)) reason.erase(0, prefix.size());
            out.push_back({at->second, reason});
        }
        token = text_at(page, "nextPageToken");
    } while (!token.empty() && !(enough && !out.empty()));
    co_return out;
}

task<bool> any_open(platform_api& api, const slots_by_id& mine) {
    for (const char* status : {"PLACED", "RESERVED", "AUTHORISED"})
        if (!(co_await list(api, mine, status, true)).empty()) co_return true;
    co_return false;
}

// Lists are behind while events are, so both are asked: first the events, then the lists that they fill.
task<bool> wait_until_final(platform_api& api, observer& watched, clock& c, const slots_by_id& mine, milliseconds patience) {
    const auto end = c.steady_now() + patience;
    for (;;) {
        const auto drained = co_await watched.drained();
        if (drained.value_or(true) && !co_await any_open(api, mine)) {
            // A saga's last step may have made new events between the two answers.
            if ((co_await watched.drained()).value_or(true)) co_return true;
        }
        if (c.steady_now() > end) co_return false;
        co_await c.sleep_for(between_looks);
    }
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
    out.settled = co_await wait_until_final(api, watched, c, mine, patience);
    std::vector<bool> sold(orders.size(), false);
    for (const auto& [id, slot] : mine) sold[slot] = true;
    for (const auto& o : co_await list(api, mine, "CANCELLED", false)) {
        ++out.cancelled[o.reason];
        sold[o.slot] = false;
    }
    if (!out.settled) {
        for (const char* status : {"PLACED", "RESERVED", "AUTHORISED"}) {
            for (const auto& o : co_await list(api, mine, status, false)) {
                ++out.unfinished;
                sold[o.slot] = false;
            }
        }
    }
    out.returned_in_full = (co_await list(api, mine, "RETURNED", false)).size();
    for (std::size_t i = 0; i < orders.size(); ++i) {
        out.gbp.refunded_minor += orders[i].refunded_minor;
        if (!sold[i]) continue;
        ++out.confirmed;
        out.gbp.gross_minor += orders[i].total_minor;
        out.gbp.invoice_gross_minor += orders[i].invoice_minor;
        out.gbp.units += orders[i].units;
    }
    if (!mine.empty()) out.daily = co_await read_daily(api, first, last);
    co_return out;
}

}  // namespace bv::replay
