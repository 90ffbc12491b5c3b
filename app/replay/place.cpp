// driver: sales as orders.
#include <iterator>

#include <fmt/format.h>

#include "app/replay/driver.hpp"
#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::replay {

namespace {

constexpr std::size_t most_notes = 1'000;

std::string order_body(const order_draft& d, const std::string& customer_id) {
    fmt::memory_buffer out;
    fmt::format_to(std::back_inserter(out), R"({{"customerId":"{}","currency":"GBP","paymentMethod":"{}","externalReference":{},"orderedAt":"{}","lines":[)", customer_id,
                   d.declined ? "card_declined" : "card_ok", json_string(d.reference), rfc3339(d.date));
    for (std::size_t i = 0; i < d.lines.size(); ++i)
        fmt::format_to(std::back_inserter(out), R"({}{{"sku":"{}","quantity":"{}"}})", i == 0 ? "" : ",", d.lines[i].sku, d.lines[i].quantity);
    fmt::format_to(std::back_inserter(out), "]}}");
    return fmt::to_string(out);
}

}  // namespace

task<void> driver::place_all(order_slot first, std::vector<order_draft> drafts, steady_point intended) {
    try {
        for (std::size_t i = 0; i < drafts.size() && !failure_; ++i) co_await place(first + static_cast<order_slot>(i), drafts[i], intended);
    } catch (...) {
        fail(std::current_exception());
    }
    order_permits_.give_back();
}

task<void> driver::place(order_slot slot, const order_draft& d, steady_point intended) {
    auto& o = orders_[slot];
    if (const auto* known = progress_.find(d.reference)) {
        o.id = known->id;
        o.total_minor = known->total_minor;
        o.is = placed_order::state::known;
        ++tally_.placed_before;
        co_return;
    }
    auto body = order_body(d, known_.customer_ids[known_.customer_places.at(d.customer)]);
    auto answer = co_await api_.call(http::verb::post, "/v1/orders", std::move(body), fmt::format("replay-{}-{}", options_.file_key, d.reference));
    // The order is there, of a run with other settings or one whose answer is no longer kept.
    if (answer.status == 409 || answer.status == 422) {
        auto found = co_await find_placed(d);
        if (found.ok()) answer = std::move(found);
    }
    note_placed(slot, d, answer, intended);
}

// By the invoice's number. The list may be a moment behind.
task<api_answer> driver::find_placed(const order_draft& d) {
    const auto target = fmt::format("/v1/orders?customer_id={}&external_reference={}", known_.customer_ids[known_.customer_places.at(d.customer)], http::percent_encode(d.reference));
    for (int tries = 0; tries < 20; ++tries) {
        auto answer = co_await api_.call(http::verb::get, target);
        const auto& found = items_at(answer.body, "orders");
        if (!found.empty()) {
            auto order = found[0];
            answer.body = std::move(order);
            co_return answer;
        }
        co_await clock_.sleep_for(milliseconds(250));
    }
    co_return api_answer{404, {}, false};
}

void driver::note_placed(order_slot slot, const order_draft& d, const api_answer& a, steady_point intended) {
    auto& o = orders_[slot];
    const auto id = a.ok() ? uuid::parse(text_at(a.body, "id")) : std::nullopt;
    if (!id) {
        o.is = placed_order::state::refused;
        refuse(d.reference, a);
        return;
    }
    o.id = *id;
    o.total_minor = number_at(a.body, "total.minorUnits");
    o.is = placed_order::state::known;
    const auto created = parse_rfc3339(text_at(a.body, "createTime"));
    if (created && *created < run_began_) {
        ++tally_.placed_before;
    } else {
        ++tally_.placed;
        tally_.accept.add(clock_.steady_now() - intended);
    }
    progress_.add(d.reference, {o.id, o.total_minor});
}

void driver::refuse(std::string reference, const api_answer& a) {
    auto reason = text_at(a.body, "reason");
    if (reason.empty()) reason = fmt::format("HTTP {}", a.status);
    ++tally_.refused[reason];
    if (tally_.notes.size() >= most_notes) return;
    auto detail = text_at(a.body, "detail");
    for (const auto& v : items_at(a.body, "violations")) detail += fmt::format("; {} {}", text_at(v, "field"), text_at(v, "description"));
    tally_.notes.push_back({std::move(reference), std::move(reason), std::move(detail)});
}

}  // namespace bv::replay
