// driver: "C…" invoices as returns.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "app/replay/driver.hpp"
#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace {

constexpr std::size_t most_notes = 1'000;
constexpr milliseconds first_look{10}, longest_look{250};

outcome outcome_of(std::string_view status) noexcept {
    if (status == "ORDER_STATUS_CONFIRMED" || status == "ORDER_STATUS_RETURNED") return outcome::confirmed;
    if (status == "ORDER_STATUS_CANCELLED") return outcome::cancelled;
    return outcome::unknown;
}

std::string return_body(const imported& known, std::string_view reference, const std::vector<taken_line>& lines) {
    auto out = fmt::format(R"({{"externalReference":{},"lines":[)", json_string(reference));
    for (std::size_t i = 0; i < lines.size(); ++i)
        fmt::format_to(std::back_inserter(out), R"({}{{"sku":"{}","quantity":"{}"}})", i == 0 ? "" : ",", known.skus[lines[i].sku], lines[i].quantity);
    return out + "]}";
}

// What the lines cost, by the order's own prices.
std::int64_t refund_of(const boost::json::value& order, const imported& known, const std::vector<taken_line>& lines) {
    std::int64_t out = 0;
    for (const auto& l : lines) {
        for (const auto& of_order : items_at(order, "lines"))
            if (text_at(of_order, "sku") == known.skus[l.sku]) out += l.quantity * number_at(of_order, "unitPrice.minorUnits");
    }
    return out;
}

}  // namespace

task<void> driver::return_all(std::uint32_t who) {
    auto& c = customers_[who];
    while (!c.returns.empty()) {
        try {
            if (!failure_) co_await give_back(who, c.returns.front());
        } catch (...) {
            fail(std::current_exception());
        }
        c.returns.pop_front();
        return_permits_.give_back();
    }
    c.returning = false;
}

task<void> driver::give_back(std::uint32_t who, const pending_return& r) {
    std::vector<wanted_return> wanted;
    std::int64_t units = 0;
    for (const auto& l : r.lines) {
        const auto at = known_.sku_places.find(l.sku);
        wanted.push_back({at == known_.sku_places.end() ? none_such : at->second, l.quantity});
        units += l.quantity;
    }
    auto m = co_await match(who, r, wanted);
    if (customers_[who].stuck) {
        m = {};
        m.unmatched_units[static_cast<std::size_t>(unmatched::order_not_final)] = units;
    }
    index_.take(who, m);
    for (const auto& o : m.orders) {
        if (co_await send_return(r, o)) continue;
        for (const auto& l : o.lines) m.unmatched_units[static_cast<std::size_t>(unmatched::refused)] += l.quantity;
    }
    note_unmatched(r, m.unmatched_units);
}

// Asks for the outcome of every order that it may be of.
task<return_match> driver::match(std::uint32_t who, const pending_return& r, std::vector<wanted_return> wanted) {
    while (!customers_[who].stuck) {
        auto m = index_.match(who, r.before, wanted, [this](order_slot s) { return orders_[s].is == placed_order::state::refused ? outcome::cancelled : orders_[s].ended; });
        if (m.undecided.empty()) co_return m;
        for (const auto s : m.undecided)
            if (co_await settle(s) == outcome::unknown) customers_[who].stuck = true;
    }
    co_return return_match{};
}

task<outcome> driver::settle(order_slot s) {
    auto& o = orders_[s];
    const auto end = clock_.steady_now() + options_.settle_patience;
    for (auto pause = first_look;; pause = std::min(pause * 2, longest_look)) {
        if (o.is == placed_order::state::refused) co_return outcome::cancelled;
        if (o.is == placed_order::state::known && o.ended == outcome::unknown) {
            const auto order = co_await api_.demand(http::verb::get, "/v1/orders/" + o.id.str());
            o.ended = outcome_of(text_at(order, "status"));
        }
        if (o.ended != outcome::unknown || failure_ || clock_.steady_now() > end) co_return o.ended;
        co_await clock_.sleep_for(pause);
    }
}

task<bool> driver::send_return(const pending_return& r, const order_return& o) {
    const auto id = orders_[o.order].id.str();
    auto body = return_body(known_, r.reference, o.lines);
    const auto answer = co_await api_.call(http::verb::post, fmt::format("/v1/orders/{}:return", id), std::move(body),
                                           fmt::format("replay-{}-{}-{}", options_.file_key, r.reference, id));
    if (!answer.ok()) {
        refuse(r.reference, answer);
        co_return false;
    }
    ++tally_.return_calls;
    const auto changed = parse_rfc3339(text_at(answer.body, "updateTime"));
    if (answer.repeated && changed && *changed < run_began_) ++tally_.return_calls_before;
    for (const auto& l : o.lines) tally_.returned_units += l.quantity;
    orders_[o.order].refunded_minor += refund_of(answer.body, known_, o.lines);
    co_return true;
}

void driver::note_unmatched(const pending_return& r, const std::array<std::int64_t, unmatched_kinds>& units) {
    for (std::size_t kind = 0; kind < unmatched_kinds; ++kind) {
        if (units[kind] == 0) continue;
        tally_.unmatched_units[kind] += units[kind];
        ++tally_.unmatched_invoices[kind];
        if (tally_.notes.size() < most_notes) tally_.notes.push_back({r.reference, describe(static_cast<unmatched>(kind)), fmt::format("{} units of return {}", units[kind], r.number)});
    }
}

}  // namespace bv::replay
