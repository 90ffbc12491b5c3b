// journey: its scenes, one after the other.
#include <fmt/format.h>

#include "app/demo/journey.hpp"
#include "app/replay/json_fields.hpp"
#include "platform/core/error.hpp"
#include "platform/security/encoding.hpp"

namespace bv::demo {

using replay::items_at;
using replay::number_at;
using replay::text_at;

namespace {

constexpr std::int64_t wanted_quantity = 2;

std::string random_word() {
    std::array<std::uint8_t, 6> bytes{};
    system_rng().fill(bytes);
    return security::hex(bytes);
}

std::int64_t price_of(const boost::json::value& product) {
    for (const auto& p : items_at(product, "prices"))
        if (text_at(p, "currency") == "GBP") return number_at(p, "minorUnits");
    return 0;
}

}  // namespace

void journey::register_shopper() {
    says_.scene("A new shopper", "registers and logs in. The password is kept as an Argon2id hash, the address encrypted at column level.");
    const auto email = fmt::format("demo-{}@bitvelocity.example", random_word());
    const auto password = random_word() + random_word();
    const auto account = fmt::format(R"({{"email":"{}","password":"{}","displayName":"Demo shopper"}})", email, password);
    auto r = demand(http::verb::post, "/v1/accounts", account, fmt::format(R"({{"email":"{}","password":"…"}})", email));
    says_.answered(r.status, r.took, fmt::format("account {}", text_at(r.body, "id")));
    r = demand(http::verb::post, "/v1/sessions", fmt::format(R"({{"email":"{}","password":"{}"}})", email, password), R"({"email":…,"password":…})");
    says_.answered(r.status, r.took, fmt::format("an access token for {} s, and a refresh token that works once", number_at(r.body, "expiresIn")));
    shopper_.log_in(text_at(r.body, "accessToken"));
}

void journey::browse() {
    says_.scene("Browsing", "full-text search over names and descriptions, then one product. Reads come from a cache that events keep fresh.");
    std::string target = "/v1/products?query=coffee&currency=GBP&page_size=5";
    auto r = demand(http::verb::get, target);
    if (items_at(r.body, "products").empty()) {
        says_.answered(r.status, r.took, "nothing; then whatever there is");
        target = "/v1/products?currency=GBP&page_size=20";
        r = demand(http::verb::get, target);
    }
    const auto& found = items_at(r.body, "products");
    says_.answered(r.status, r.took, fmt::format("{} products", found.size()));
    for (const auto& p : found) {
        if (found.size() <= 5) says_.note(fmt::format("{:<18} {:<36} {}.{:02} GBP", text_at(p, "sku"), text_at(p, "name"), price_of(p) / 100, price_of(p) % 100));
        if (!name_.empty()) continue;
        sku_ = text_at(p, "sku");
        if (!operators_.has_key() || read_stock().available > wanted_quantity) name_ = text_at(p, "name");
    }
    if (name_.empty()) throw failure(code::failed_precondition, "NOTHING_IN_STOCK", "no product with stock was found. Start afresh with: bv reset, bv up");
    r = demand(http::verb::get, "/v1/products/" + sku_);
    const auto description = text_at(r.body, "description");
    says_.answered(r.status, r.took, description.empty() ? text_at(r.body, "name") : fmt::format("{}: {}", text_at(r.body, "name"), description));
}

void journey::buy() {
    says_.scene("An order", "The answer comes as soon as the order is durable; the saga then reserves, authorises, captures and confirms by itself.");
    const auto before = read_stock();
    const auto order = place(wanted_quantity, "card_ok");
    watch(order.id, {"OrderPlaced", "OrderConfirmed"});
    confirmed_order_ = order.id;
    expect_status(order.id, "ORDER_STATUS_CONFIRMED");
    show_notification(order.id, "NOTIFICATION_KIND_ORDER_CONFIRMED");
    show_ledger(order.id);
    show_stock(before);
    show_trace(order.trace_id);
}

void journey::card_declined() {
    says_.scene("A declined card", "The stock is held already when the provider says no. The saga gives it back.");
    const auto seen = seen_version_;
    const auto before = read_stock();
    const auto order = place(1, "card_declined");
    watch(order.id, {"OrderPlaced", "StockReserved", "OrderCancelled", "StockReleased"});
    expect_status(order.id, "ORDER_STATUS_CANCELLED");
    show_notification(order.id, "NOTIFICATION_KIND_ORDER_CANCELLED");
    show_stock(before);
    show_trace(order.trace_id);
    seen_version_ = seen;
}

void journey::out_of_stock() {
    const auto before = read_stock();
    const std::int64_t too_many = operators_.has_key() ? std::min<std::int64_t>(before.available + 1, 1'000'000) : 1'000'000;
    says_.scene("An empty shelf", fmt::format("{} are asked for, one more than there are. All lines of an order are held, or none.", too_many));
    const auto seen = seen_version_;
    const auto order = place(too_many, "card_ok");
    watch(order.id, {"OrderPlaced", "OrderCancelled"});
    expect_status(order.id, "ORDER_STATUS_CANCELLED");
    show_notification(order.id, "NOTIFICATION_KIND_ORDER_CANCELLED");
    show_ledger(order.id);
    show_stock(before);
    show_trace(order.trace_id);
    seen_version_ = seen;
}

void journey::change_of_mind() {
    says_.scene("A change of mind", "The first order was paid and confirmed. Cancelling it refunds the money and puts the goods back.");
    const auto before = read_stock();
    const auto r = demand(http::verb::post, fmt::format("/v1/orders/{}:cancel", confirmed_order_), R"({"note":"changed my mind"})");
    says_.answered(r.status, r.took, fmt::format("status {}", text_at(r.body, "status")));
    watch(confirmed_order_, {"OrderCancelled", "StockReleased", "PaymentRefunded"}, seen_version_);
    expect_status(confirmed_order_, "ORDER_STATUS_CANCELLED");
    show_notification(confirmed_order_, "NOTIFICATION_KIND_ORDER_CANCELLED");
    show_ledger(confirmed_order_);
    show_stock(before);
    show_trace(r.trace_id);
}

void journey::what_next() {
    says_.scene("What to try next", "The platform goes on running.");
    says_.link("start page, with recent orders", options_.url + "/");
    says_.link("the API, readable", options_.url + "/docs");
    says_.link("recent traces", options_.url + "/traces/traces.html");
    says_.link("the order as it was when it was placed", fmt::format("{}/v1/orders/{}?as_of=1 (with the shopper's token)", options_.url, confirmed_order_));
    says_.note("bv verify           checks that no money and no stock got lost");
    says_.note("bv replay FILE      a year of a real retailer's invoices through the same API");
    says_.note("bv status           what runs, and how far behind it is");
}

}  // namespace bv::demo
