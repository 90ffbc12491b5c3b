#include "app/demo/journey.hpp"

#include <cstdlib>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"

namespace bv::demo {

using replay::items_at;
using replay::json_string;
using replay::number_at;
using replay::text_at;

namespace {

constexpr milliseconds between_looks{10};

std::string pounds(std::int64_t minor) { return fmt::format("{}£{}.{:02}", minor < 0 ? "-" : "", std::abs(minor) / 100, std::abs(minor) % 100); }

std::string_view meaning(std::string_view type) noexcept {
    struct entry {
        std::string_view type, meaning;
    };
    static constexpr entry known[] = {
        {"OrderPlaced", "accepted durably, with its message to inventory in the same transaction"},
        {"StockReserved", "inventory holds all lines; payment is asked to authorise"},
        {"PaymentAuthorised", "the provider vouches for the amount; capture is asked for"},
        {"PaymentCaptured", "the money is ours, booked in the ledger"},
        {"OrderConfirmed", "the saga has ended; stock is committed, the buyer is told"},
        {"OrderCancelled", "the saga goes back: whatever was done is undone"},
        {"StockReleased", "compensation: what was held or sold is available again"},
        {"PaymentVoided", "compensation: the authorisation is given up"},
        {"PaymentRefunded", "compensation: the money goes back, booked in the ledger"},
    };
    for (const auto& e : known)
        if (e.type == type) return e.meaning;
    return "";
}

}  // namespace

journey::journey(options o, narrator& n) : options_(std::move(o)), says_(n), shopper_(options_.where), operators_(options_.where) {
    if (!options_.operator_key.empty()) operators_.use_key(options_.operator_key);
}

bool journey::run() {
    register_shopper();
    browse();
    buy();
    card_declined();
    out_of_stock();
    change_of_mind();
    what_next();
    return as_expected_;
}

reply journey::demand(http::verb verb, const std::string& target, const std::string& body, std::string_view shown_body) {
    says_.asked(http::name(verb), target, shown_body.empty() ? std::string_view(body) : shown_body);
    auto r = shopper_.ask(verb, target, body);
    if (r.ok()) return r;
    says_.answered(r.status, r.took, text_at(r.body, "detail"));
    throw failure(code::failed_precondition, "DEMO_REFUSED", fmt::format("{} {} was answered {}: {}", http::name(verb), target, r.status, text_at(r.body, "detail")));
}

void journey::miss(const std::string& what) {
    as_expected_ = false;
    says_.warn(what);
}

bool journey::until(const std::function<bool()>& done) {
    const auto end = system_clock().steady_now() + options_.patience;
    while (!done()) {
        if (system_clock().steady_now() > end) return false;
        std::this_thread::sleep_for(between_looks);
    }
    return true;
}

journey::placed journey::place(std::int64_t quantity, const std::string& payment_method) {
    const auto body = fmt::format(R"({{"currency":"GBP","paymentMethod":"{}","lines":[{{"sku":{},"quantity":"{}"}}]}})", payment_method, json_string(sku_), quantity);
    const auto r = demand(http::verb::post, "/v1/orders", body);
    placed out{text_at(r.body, "id"), r.trace_id};
    says_.answered(r.status, r.took, fmt::format("order {}, {} × {} = {}", out.id, quantity, name_, pounds(number_at(r.body, "total.minorUnits"))));
    return out;
}

void journey::watch(const std::string& order_id, std::initializer_list<std::string_view> until_seen, std::int64_t after_version) {
    says_.note("what happens behind it, as it happens:");
    std::set<std::string_view> missing(until_seen);
    std::optional<time_point> begun;
    auto seen = after_version;
    const bool complete = until([&] {
        const auto r = shopper_.ask(http::verb::get, fmt::format("/v1/orders/{}/events", order_id));
        for (const auto& e : items_at(r.body, "events")) {
            if (number_at(e, "version") <= seen) continue;
            seen = number_at(e, "version");
            const auto type = text_at(e, "type");
            const auto at = parse_rfc3339(text_at(e, "time")).value_or(time_point{});
            if (!begun) begun = at;
            auto what = std::string(meaning(type));
            if (const auto detail = text_at(e, "data.detail"); !detail.empty()) what = detail + "; " + what;
            says_.event(at - *begun, type, what);
            missing.erase(type);
        }
        return missing.empty();
    });
    seen_version_ = seen;
    if (!complete) miss(fmt::format("{} did not come within {} s", *missing.begin(), options_.patience.count() / 1000));
}

void journey::expect_status(const std::string& order_id, std::string_view status) {
    const auto target = "/v1/orders/" + order_id;
    const auto r = demand(http::verb::get, target);
    const auto is = text_at(r.body, "status");
    auto text = fmt::format("status {}", is);
    if (const auto why = text_at(r.body, "cancelReason"); !why.empty()) text += fmt::format(", {}", why);
    if (const auto detail = text_at(r.body, "cancelDetail"); !detail.empty()) text += fmt::format(" ({})", detail);
    if (const auto refunded = number_at(r.body, "refunded.minorUnits"); refunded != 0) text += fmt::format(", refunded {}", pounds(refunded));
    says_.answered(r.status, r.took, text);
    if (is != status) miss(fmt::format("the order should be {}", status));
}

void journey::show_trace(const std::string& trace_id) { says_.link("the whole trace", fmt::format("{}/traces/trace.html?id={}", options_.url, trace_id)); }

void journey::show_notification(const std::string& order_id, std::string_view kind) {
    reply r;
    std::string subject;
    const bool came = until([&] {
        r = shopper_.ask(http::verb::get, "/v1/notifications?page_size=20");
        for (const auto& n : items_at(r.body, "notifications"))
            if (text_at(n, "orderId") == order_id && text_at(n, "kind") == kind) subject = text_at(n, "subject");
        return !subject.empty();
    });
    says_.asked("GET", "/v1/notifications");
    if (came) says_.answered(r.status, r.took, fmt::format("the buyer was told: \"{}\"", subject));
    else miss("no notification came");
}

void journey::show_ledger(const std::string& order_id) {
    if (!operators_.has_key()) return;
    const auto payment = text_at(shopper_.ask(http::verb::get, "/v1/orders/" + order_id).body, "paymentId");
    if (payment.empty()) {
        says_.note("ledger: no entry, as no money moved");
        return;
    }
    const auto target = "/v1/ledger/entries?payment_id=" + payment;
    const auto r = operators_.ask(http::verb::get, target);
    says_.note(fmt::format("ledger (the operator's view, GET {}):", target));
    std::int64_t sum = 0;
    for (const auto& e : items_at(r.body, "entries")) {
        const auto amount = number_at(e, "amount.minorUnits");
        sum += amount;
        says_.note(fmt::format("  {:<18} {:>10}  {}", text_at(e, "account"), pounds(amount), text_at(e, "description")));
    }
    says_.note(fmt::format("  {:<18} {:>10}", "sum", pounds(sum)));
    if (sum != 0) miss("the entries do not sum to zero");
}

journey::stock journey::read_stock() {
    if (!operators_.has_key()) return {};
    const auto r = operators_.ask(http::verb::get, "/v1/stock/" + sku_);
    return {number_at(r.body, "available"), number_at(r.body, "reserved"), number_at(r.body, "sold")};
}

void journey::show_stock(const stock& before) {
    if (!operators_.has_key()) return;
    auto now = read_stock();
    // Inventory commits what is confirmed by an event of its own, a moment later.
    (void)until([&] { return (now = read_stock()).reserved == 0; });
    says_.change(fmt::format("stock of {}", sku_), fmt::format("{} available, {} sold", before.available, before.sold), fmt::format("{} available, {} sold", now.available, now.sold));
}

}  // namespace bv::demo
